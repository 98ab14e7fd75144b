#include "workers/proxy/proxy_header.h"

#include <gtest/gtest.h>

#include <random>

namespace openmmp::proxy {
namespace {

using namespace std::string_literals;

const std::string signature = "\r\n\r\n\0\r\nQUIT\n"s;

std::string u16(size_t value) {
  return {static_cast<char>(value >> 8 & 0xff), static_cast<char>(value & 0xff)};
}
std::string tlv(int type, const std::string& value) {
  return std::string(1, static_cast<char>(type)) + u16(value.size()) + value;
}
std::string v2(int command, int family, const std::string& block) {
  return signature + static_cast<char>(command) + static_cast<char>(family) + u16(block.size()) +
         block;
}
// 192.0.2.1:56324 to 198.51.100.25:25.
const std::string addresses4 = "\xc0\x00\x02\x01\xc6\x33\x64\x19\xdc\x04\x00\x19"s;
std::string v2_with(const std::string& tlvs) { return v2(0x21, 0x11, addresses4 + tlvs); }

ProxyHeader header_of(const char* source, uint16_t source_port, const char* destination,
                      uint16_t destination_port) {
  ProxyHeader header;
  header.source = *SocketAddress::parse(source, source_port);
  header.destination = *SocketAddress::parse(destination, destination_port);
  return header;
}

std::string outcome(const std::string& bytes) {
  const auto parsed = parse_proxy_header(bytes);
  if (!parsed) return parsed.error().code == Errc::protocol ? "refused" : "another error";
  if (!*parsed) return "more";
  const ProxyHeader& header = (*parsed)->header;
  return header.local ? "local" : header.source.to_string() + " " + header.destination.to_string();
}

void expect_same(const ProxyHeader& a, const ProxyHeader& b) {
  EXPECT_EQ(a.local, b.local);
  EXPECT_EQ(a.source.to_string(), b.source.to_string());
  EXPECT_EQ(a.destination.to_string(), b.destination.to_string());
  EXPECT_EQ(a.authority, b.authority);
  EXPECT_EQ(a.alpn, b.alpn);
  EXPECT_EQ(a.unique_id, b.unique_id);
  EXPECT_EQ(a.tls, b.tls);
}

// What every header must do: come in pieces, leave alone what is behind it.
void expect_whole(const std::string& bytes) {
  for (size_t i = 0; i < bytes.size(); ++i) {
    EXPECT_EQ(outcome(bytes.substr(0, i)), "more") << i << " of " << testing::PrintToString(bytes);
  }
  for (const std::string& behind : {""s, "\r\n"s, "a1 NOOP\r\n"s, "\0"s, bytes}) {
    const auto parsed = parse_proxy_header(bytes + behind);
    ASSERT_TRUE(parsed && *parsed) << testing::PrintToString(bytes);
    EXPECT_EQ((*parsed)->length, bytes.size());
  }
}

TEST(ProxyHeader, Version1) {
  const struct {
    std::string line;
    const char* outcome;
  } cases[] = {
      {"PROXY TCP4 192.168.0.1 192.168.0.11 56324 443", "192.168.0.1:56324 192.168.0.11:443"},
      {"PROXY TCP4 0.0.0.0 255.255.255.255 1 65535", "0.0.0.0:1 255.255.255.255:65535"},
      {"PROXY TCP6 2001:db8::1 2001:db8::25 40000 25", "[2001:db8::1]:40000 [2001:db8::25]:25"},
      {"PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
       "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535",
       "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535 "
       "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"},
      {"PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2", "192.0.2.1:1 [::1]:2"},
      {"PROXY UNKNOWN", "local"},
      {"PROXY UNKNOWN ", "local"},
      {"PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
       "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535",
       "local"},
      {"PROXY UNKNOWN \x01 nonsense", "local"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(outcome(c.line + "\r\n"), c.outcome) << c.line;
    expect_whole(c.line + "\r\n");
  }
}

TEST(ProxyHeader, Version1Malformed) {
  const std::string cases[] = {
      "PROXY \r\n",
      "PROXY TCP4\r\n",
      "PROXY TCP5 1.2.3.4 5.6.7.8 1 2\r\n",
      "PROXY UDP4 1.2.3.4 5.6.7.8 1 2\r\n",
      "PROXY UNKNOWN4\r\n",
      "PROXY tcp4 1.2.3.4 5.6.7.8 1 2\r\n",
      "proxy TCP4 1.2.3.4 5.6.7.8 1 2\r\n",
      "PROXY  TCP4 1.2.3.4 5.6.7.8 1 2\r\n",
      "PROXY TCP4  1.2.3.4 5.6.7.8 1 2\r\n",
      "PROXY TCP4 1.2.3.4 5.6.7.8 1 2 \r\n",
      "PROXY TCP4 1.2.3.4 5.6.7.8 1 2 3\r\n",
      "PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n",
      "PROXY TCP4\t1.2.3.4 5.6.7.8 1 2\r\n",
      "PROXY TCP4 1.2.3.4 5.6.7.8 01 25\r\n",
      "PROXY TCP4 1.2.3.4 5.6.7.8 1 65536\r\n",
      "PROXY TCP4 1.2.3.4 5.6.7.8 -1 25\r\n",
      "PROXY TCP4 1.2.3.4 5.6.7.8 +1 25\r\n",
      "PROXY TCP4 1.2.3.4 5.6.7.8 1x 25\r\n",
      "PROXY TCP4 1.2.3.4 5.6.7.8  25\r\n",
      "PROXY TCP4 1.2.3.04 5.6.7.8 1 2\r\n",
      "PROXY TCP4 1.2.3 5.6.7.8 1 2\r\n",
      "PROXY TCP4 1.2.3.256 5.6.7.8 1 2\r\n",
      "PROXY TCP4 localhost 5.6.7.8 1 2\r\n",
      "PROXY TCP4 ::1 ::2 1 2\r\n",
      "PROXY TCP4 ::ffff:1.2.3.4 5.6.7.8 1 2\r\n",
      "PROXY TCP6 1.2.3.4 5.6.7.8 1 2\r\n",
      "PROXY TCP6 [::1] ::2 1 2\r\n",
      "PROXY TCP6 ::1%lo ::2 1 2\r\n",
      "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n",
      "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\r\n",
      "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\rX",
      "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\0\r\n"s,
      "PROXY TCP4 1.2.3.4\0 5.6.7.8 1 2\r\n"s,
      "PROXY UNKNOWN" + std::string(94, 'x'),
      "PROXY UNKNOWN " + std::string(92, 'x') + "\r\n",
      "PROXY UNKNOWN " + std::string(92, 'x') + "\r",
      "PROXY UNKNOWN " + std::string(100000, 'x'),
  };
  for (const std::string& bytes : cases) {
    EXPECT_EQ(outcome(bytes), "refused") << testing::PrintToString(bytes.substr(0, 120));
  }
  expect_whole("PROXY UNKNOWN " + std::string(91, 'x') + "\r\n");
}

TEST(ProxyHeader, OtherConnectionsAreRefusedAtTheFirstOddByte) {
  for (const std::string& bytes :
       {"a"s, "\n"s, "\r\r"s, "\r\n\r\n\1"s, "PROXX"s, "PROXY\r\n"s, "EHLO x\r\n"s, "* OK"s,
        "\x16\x03\x01\x02"s, "\0"s, signature.substr(0, 11) + "\r"}) {
    EXPECT_EQ(outcome(bytes), "refused") << testing::PrintToString(bytes);
  }
}

TEST(ProxyHeader, Version2) {
  const std::string tcp6 =
      "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"
      "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x25"
      "\x9c\x40\x00\x19"s;
  const std::string mapped =
      "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\x00\x02\x01"
      "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\x00\x02\x02\x00\x01\x00\x02"s;
  const struct {
    std::string bytes;
    const char* outcome;
  } cases[] = {
      {v2_with(""), "192.0.2.1:56324 198.51.100.25:25"},
      {v2(0x21, 0x21, tcp6), "[2001:db8::1]:40000 [2001:db8::25]:25"},
      {v2(0x21, 0x21, mapped), "192.0.2.1:1 192.0.2.2:2"},
      {v2(0x20, 0x00, ""), "local"},
      {v2(0x20, 0x11, addresses4), "local"},
      {v2(0x20, 0xff, "anything at all"), "local"},
      {v2(0x21, 0x00, ""), "local"},
      {v2(0x21, 0x00, "anything at all"), "local"},
      {v2(0x21, 0x31, std::string(216, 'x')), "local"},
      {v2_with(tlv(0x04, "")), "192.0.2.1:56324 198.51.100.25:25"},
      {v2_with(tlv(0x04, std::string(4096 - 15, '\0'))), "192.0.2.1:56324 198.51.100.25:25"},
      {v2_with(tlv(0x30, "blue") + tlv(0xee, "\0\0\0"s)), "192.0.2.1:56324 198.51.100.25:25"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(outcome(c.bytes), c.outcome) << testing::PrintToString(c.bytes.substr(0, 80));
    expect_whole(c.bytes);
  }
}

TEST(ProxyHeader, Version2Malformed) {
  const std::string ssl = "\1\0\0\0\0"s;
  const std::string cases[] = {
      v2(0x11, 0x11, addresses4),
      v2(0x22, 0x11, addresses4),
      v2(0x2f, 0x11, addresses4),
      v2(0x00, 0x11, addresses4),
      v2(0x21, 0x12, addresses4),
      v2(0x21, 0x10, addresses4),
      v2(0x21, 0x01, addresses4),
      v2(0x21, 0x22, std::string(36, 'x')),
      v2(0x21, 0x32, std::string(216, 'x')),
      v2(0x21, 0x41, addresses4),
      v2(0x21, 0xff, addresses4),
      v2(0x21, 0x11, ""),
      v2(0x21, 0x11, addresses4.substr(1)),
      v2(0x21, 0x21, std::string(35, 'x')),
      v2(0x21, 0x31, std::string(215, 'x')),
      v2_with("\4"),
      v2_with("\4\0"s),
      v2_with("\4\0\1"s),
      v2_with("\4\xff\xff"s),
      v2_with(tlv(0x04, "") + "\2"),
      v2_with(tlv(0x02, "host") + "\2\0\5host"s),
      v2_with(tlv(0x20, "")),
      v2_with(tlv(0x20, "\1\0\0\0"s)),
      v2_with(tlv(0x20, ssl + "\x21")),
      v2_with(tlv(0x20, ssl + "\x21\0"s)),
      v2_with(tlv(0x20, ssl + "\x21\0\7TLSv1."s)),
      // The inner length reaches into what follows the SSL TLV.
      v2_with(tlv(0x20, ssl + "\x22\0\x10joe"s) + tlv(0x04, std::string(30, '\0'))),
      v2_with(tlv(0x03, "")),
      v2_with(tlv(0x03, "\0\0\0"s)),
      v2_with(tlv(0x03, "\0\0\0\0"s)),
      v2_with(tlv(0x03, "\0\0\0\0\0"s)),
  };
  for (const std::string& bytes : cases) {
    EXPECT_EQ(outcome(bytes), "refused") << testing::PrintToString(bytes);
  }
}

TEST(ProxyHeader, OverLongIsRefusedBeforeItComes) {
  const std::string start = signature + "\x21\x11";
  EXPECT_EQ(outcome(start + "\x10"), "more");
  EXPECT_EQ(outcome(start + "\x10\x00"s), "more");
  EXPECT_EQ(outcome(start + "\x10\x01"), "refused");
  EXPECT_EQ(outcome(start + "\xff\xff"), "refused");
  EXPECT_EQ(outcome(signature + "\x20\x00\xff\xff"s), "refused");
}

TEST(ProxyHeader, ChecksumIsVerified) {
  // A published vector for these addresses.
  const std::string good = v2_with(tlv(0x03, "\xbb\x72\x39\x80"));
  EXPECT_EQ(outcome(good), "192.0.2.1:56324 198.51.100.25:25");
  for (size_t bit = v2_with("").size() * 8; bit-- > 16 * 8;) {
    std::string bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ 1 << bit % 8);
    EXPECT_EQ(outcome(bad), "refused") << bit;
  }
  std::string bad = good;
  bad.back() = static_cast<char>(bad.back() ^ 1);
  EXPECT_EQ(outcome(bad), "refused");
  EXPECT_EQ(outcome(v2_with(tlv(0x03, "\xbb\x72\x39\x80") + tlv(0x04, ""))), "refused");
}

TEST(ProxyHeader, ReadsTheTlvs) {
  const std::string ssl = "\7\0\0\0\0"s + tlv(0x21, "TLSv1.3") + tlv(0x22, "joe") +
                          tlv(0x23, "TLS_AES_256_GCM_SHA384") + tlv(0x24, "SHA256") +
                          tlv(0x25, "RSA2048");
  const auto parsed = parse_proxy_header(v2_with(tlv(0x01, "imap") + tlv(0x02, "mail.example.com") +
                                                 tlv(0x04, "xx") + tlv(0x05, "id-1") +
                                                 tlv(0x20, ssl) + tlv(0x30, "blue")));
  ASSERT_TRUE(parsed && *parsed);
  const ProxyHeader& header = (*parsed)->header;
  EXPECT_EQ(header.alpn, "imap");
  EXPECT_EQ(header.authority, "mail.example.com");
  EXPECT_EQ(header.unique_id, "id-1");
  ASSERT_TRUE(header.tls);
  EXPECT_EQ(header.tls->version, "TLSv1.3");
  EXPECT_EQ(header.tls->cipher, "TLS_AES_256_GCM_SHA384");
  EXPECT_EQ(header.tls->common_name, "joe");
  EXPECT_TRUE(header.tls->client_cert);
  EXPECT_TRUE(header.tls->verified);
}

TEST(ProxyHeader, ACertificateMustBeShownToBeVerified) {
  const struct {
    std::string value;
    bool tls, client_cert, verified;
  } cases[] = {
      {"\0\0\0\0\0"s, false, false, false},  {"\6\0\0\0\0"s, false, false, false},
      {"\1\0\0\0\0"s, true, false, false},   {"\1\0\0\0\1"s, true, false, false},
      {"\3\0\0\0\0"s, true, true, true},     {"\5\0\0\0\0"s, true, true, true},
      {"\3\0\0\0\1"s, true, true, false},    {"\3\1\0\0\0"s, true, true, false},
      {"\xf9\0\0\0\0"s, true, false, false},
  };
  for (const auto& c : cases) {
    const auto parsed = parse_proxy_header(v2_with(tlv(0x20, c.value)));
    ASSERT_TRUE(parsed && *parsed);
    const std::optional<ProxiedTls>& tls = (*parsed)->header.tls;
    EXPECT_EQ(tls.has_value(), c.tls) << testing::PrintToString(c.value);
    if (tls) {
      EXPECT_EQ(tls->client_cert, c.client_cert) << testing::PrintToString(c.value);
      EXPECT_EQ(tls->verified, c.verified) << testing::PrintToString(c.value);
    }
  }
}

TEST(ProxyHeader, OddStringsAreLeftOut) {
  for (const std::string& text : {"a\nb"s, "a\0b"s, "\x7f"s, "\xff"s, "\xc3"s, "\xed\xa0\x80"s,
                                  std::string(256, 'x'), "a\x1b[2J"s}) {
    const auto parsed = parse_proxy_header(
        v2_with(tlv(0x02, text) + tlv(0x05, text) + tlv(0x20, "\3\0\0\0\0"s + tlv(0x22, text))));
    ASSERT_TRUE(parsed && *parsed) << testing::PrintToString(text);
    EXPECT_EQ((*parsed)->header.authority, "") << testing::PrintToString(text);
    EXPECT_EQ((*parsed)->header.unique_id, "") << testing::PrintToString(text);
    EXPECT_EQ((*parsed)->header.tls->common_name, "") << testing::PrintToString(text);
  }
  const auto parsed =
      parse_proxy_header(v2_with(tlv(0x02, "caf\xc3\xa9 " + std::string(249, 'x'))));
  EXPECT_EQ((*parsed)->header.authority.size(), 255u);
}

TEST(ProxyHeader, WritesVersion1) {
  EXPECT_EQ(proxy_v1(header_of("192.0.2.1", 56324, "198.51.100.25", 143)),
            "PROXY TCP4 192.0.2.1 198.51.100.25 56324 143\r\n");
  EXPECT_EQ(proxy_v1(header_of("2001:db8::1", 1, "::1", 143)),
            "PROXY TCP6 2001:db8::1 ::1 1 143\r\n");
  EXPECT_EQ(proxy_v1(header_of("192.0.2.1", 1, "2001:db8::25", 143)),
            "PROXY TCP6 ::ffff:192.0.2.1 2001:db8::25 1 143\r\n");
  ProxyHeader local;
  local.local = true;
  EXPECT_EQ(proxy_v1(local), "PROXY UNKNOWN\r\n");
}

TEST(ProxyHeader, WritesVersion2) {
  EXPECT_EQ(proxy_v2(header_of("192.0.2.1", 56324, "198.51.100.25", 25)),
            v2_with(tlv(0x03, "\xbb\x72\x39\x80")));
  ProxyHeader local;
  local.local = true;
  EXPECT_EQ(proxy_v2(local), v2(0x20, 0x00, ""));
}

class Generator {
 public:
  explicit Generator(unsigned seed) : random_(seed) {}

  ProxyHeader header() {
    ProxyHeader header;
    header.local = upto(10) == 0;
    if (header.local) return header;
    header.source = address();
    header.destination = address();
    header.authority = text();
    header.alpn = text();
    header.unique_id = text();
    if (upto(2) == 0) return header;
    header.tls.emplace();
    header.tls->version = text();
    header.tls->cipher = text();
    header.tls->common_name = text();
    header.tls->client_cert = upto(2) == 0;
    header.tls->verified = header.tls->client_cert && upto(2) == 0;
    return header;
  }
  unsigned upto(unsigned bound) { return static_cast<unsigned>(random_() % bound); }

 private:
  SocketAddress address() {
    IpBytes ip = SocketAddress().ip_bytes();
    const size_t from = upto(2) == 0 ? 12 : 0;
    for (size_t i = from; i < ip.size(); ++i) ip[i] = static_cast<uint8_t>(upto(256));
    return SocketAddress::from_bytes(ip, static_cast<uint16_t>(upto(65536)));
  }
  std::string text() {
    std::string result;
    for (unsigned length = upto(4) == 0 ? upto(256) : upto(12); length > 0; --length) {
      result += static_cast<char>(' ' + upto(95));
    }
    return result;
  }

  std::mt19937 random_;
};

TEST(ProxyHeader, WhatIsWrittenIsRead) {
  for (unsigned seed = 0; seed < 500; ++seed) {
    Generator generator(seed);
    const ProxyHeader header = generator.header();
    const std::string bytes = proxy_v2(header);
    expect_whole(bytes);
    const auto second = parse_proxy_header(bytes);
    ASSERT_TRUE(second && *second) << seed;
    expect_same((*second)->header, header);
    const std::string line = proxy_v1(header);
    EXPECT_LE(line.size(), max_proxy_v1);
    expect_whole(line);
    const auto first = parse_proxy_header(line);
    ASSERT_TRUE(first && *first) << seed;
    EXPECT_EQ((*first)->header.local, header.local);
    EXPECT_EQ((*first)->header.source.to_string(), header.source.to_string());
    EXPECT_EQ((*first)->header.destination.to_string(), header.destination.to_string());
  }
}

TEST(ProxyHeader, NoFlippedByteBreaksIt) {
  for (unsigned seed = 0; seed < 2000; ++seed) {
    Generator generator(seed);
    std::string bytes = proxy_v2(generator.header());
    for (int i = 0; i < 3; ++i) {
      bytes[generator.upto(static_cast<unsigned>(bytes.size()))] =
          static_cast<char>(generator.upto(256));
    }
    const auto parsed = parse_proxy_header(bytes);
    if (!parsed) {
      EXPECT_EQ(parsed.error().code, Errc::protocol);
    } else if (*parsed) {
      EXPECT_LE((*parsed)->length, bytes.size());
    }
  }
}

}  // namespace
}  // namespace openmmp::proxy
