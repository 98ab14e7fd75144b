#include "workers/smtp/xproxyehlo.h"

#include <gtest/gtest.h>

#include <vector>

namespace openmmp::smtp {
namespace {

constexpr const char* nonce = "8f1d0c6a57b3e942d04f6b1ce8a72935";

// The client of the examples in docs/xproxyehlo.md.
ClientFacts facts_of_the_example() {
  ClientFacts facts;
  facts.client = *SocketAddress::parse("192.0.2.7", 40001);
  facts.local = *SocketAddress::parse("198.51.100.25", 587);
  facts.name = "spike.example.org";
  facts.helo = "ws1.example.org";
  facts.tls = "TLSv1.3 TLS_AES_256_GCM_SHA384";
  facts.login = "joe@example.com";
  facts.channel = "tcp_intranet";
  return facts;
}

Result<std::string> command(const ClientFacts& facts, PasswordForm form = PasswordForm::nonce,
                            const char* keyword = "XPROXYEHLO") {
  return xproxyehlo_command(facts, keyword, form, nonce, Secret::copy_of("A_Password"));
}

// OpenSSL's command line says the same:
//   printf '%s' 'NONCE COMMAND' | openssl dgst -sha256 -hmac A_Password
TEST(Xproxyehlo, IsTheExampleOfTheDocument) {
  EXPECT_EQ(*command(facts_of_the_example()),
            "XPROXYEHLO ws1.example.org ADDR=192.0.2.7 PORT=40001 DESTADDR=198.51.100.25 "
            "DESTPORT=587 NAME=spike.example.org PROTO=ESMTP "
            "TLS=TLSv1.3+20TLS_AES_256_GCM_SHA384 LOGIN=joe@example.com CHANNEL=tcp_intranet "
            "MAC=HMAC-SHA256:c470e51226cdc79625f8614e75ce2743a44563edf69dca40b01ec73d57a58f50");
  ClientFacts unknown;
  unknown.client = *SocketAddress::parse("2001:db8::7", 40001);
  unknown.local = *SocketAddress::parse("2001:db8::25", 587);
  unknown.helo = "my+pc";
  unknown.extended = false;
  EXPECT_EQ(*command(unknown, PasswordForm::nonce, "XPEHLO"),
            "XPEHLO my+2Bpc ADDR=IPV6:2001:db8::7 PORT=40001 DESTADDR=IPV6:2001:db8::25 "
            "DESTPORT=587 NAME=[UNAVAILABLE] PROTO=SMTP "
            "MAC=HMAC-SHA256:5c9402424ea29026f7b37672325d4a5ff0298aa9b4f70ba0eeae3d9123f511f6");
}

TEST(Xproxyehlo, SaysThePasswordOnlyInTheClearForm) {
  EXPECT_EQ(command(facts_of_the_example())->find("A_Password"), std::string::npos);
  const auto clear = xproxyehlo_command(facts_of_the_example(), "XPROXYEHLO", PasswordForm::clear,
                                        "", Secret::copy_of("A Pass=word"));
  ASSERT_TRUE(clear);
  EXPECT_TRUE(clear->ends_with(" CHANNEL=tcp_intranet PASSWORD=A+20Pass+3Dword"));
  EXPECT_EQ(clear->find("MAC="), std::string::npos);
}

TEST(Xproxyehlo, CoversAllThatIsSaid) {
  const auto mac_of = [](const ClientFacts& facts) {
    const std::string line = *command(facts);
    return line.substr(line.find(" MAC="));
  };
  const ClientFacts facts = facts_of_the_example();
  std::vector<ClientFacts> others(6, facts);
  others[0].login = "eve@example.com";
  others[1].channel = "tcp_local";
  others[2].client.set_port(40002);
  others[3].helo = "ws2.example.org";
  others[4].name = std::nullopt;
  others[5].tls.clear();
  for (const ClientFacts& other : others) EXPECT_NE(mac_of(other), mac_of(facts));
  const std::string another_nonce = *xproxyehlo_command(
      facts, "XPROXYEHLO", PasswordForm::nonce, "0123456789abcdef", Secret::copy_of("A_Password"));
  EXPECT_NE(another_nonce, *command(facts));
}

TEST(Xproxyehlo, CannotBeInjectedInto) {
  ClientFacts facts = facts_of_the_example();
  const std::string evil = "x\r\nMAIL FROM:<a@b> CHANNEL=tcp_intranet";
  facts.name = facts.helo = facts.login = facts.tls = facts.channel = evil;
  const std::string line = *command(facts);
  for (const char c : line) EXPECT_TRUE(c >= ' ' && c <= '~');
  EXPECT_EQ(line.find("CHANNEL=tcp_intranet"), line.npos);
  facts = facts_of_the_example();
  facts.helo.clear();
  EXPECT_TRUE(command(facts)->starts_with("XPROXYEHLO [UNAVAILABLE] ADDR="));
}

TEST(Xproxyehlo, NeedsANonceAPasswordAndRoom) {
  const ClientFacts facts = facts_of_the_example();
  const Secret password = Secret::copy_of("A_Password");
  for (const std::string& bad :
       {std::string(), std::string(15, 'a'), std::string(256, 'a'),
        std::string("0123456789 abcdef"), std::string("0123456789abcde\xff")}) {
    const auto refused =
        xproxyehlo_command(facts, "XPROXYEHLO", PasswordForm::nonce, bad, password);
    ASSERT_FALSE(refused) << bad;
    EXPECT_EQ(refused.error().code, Errc::protocol);
  }
  const auto open = xproxyehlo_command(facts, "XPROXYEHLO", PasswordForm::nonce, nonce, Secret());
  ASSERT_FALSE(open);
  EXPECT_EQ(open.error().code, Errc::refused);
  ClientFacts longer = facts;
  longer.login = std::string(256, 'l');
  EXPECT_EQ(command(longer).error().code, Errc::limit);
  longer.login = longer.helo = longer.channel = std::string(255, ' ');
  EXPECT_EQ(command(longer).error().code, Errc::limit);
  longer.channel = std::string(50, ' ');
  EXPECT_LE(command(longer)->size() + 2, longest_xproxyehlo);
}

}  // namespace
}  // namespace openmmp::smtp
