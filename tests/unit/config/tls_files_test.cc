// Certificates and keys as an operator may have them, through the whole of load().
#include <gtest/gtest.h>

#include <ctime>

#include "config/config.h"
#include "config/report.h"
#include "tests/unit/config/diagnostics_matchers.h"
#include "tests/unit/config/instance_fixture.h"

namespace openmmp::config {
namespace {

constexpr int64_t day = 24 * 3600;

class TlsFiles : public InstanceTest {
 protected:
  void SetUp() override {
    write("AService.cfg", "default:ServiceList imapproxy@127.0.0.1:1143|1993\n");
    make_certificate("server");
  }
  // The lines begin in line 3.
  Config check(std::string_view lines, int64_t now = std::time(nullptr)) {
    write("ImapProxyAService.cfg",
          "default:LdapUrl ldap://h/o=x\ndefault:SSLEnable yes\n" + std::string(lines));
    return load(directory_, now);
  }
  std::string path(const std::string& name) const { return directory_ + "/" + name; }
};

TEST_F(TlsFiles, PairsHaveOneIndex) {
  make_certificate("rsa", "DNS:*.example,IP:192.0.2.1", "rsa:2048");
  const Config config = check(
      "default:SSLCertFile server.pem rsa.pem\ndefault:SSLKeyFile server.key rsa.key\n"
      "default:SSLClientCaFile rsa.pem\n");
  EXPECT_TRUE(config.diagnostics.empty()) << all_text(config.diagnostics);
  EXPECT_EQ(config.services.at(0).files,
            (std::vector<ServiceFile>{{"SSLCertFile", path("server.pem"), "", 0},
                                      {"SSLKeyFile", path("server.key"), "", 0},
                                      {"SSLCertFile", path("rsa.pem"), "", 1},
                                      {"SSLKeyFile", path("rsa.key"), "", 1},
                                      {"SSLClientCaFile", path("rsa.pem"), "", 0}}));
  const std::string text = check_text(config);
  EXPECT_NE(text.find("  certificate " + path("server.pem") + ": mail.example, ECDSA, expires 2"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("  certificate " + path("rsa.pem") + ": *.example 192.0.2.1, RSA, expires 2"),
            std::string::npos)
      << text;
  EXPECT_NE(check_json(config).find("\"key_type\": \"RSA\""), std::string::npos);
}

TEST_F(TlsFiles, KeysMayBeInTheCertificateFiles) {
  run("cat server.key server.pem > both.pem");
  const Config config = check("default:SSLCertFile both.pem\n");
  EXPECT_TRUE(config.diagnostics.empty()) << all_text(config.diagnostics);
}

TEST_F(TlsFiles, NicknamesStandForFiles) {
  run("mkdir ssl && cat server.key server.pem > ssl/c-one.pem && cp server.pem ssl/c-two.pem && "
      "cp server.key ssl/k-two.key");
  const Config config = check(
      "default:SSLCacheDir ssl\ndefault:SSLCertPrefix c-\ndefault:SSLKeyPrefix k-\n"
      "default:SSLCertNicknames one two\n");
  EXPECT_TRUE(config.diagnostics.empty()) << all_text(config.diagnostics);
  EXPECT_EQ(config.services.at(0).files,
            (std::vector<ServiceFile>{{"SSLCertFile", path("ssl/c-one.pem"), "", 0},
                                      {"SSLCertFile", path("ssl/c-two.pem"), "", 1},
                                      {"SSLKeyFile", path("ssl/k-two.key"), "", 1}}));
}

TEST_F(TlsFiles, MistakesAreErrorsThatNameTheFile) {
  make_certificate("other");
  run("cp server.pem x.pem && touch empty.pem");
  write("cert8", std::string("\x00\x06\x15\x61\x00\x00\x00\x02", 8));
  write("sqlite", "SQLite format 3");
  const struct {
    std::string_view lines;
    std::string_view place;
    std::string_view part;
  } cases[] = {
      {"", "SSLCertNicknames: error: ", "nickname Server-Cert stands for"},
      {"default:SSLCertNicknames \"\"\n", "2: SSLEnable: error: ", "no certificate"},
      {"default:SSLCertFile server.pem\ndefault:SSLKeyFile other.key\n",
       "3: SSLCertFile: error: ", "server.pem: "},
      {"default:SSLCertFile server.pem\ndefault:SSLKeyFile other.key\n",
       "3: SSLCertFile: error: ", "other.key"},
      {"default:SSLCertFile server.pem\n", "3: SSLCertFile: error: ", "server.pem: "},
      {"default:SSLCertFile empty.pem\ndefault:SSLKeyFile server.key\n",
       "3: SSLCertFile: error: ", "empty.pem: "},
      {"default:SSLCertFile none.pem\n", "3: SSLCertFile: error: ", "none.pem: No such file"},
      {"default:SSLCertFile server.pem x.pem\ndefault:SSLKeyFile server.key\n",
       "4: SSLKeyFile: error: ", "1 files for 2 certificates"},
      {"default:SSLCertFile cert8.db\n", "3: SSLCertFile: error: ", "pk12util"},
      {"default:SSLCertFile /nss/Cert7.DB\n", "3: SSLCertFile: error: ", "openssl pkcs12"},
      {"default:SSLCertFile cert8\n", "3: SSLCertFile: error: ", "pk12util"},
      {"default:SSLCertFile sqlite\n", "3: SSLCertFile: error: ", "pk12util"},
      {"default:SSLCertFile server.pem\ndefault:SSLKeyFile server.key\n"
       "default:SSLClientCaFile server.key\n",
       "5: SSLClientCaFile: error: ", "server.key: "},
      {"default:SSLCertFile server.pem\ndefault:SSLKeyFile server.key\ndefault:SSLOcspFile x.pem\n",
       "3: SSLCertFile: error: ", "OCSP"},
      {"default:SSLCertFile server.pem\ndefault:SSLKeyFile server.key\ndefault:SSLOcspFile - -\n",
       "5: SSLOcspFile: error: ", "2 files for 1"},
      {"default:SSLCertFile server.pem\ndefault:SSLKeyFile server.key\n"
       "default:SSLKeyPasswdFile empty.pem\ndefault:SSLCipherSpecs nonsense\n",
       "6: SSLCipherSpecs: error: ", "nonsense"},
      {"default:SSLCertFile server.pem\ndefault:SSLKeyFile server.key\n"
       "default:StoreStartTls yes\ndefault:StoreCertFile server.pem\ndefault:StoreKeyFile "
       "other.key\n",
       "6: StoreCertFile: error: ", "server.pem: "},
  };
  for (const auto& [lines, place, part] : cases) {
    const Config config = check(lines);
    EXPECT_EQ(count(config.diagnostics, Severity::error), 1u)
        << lines << all_text(config.diagnostics);
    EXPECT_FALSE(config.ok());
    const std::string colon = place[0] >= '0' && place[0] <= '9' ? ":" : ": ";
    EXPECT_TRUE(
        says(config.diagnostics, "ImapProxyAService.cfg" + colon + std::string(place), part))
        << lines << all_text(config.diagnostics);
  }
}

TEST_F(TlsFiles, EncryptedKeysNeedTheirPassword) {
  run("openssl ec -in server.key -aes256 -passout pass:sesame -out locked.key");
  constexpr std::string_view pair =
      "default:SSLCertFile server.pem\ndefault:SSLKeyFile locked.key\n";
  const struct {
    std::string_view passwords;
    bool good;
  } cases[] = {
      {"locked.key:sesame\n", true},
      {"server.pem:sesame\n", true},
      {"Internal (Software) Token:sesame\n", true},
      {"locked.key:wrong\n", false},
      {"other.key:sesame\n", false},
      {"", false},
  };
  for (const auto& [passwords, good] : cases) {
    write("passwords", passwords);
    const Config config = check(std::string(pair) + "default:SSLKeyPasswdFile passwords\n");
    EXPECT_EQ(config.ok(), good) << passwords << all_text(config.diagnostics);
    EXPECT_EQ(config.services.at(0).certificates.size(), good ? 1u : 0u);
    EXPECT_EQ(all_text(config.diagnostics).find("sesame"), std::string::npos);
  }
  EXPECT_TRUE(
      says(check(pair).diagnostics, "ImapProxyAService.cfg:3: SSLCertFile: error: ", "password"));
  write("passwords", "sesame\n");
  const Config odd = check(std::string(pair) + "default:SSLKeyPasswdFile passwords\n");
  EXPECT_TRUE(says(odd.diagnostics, "ImapProxyAService.cfg:5: SSLKeyPasswdFile: error: ",
                   "line 1 is not NAME:PASSWORD"));
}

TEST_F(TlsFiles, AWorkerCannotGetAnyNumberOfFiles) {
  std::string lines = "default:SSLCertFile server.pem\ndefault:SSLKeyFile server.key\n";
  std::string groups;
  for (int i = 0; i < 800; ++i) {
    groups += "store g" + std::to_string(i) + " h" + std::to_string(i) + "\ng" + std::to_string(i) +
              ":StoreStartTls yes\ng" + std::to_string(i) + ":StoreCaFile server.pem\n";
  }
  write("stores.cfg", groups);
  const Config config = check(lines + "default:StoreFile stores.cfg\n");
  EXPECT_TRUE(says(config.diagnostics, "ImapProxyAService.cfg: error: ", "802 files"));
  EXPECT_EQ(config.diagnostics.size(), 1u) << all_text(config.diagnostics);
}

TEST_F(TlsFiles, DatesAreWarnings) {
  const int64_t now = std::time(nullptr);
  const struct {
    int64_t when;
    std::string_view part;  // empty: nothing is said
  } cases[] = {
      {now + day, ""},
      {now - 2 * day, "is not valid before 20"},
      {now + 360 * day, "expires on 20"},
      {now + 400 * day, "expired on 20"},
  };
  for (const auto& [when, part] : cases) {
    const Config config =
        check("default:SSLCertFile server.pem\ndefault:SSLKeyFile server.key\n", when);
    EXPECT_TRUE(config.ok());
    EXPECT_EQ(config.diagnostics.size(), part.empty() ? 0u : 1u) << all_text(config.diagnostics);
    if (!part.empty()) {
      EXPECT_TRUE(says(config.diagnostics, "ImapProxyAService.cfg:3: SSLCertFile: warning: ", part))
          << all_text(config.diagnostics);
    }
  }
}

TEST_F(TlsFiles, AResponderIsNeededToFetchFrom) {
  const Config config = check(
      "default:SSLCertFile server.pem\ndefault:SSLKeyFile server.key\ndefault:SSLOcspFetch yes\n");
  EXPECT_TRUE(says(config.diagnostics,
                   "ImapProxyAService.cfg:5: SSLOcspFetch: warning: ", "names no responder"));
}

TEST_F(TlsFiles, NothingIsReadWhileTlsIsOff) {
  write("ImapProxyAService.cfg",
        "default:LdapUrl ldap://h/o=x\ndefault:SSLEnable no\ndefault:SSLCertFile cert7.db\n"
        "default:SSLKeyFile key3.db\ndefault:SSLKeyPasswdFile none\n");
  const Config config = load(directory_);
  EXPECT_TRUE(config.diagnostics.empty()) << all_text(config.diagnostics);
  EXPECT_TRUE(config.services.at(0).files.empty());
}

TEST_F(TlsFiles, GroupsOfStoresHaveTheirOwn) {
  make_certificate("other");
  write("stores.cfg",
        "store a *.a.example\na:StoreStartTls yes\na:StoreCaFile server.pem\n"
        "a:StoreCertFile server.pem\na:StoreKeyFile server.key\n"
        "store b *\nb:SSLBacksidePort 993\nb:StoreCertFile server.pem\nb:StoreKeyFile other.key\n");
  write("ImapProxyAService.cfg", "default:LdapUrl ldap://h/o=x\ndefault:StoreFile stores.cfg\n");
  const Config config = load(directory_);
  ASSERT_EQ(config.diagnostics.size(), 1u) << all_text(config.diagnostics);
  EXPECT_TRUE(says(config.diagnostics, "stores.cfg: StoreCertFile: error: ", "server.pem: "));
  EXPECT_EQ(config.services.at(0).files,
            (std::vector<ServiceFile>{{"StoreCaFile", path("server.pem"), "a", 0},
                                      {"StoreCertFile", path("server.pem"), "a", 0},
                                      {"StoreKeyFile", path("server.key"), "a", 0},
                                      {"StoreCertFile", path("server.pem"), "b", 0},
                                      {"StoreKeyFile", path("other.key"), "b", 0}}));
  EXPECT_EQ(config.services[0].certificates.size(), 1u);
  EXPECT_NE(check_text(config).find("  stores a at *.a.example: 4 options\n"), std::string::npos);
}

}  // namespace
}  // namespace openmmp::config
