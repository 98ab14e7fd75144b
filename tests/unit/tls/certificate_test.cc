#include "ipc/tls/certificate.h"

#include <gtest/gtest.h>
#include <openssl/err.h>

#include "tests/unit/tls/fixture.h"

namespace openmmp::tls {
namespace {

CertificateText text_of(const std::string& chain, const std::string& key,
                        const std::string& password = {}) {
  CertificateText text;
  text.name = "a.pem";
  text.chain = chain;
  text.key = Secret::copy_of(key);
  text.password = Secret::copy_of(password);
  return text;
}

std::string refusal(const CertificateText& text) {
  const auto facts = examine(text);
  EXPECT_EQ(ERR_peek_error(), 0u);
  if (facts) return "none";
  EXPECT_EQ(facts.error().code, Errc::refused);
  return facts.error().detail;
}

TEST(Certificate, TellsWhatItIsFor) {
  Wish wish;
  wish.names = {"Mail.Example.COM", "*.example.net", "IP:192.0.2.1", "IP:2001:db8::1"};
  wish.subject = {{"O", "ex\xc3\xa4mple"}, {"CN", "mail"}};
  wish.ocsp_url = "http://ocsp.example.com/";
  const auto facts = examine(authority().issue(wish).text());
  ASSERT_TRUE(facts) << facts.error().detail;
  EXPECT_EQ(facts->names, (std::vector<std::string>{"mail.example.com", "*.example.net",
                                                    "192.0.2.1", "2001:db8::1"}));
  EXPECT_EQ(facts->key_type, KeyType::ecdsa);
  EXPECT_EQ(facts->ocsp_url, "http://ocsp.example.com/");
  EXPECT_EQ(facts->subject, "CN=mail,O=ex\xc3\xa4mple");
  EXPECT_EQ(facts->not_after - facts->not_before, 31 * 86400);
}

TEST(Certificate, CommonNamesStandInForMissingNames) {
  Wish wish;
  wish.names = {};
  wish.subject = {{"CN", "Mail.example.com"}, {"CN", std::string("evil\0.example", 13)}};
  const auto facts = examine(authority().issue(wish).text());
  ASSERT_TRUE(facts);
  EXPECT_EQ(facts->names, std::vector<std::string>{"mail.example.com"});
}

TEST(Certificate, KeyTypes) {
  for (const KeyType type : {KeyType::rsa, KeyType::ecdsa, KeyType::ed25519}) {
    Wish wish;
    wish.key = type;
    const auto facts = examine(authority().issue(wish).text());
    ASSERT_TRUE(facts) << facts.error().detail;
    EXPECT_EQ(facts->key_type, type);
  }
}

TEST(Certificate, TheKeyMayBeInTheSameFile) {
  const Issued issued = authority().issue({});
  EXPECT_EQ(refusal(text_of(issued.pem() + issued.key_pem(), "")), "none");
  EXPECT_EQ(refusal(text_of(issued.key_pem() + issued.pem() + authority().pem(), "")), "none");
  EXPECT_EQ(refusal(text_of("-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n"
                            "-----END EC PARAMETERS-----\n" +
                                issued.key_pem() + issued.pem(),
                            "")),
            "none");
}

TEST(Certificate, Passwords) {
  const Issued issued = authority().issue({});
  const std::string encrypted = issued.key_pem("secret");
  EXPECT_EQ(refusal(text_of(issued.pem(), encrypted, "secret")), "none");
  EXPECT_EQ(refusal(text_of(issued.pem(), encrypted, "wrong")),
            "a.pem: the password of the private key is wrong");
  EXPECT_EQ(refusal(text_of(issued.pem(), encrypted, std::string(5000, 'x'))),
            "a.pem: the password of the private key is wrong");
  EXPECT_EQ(refusal(text_of(issued.pem(), encrypted)),
            "a.pem: the private key is encrypted and there is no password for it");
  EXPECT_EQ(refusal(text_of(issued.pem(), issued.key_pem(), "needless")), "none");
}

TEST(Certificate, SaysWhatIsWrong) {
  const Issued issued = authority().issue({});
  const Authority stranger("Stranger");
  const std::string convert =
      "; convert a database with \"pk12util -o x.p12 -n NICKNAME -d DIR\", then "
      "\"openssl pkcs12 -in x.p12 -nodes -out x.pem\"";
  const std::string database = "a.pem: a certificate database of NSS" + convert;
  struct Case {
    std::string chain;
    std::string key;
    std::string why;
  };
  std::string broken = issued.pem();
  broken.replace(100, 4, "!!!!");
  const Case cases[] = {
      {"", "", "a.pem: no PEM text (-----BEGIN ...)" + convert},
      {"hello", "", "a.pem: no PEM text (-----BEGIN ...)" + convert},
      {"SQLite format 3" + std::string(1, '\0'), "", database},
      {std::string("\x00\x06\x15\x61\x00\x00", 6), "", database},
      {std::string(12, '\0') + std::string("\x61\x15\x06\x00", 4), "", database},
      {issued.pem(), "SQLite format 3", database},
      {issued.key_pem(), "", "a.pem: no certificate in it, but another kind of PEM"},
      {issued.pem(), "", "a.pem: no private key in PEM (-----BEGIN PRIVATE KEY-----)"},
      {issued.pem(), issued.pem(), "a.pem: no private key in PEM (-----BEGIN PRIVATE KEY-----)"},
      {issued.pem(), authority().issue({}).key_pem(),
       "a.pem: the private key is not that of the certificate \"CN=subject\""},
      {issued.pem() + stranger.pem(), issued.key_pem(),
       "a.pem: certificate 2 in it, \"CN=Stranger\", is not the issuer of \"CN=subject\" before "
       "it, which names \"CN=Test CA\""},
      {authority().pem() + issued.pem(), issued.key_pem(),
       "a.pem: certificate 2 in it, \"CN=subject\", is not the issuer of \"CN=Test CA\" before "
       "it, which names \"CN=Test CA\""},
  };
  for (const Case& c : cases) EXPECT_EQ(refusal(text_of(c.chain, c.key)), c.why);
  EXPECT_TRUE(refusal(text_of(broken, issued.key_pem()))
                  .starts_with("a.pem: certificate 1 in it cannot be read: "));
  std::string broken_key = issued.key_pem();
  broken_key.replace(60, 8, "AAAAAAAA");
  EXPECT_TRUE(refusal(text_of(issued.pem(), broken_key)).starts_with("a.pem: the private key"));
}

TEST(Certificate, RefusesShortKeys) {
  Wish wish;
  wish.rsa_bits = 1024;
  wish.key = KeyType::rsa;
  EXPECT_EQ(refusal(authority().issue(wish).text()),
            "server.pem: certificate \"CN=subject\": ee key too small");
}

TEST(Certificate, CountsAuthorities) {
  EXPECT_EQ(examine_authorities(authority().pem() + Authority("Two").pem()), 2u);
  EXPECT_FALSE(examine_authorities(""));
  EXPECT_FALSE(examine_authorities("-----BEGIN CERTIFICATE-----\nxx\n"));
}

TEST(TicketKey, HasItsParts) {
  std::string bytes(80, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i);
  const auto key = TicketKey::from_bytes(bytes);
  ASSERT_TRUE(key);
  EXPECT_EQ(key->bytes(), bytes);
  EXPECT_EQ(key->name(), bytes.substr(0, 16));
  EXPECT_EQ(key->aes_key(), bytes.substr(16, 32));
  EXPECT_EQ(key->hmac_key(), bytes.substr(48));
  EXPECT_FALSE(TicketKey::from_bytes(bytes.substr(1)));
  EXPECT_NE(TicketKey::random().bytes(), TicketKey::random().bytes());
}

}  // namespace
}  // namespace openmmp::tls
