#include "config/service_list.h"

#include <gtest/gtest.h>

namespace openmmp::config {
namespace {

std::string listeners_of(const ServiceEntry& entry) {
  std::string text;
  for (const HostPort& one : entry.listeners) {
    text += (text.empty() ? "" : " ") +
            (one.host.empty() ? "*:" + std::to_string(one.port) : one.to_string());
  }
  return text;
}

TEST(ServiceEntry, ReadsEveryForm) {
  const struct {
    std::string_view text;
    std::string_view name;
    std::string_view executable;
    std::string_view file;
    std::string_view section;
    std::string_view listeners;
  } cases[] = {
      {"ImapProxyAService@143", "ImapProxyAService@143", "ImapProxyAService",
       "ImapProxyAService.cfg", "default", "*:143"},
      {"/opt/lib/ImapProxyAService@1143|1993", "ImapProxyAService@1143|1993", "ImapProxyAService",
       "ImapProxyAService.cfg", "default", "*:1143 *:1993"},
      {"lib/PopProxyAService.so@110", "PopProxyAService@110", "PopProxyAService",
       "PopProxyAService.cfg", "default", "*:110"},
      {"C:\\mmp\\lib\\PopProxyAService.DLL@110", "PopProxyAService@110", "PopProxyAService",
       "PopProxyAService.cfg", "default", "*:110"},
      {"imapproxy@143", "ImapProxyAService@143", "ImapProxyAService", "ImapProxyAService.cfg",
       "default", "*:143"},
      {"POPPROXY@110", "PopProxyAService@110", "PopProxyAService", "PopProxyAService.cfg",
       "default", "*:110"},
      {"submitproxy@25|587", "SmtpProxyAService@25|587", "SmtpProxyAService",
       "SmtpProxyAService.cfg", "default", "*:25 *:587"},
      {"ImapProxyAService|spain.cfg@143", "ImapProxyAService|spain.cfg@143", "ImapProxyAService",
       "spain.cfg", "default", "*:143"},
      {"ImapProxyAService|/etc/a@b.cfg|spain@[::1]:143|mail.example.com:1143|192.0.2.1:65535",
       "ImapProxyAService|/etc/a@b.cfg|spain@[::1]:143|mail.example.com:1143|192.0.2.1:65535",
       "ImapProxyAService", "/etc/a@b.cfg", "spain",
       "[::1]:143 mail.example.com:1143 192.0.2.1:65535"},
      {"ImapProxyAService@mail_host-1:143", "ImapProxyAService@mail_host-1:143",
       "ImapProxyAService", "ImapProxyAService.cfg", "default", "mail_host-1:143"},
  };
  for (const auto& good : cases) {
    const Result<ServiceEntry> entry = parse_service_entry(good.text);
    ASSERT_TRUE(entry) << good.text << ": " << entry.error().detail;
    EXPECT_EQ(entry->name, good.name);
    EXPECT_EQ(entry->executable, good.executable);
    EXPECT_EQ(entry->file, good.file);
    EXPECT_EQ(entry->section, good.section);
    EXPECT_EQ(listeners_of(*entry), good.listeners);
  }
  EXPECT_EQ(parse_service_entry("imapproxy@1")->protocol, Protocol::imap);
  EXPECT_EQ(parse_service_entry("popproxy@1")->protocol, Protocol::pop);
  EXPECT_EQ(parse_service_entry("submitproxy@1")->protocol, Protocol::smtp);
}

TEST(ServiceEntry, RefusesBadInput) {
  const struct {
    std::string_view text;
    std::string_view part;  // of the message
  } cases[] = {
      {"", "names no port"},
      {"ImapProxyAService", "names no port"},
      {"143", "names no port"},
      {"@143", "SmtpProxyAService"},
      {"HttpProxyAService@80", "ImapProxyAService, PopProxyAService, SmtpProxyAService"},
      {"ImapProxyAService.sox@143", "not a known module"},
      {".so@143", "not a known module"},
      {"/opt/lib/@143", "not a known module"},
      {"ImapProxyAService@", "'' is not a host"},
      {"ImapProxyAService@143|", "'' is not a host"},
      {"ImapProxyAService@|143", "'' is not a host"},
      {"ImapProxyAService@0", "1 to 65535"},
      {"ImapProxyAService@65536", "1 to 65535"},
      {"ImapProxyAService@99999999999999999999", "1 to 65535"},
      {"ImapProxyAService@-1", "has no port"},
      {"ImapProxyAService@imap", "has no port"},
      {"ImapProxyAService@localhost:", "not a port"},
      {"ImapProxyAService@localhost:0", "not a port"},
      {"ImapProxyAService@localhost:x", "not a port"},
      {"ImapProxyAService@:143", "host is empty"},
      {"ImapProxyAService@[::1]", "has no port"},
      {"ImapProxyAService@[::1]143", "':' and a port"},
      {"ImapProxyAService@[::1:143", "']'"},
      {"ImapProxyAService@[mail]:143", "no IPv6"},
      {"ImapProxyAService@::1", "has no port"},
      {"ImapProxyAService@300.0.2.1:143", "not a host name"},
      {"ImapProxyAService@192.0.2:143", "not a host name"},
      {"ImapProxyAService@ma*il:143", "not a host name"},
      {"ImapProxyAService@m/ail:143", "not a host name"},
      {"ImapProxyAService|@143", "is not an entry"},
      {"ImapProxyAService||s@143", "is not an entry"},
      {"ImapProxyAService|a.cfg|@143", "is not an entry"},
      {"ImapProxyAService|a.cfg|s|t@143", "is not an entry"},
  };
  for (const auto& [text, part] : cases) {
    const Result<ServiceEntry> entry = parse_service_entry(text);
    ASSERT_FALSE(entry) << text;
    EXPECT_NE(entry.error().detail.find(part), std::string::npos)
        << text << ": " << entry.error().detail;
  }
}

TEST(ServiceList, ReadsEntriesBetweenBlanks) {
  const ServiceList list = parse_service_list(
      "  /a/ImapProxyAService@1143|1993 \t /a/PopProxyAService@1110|1995 SmtpProxyAService@125 ");
  EXPECT_TRUE(list.faults.empty());
  ASSERT_EQ(list.entries.size(), 3u);
  EXPECT_EQ(list.entries[1].name, "PopProxyAService@1110|1995");
  EXPECT_TRUE(parse_service_list("").entries.empty());
  EXPECT_TRUE(parse_service_list("").faults.empty());
}

TEST(ServiceList, ReportsEveryBadEntryAndKeepsTheGoodOnes) {
  const ServiceList list = parse_service_list("Nope@1 imapproxy@143 popproxy@0");
  EXPECT_EQ(list.entries.size(), 1u);
  EXPECT_EQ(list.faults.size(), 2u);
}

TEST(ServiceList, FindsListenersThatCollide) {
  const struct {
    std::string_view text;
    size_t faults;
  } cases[] = {
      {"imapproxy@143|143", 1},
      {"imapproxy@143 popproxy@143", 1},
      {"imapproxy@143 popproxy@127.0.0.1:143", 1},
      {"imapproxy@127.0.0.1:143 popproxy@143", 1},
      {"imapproxy@LocalHost:143 popproxy@localhost:143", 1},
      {"imapproxy@143|143|143", 2},
      {"imapproxy@143 submitproxy@143", 1},
      {"imapproxy@127.0.0.1:143 popproxy@127.0.0.2:143", 0},
      {"imapproxy@127.0.0.1:143|127.0.0.1:1143", 0},
      {"imapproxy@143 imapproxy@1143", 0},
      {"imapproxy@0.0.0.0:143|[::]:143", 0},
  };
  for (const auto& [text, faults] : cases) {
    const ServiceList list = parse_service_list(text);
    EXPECT_EQ(list.faults.size(), faults) << text;
    for (const std::string& fault : list.faults) {
      EXPECT_NE(fault.find("collides with"), std::string::npos) << fault;
    }
  }
}

TEST(ServiceList, IsBounded) {
  std::string many;
  for (int port = 1; port <= 65; ++port) many += "imapproxy@" + std::to_string(port) + " ";
  EXPECT_EQ(parse_service_list(many).faults.size(), 1u);
  EXPECT_TRUE(parse_service_list(many).entries.empty());
  std::string wide = "imapproxy@1";
  for (int port = 2; port <= 64; ++port) wide += "|" + std::to_string(port);
  EXPECT_TRUE(parse_service_entry(wide));
  EXPECT_FALSE(parse_service_entry(wide + "|65"));
}

}  // namespace
}  // namespace openmmp::config
