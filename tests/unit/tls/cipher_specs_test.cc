#include "ipc/tls/cipher_specs.h"

#include <gtest/gtest.h>

#include "ipc/tls/server_context.h"

namespace openmmp::tls {
namespace {

constexpr char never[] = ":!aNULL:!eNULL:!EXPORT:!LOW:!RC4:!3DES:!MD5:!PSK:!SRP:!DSS";
constexpr char all_suites[] =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";

TEST(CipherSpecs, KnowsEverySpelling) {
  struct Case {
    const char* specs;
    const char* ciphers;
  };
  const Case cases[] = {
      {"rsa_aes_128_sha", "AES128-SHA"},
      {"rsa_aes_256_sha", "AES256-SHA"},
      {"+rsa_aes_128_sha,+rsa_aes_256_sha", "AES128-SHA:AES256-SHA"},
      {"rsa_aes_128_sha,-rsa_3des_sha,-rsa_rc4_128_md5", "AES128-SHA"},
      {"rsa_aes_128_gcm_sha_256", "AES128-GCM-SHA256"},
      {"ecdhe_rsa_aes_128_gcm_sha_256", "ECDHE-RSA-AES128-GCM-SHA256"},
      {"ecdhe_ecdsa_aes_256_gcm_sha_384", "ECDHE-ECDSA-AES256-GCM-SHA384"},
      {"ecdhe_rsa_aes_128_sha256", "ECDHE-RSA-AES128-SHA256"},
      {"dhe_rsa_aes_256_sha", "DHE-RSA-AES256-SHA"},
      {"TLS_RSA_WITH_AES_128_CBC_SHA", "AES128-SHA"},
      {"TLS_RSA_WITH_AES_256_GCM_SHA384", "AES256-GCM-SHA384"},
      {"TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", "ECDHE-RSA-AES128-SHA256"},
      {"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"},
      {"ECDHE-RSA-AES256-GCM-SHA384:AES128-SHA", "ECDHE-RSA-AES256-GCM-SHA384:AES128-SHA"},
      {" AES128-SHA ; AES256-SHA ", "AES128-SHA:AES256-SHA"},
      {"HIGH:!SHA1:!aNULL", "HIGH:!SHA1"},
      {"ECDHE+AESGCM:@STRENGTH", "ECDHE+AESGCM:@STRENGTH"},
      {"HIGH:-AES128-SHA", "HIGH:!AES128-SHA"},
  };
  for (const Case& c : cases) {
    const auto lists = parse_cipher_specs(c.specs);
    ASSERT_TRUE(lists) << lists.error().detail;
    EXPECT_EQ(lists->tls1_2, std::string(c.ciphers) + never) << c.specs;
    EXPECT_EQ(lists->tls1_3, all_suites);
    EXPECT_TRUE(check_ciphers(c.specs)) << c.specs;
  }
}

TEST(CipherSpecs, AllIsOurChoice) {
  const auto all = parse_cipher_specs("all");
  ASSERT_TRUE(all);
  for (const char* specs : {"", " ", "ALL", "default"}) {
    EXPECT_EQ(parse_cipher_specs(specs)->tls1_2, all->tls1_2) << specs;
  }
  EXPECT_TRUE(all->tls1_2.starts_with("ECDHE-ECDSA-AES128-GCM-SHA256:"));
  EXPECT_EQ(all->tls1_3, all_suites);
  const auto more = parse_cipher_specs("all,rsa_aes_128_sha");
  EXPECT_TRUE(more->tls1_2.starts_with("ECDHE-ECDSA-AES128-GCM-SHA256:"));
  EXPECT_NE(more->tls1_2.find(":AES128-SHA:"), std::string::npos);
  EXPECT_NE(
      parse_cipher_specs("-ecdhe_rsa_aes_128_sha256")->tls1_2.find(":!ECDHE-RSA-AES128-SHA256"),
      std::string::npos);
}

TEST(CipherSpecs, SuitesOfTls13AreAListOfTheirOwn) {
  const auto one = parse_cipher_specs("TLS_CHACHA20_POLY1305_SHA256");
  ASSERT_TRUE(one);
  EXPECT_EQ(one->tls1_2, "");
  EXPECT_EQ(one->tls1_3, "TLS_CHACHA20_POLY1305_SHA256");
  const auto both = parse_cipher_specs("TLS_AES_256_GCM_SHA384:AES128-SHA");
  EXPECT_EQ(both->tls1_2, std::string("AES128-SHA") + never);
  EXPECT_EQ(both->tls1_3, "TLS_AES_256_GCM_SHA384");
  const auto without = parse_cipher_specs("all,-TLS_AES_256_GCM_SHA384");
  EXPECT_EQ(without->tls1_3, "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256");
}

TEST(CipherSpecs, RefusesWhatProtectsNothing) {
  for (const char* name : {"rsa_rc4_128_md5",
                           "rsa_rc4_128_sha",
                           "rsa_3des_sha",
                           "rsa_des_sha",
                           "rsa_fips_des_sha",
                           "rsa_rc2_40_md5",
                           "rsa_rc4_40_md5",
                           "rsa_null_md5",
                           "rsa_des_56_sha",
                           "fortezza",
                           "RC4-SHA",
                           "NULL-SHA256",
                           "eNULL",
                           "aNULL",
                           "EXPORT",
                           "DES-CBC3-SHA",
                           "ADH-AES128-SHA",
                           "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
                           "+rsa_rc4_128_md5",
                           "TLS_RSA_EXPORT_WITH_RC4_40_MD5"}) {
    const auto lists = parse_cipher_specs(name);
    ASSERT_FALSE(lists) << name;
    EXPECT_NE(lists.error().detail.find("protects nothing"), std::string::npos) << name;
  }
}

TEST(CipherSpecs, NamesTheNearest) {
  struct Case {
    const char* specs;
    const char* nearest;
  };
  const Case cases[] = {
      {"ECDHE-RSA-AES128-GCM-SHA26", "ECDHE-RSA-AES128-GCM-SHA256"},
      {"rsa_aes_128_sh", "AES128-SHA"},
      {"HIHG", "HIGH"},
      {"TLS_AES_256_GCM_SHA385", "TLS_AES_256_GCM_SHA384"},
  };
  for (const Case& c : cases) {
    const auto lists = parse_cipher_specs(c.specs);
    ASSERT_FALSE(lists);
    EXPECT_EQ(lists.error().detail, "\"" + std::string(c.specs) +
                                        "\" is no cipher; the nearest that is one is " + c.nearest);
  }
  EXPECT_FALSE(parse_cipher_specs(std::string(5000, 'a')));
  EXPECT_FALSE(parse_cipher_specs(std::string(100, 'a')));
  EXPECT_FALSE(parse_cipher_specs("+"));
  EXPECT_FALSE(parse_cipher_specs("@SECLEVEL=0:HIGH"));
}

}  // namespace
}  // namespace openmmp::tls
