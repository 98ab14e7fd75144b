#include "config/certificates.h"

#include <gtest/gtest.h>

namespace openmmp::config {
namespace {

FileText file(std::string option, std::string path, std::string text, std::string group = {},
              uint32_t index = 0) {
  return {{std::move(option), std::move(path), std::move(group), index}, Secret(std::move(text))};
}

TEST(Certificates, FilesOfOneIndexBelongTogether) {
  Settings settings;
  settings.ssl_cert_file = {"a.pem", "b.pem"};
  std::vector<FileText> files;
  files.push_back(file("SSLKeyFile", "/i/b.key", "key b", {}, 1));
  files.push_back(file("SSLCertFile", "/i/a.pem", "chain a", {}, 0));
  files.push_back(file("SSLOcspFile", "/i/b.der", "ocsp b", {}, 1));
  files.push_back(file("SSLCertFile", "/i/b.pem", "chain b", {}, 1));
  files.push_back(file("SSLKeyPasswdFile", "/i/pw", "b.key:open\na.pem:sesame\n"));
  const std::vector<tls::CertificateText> got = server_certificates(settings, files);
  ASSERT_EQ(got.size(), 2u);
  EXPECT_EQ(got[0].name, "/i/a.pem");
  EXPECT_EQ(got[0].chain, "chain a");
  EXPECT_TRUE(got[0].key.empty());
  EXPECT_EQ(got[0].password.reveal(), "sesame");
  EXPECT_EQ(got[0].ocsp, "");
  EXPECT_EQ(got[1].chain, "chain b");
  EXPECT_EQ(got[1].key.reveal(), "key b");
  EXPECT_EQ(got[1].password.reveal(), "open");
  EXPECT_EQ(got[1].ocsp, "ocsp b");
}

TEST(Certificates, PasswordsMayGoByNickname) {
  Settings settings;
  settings.ssl_cert_nicknames = {"one", "two"};
  std::vector<FileText> files;
  files.push_back(file("SSLCertFile", "/i/x-two.pem", "chain", {}, 1));
  files.push_back(file("SSLKeyPasswdFile", "/i/pw", "one:1\ntwo:2\n"));
  const std::vector<tls::CertificateText> got = server_certificates(settings, files);
  ASSERT_EQ(got.size(), 1u);
  EXPECT_EQ(got[0].password.reveal(), "2");
}

TEST(Certificates, FindsPasswords) {
  constexpr std::string_view text =
      "# comment:no\r\nInternal (Software) Token:all\r\n\na.key:with:colon\nempty:\nlast: blank ";
  const struct {
    std::vector<std::string> names;
    std::string_view password;
  } cases[] = {
      {{"a.key"}, "with:colon"},
      {{"b.key", "a.key"}, "with:colon"},
      {{"last"}, " blank "},
      {{"b.key"}, "all"},
      {{"empty"}, "all"},
      {{"# comment"}, "all"},
      {{}, "all"},
  };
  for (const auto& [names, password] : cases) {
    EXPECT_EQ(find_password(text, names).reveal(), password);
  }
  EXPECT_TRUE(find_password("", {}).empty());
  EXPECT_TRUE(check_passwords(text));
  EXPECT_TRUE(check_passwords(""));
  const Result<> bad = check_passwords("a:b\nhunter2\n");
  ASSERT_FALSE(bad);
  EXPECT_NE(bad.error().detail.find("line 2"), std::string::npos);
  EXPECT_EQ(bad.error().detail.find("hunter2"), std::string::npos);
}

// What each group of stores gets to see, and whom it believes.
TEST(Certificates, GroupsOfStoresInheritWhatTheyDoNotOverride) {
  Settings settings;
  settings.store_cert_file = "s.pem";
  settings.store_key_file = "s.key";
  settings.store_ca_file = "ca";
  std::vector<FileText> files;
  files.push_back(file("StoreCertFile", "/s.pem", "chain"));
  files.push_back(file("StoreKeyFile", "/s.key", "key"));
  files.push_back(file("StoreCaFile", "/ca", "ca"));
  files.push_back(file("StoreCertFile", "/own.pem", "own chain", "own"));
  files.push_back(file("StoreKeyFile", "/new.key", "new key", "rekeyed"));
  files.push_back(file("StoreCaFile", "/own-ca", "own ca", "own"));
  const struct {
    std::string_view group;
    std::string_view chain;
    std::string_view key;
    std::string_view authorities;
  } cases[] = {{"", "chain", "key", "ca"},
               {"other", "chain", "key", "ca"},
               {"own", "own chain", "", "own ca"},
               {"rekeyed", "chain", "new key", "ca"}};
  for (const auto& [group, chain, key, authorities] : cases) {
    const auto got = store_certificate(settings, files, std::string(group));
    ASSERT_TRUE(got) << group;
    EXPECT_EQ(got->chain, chain) << group;
    EXPECT_EQ(got->key.reveal(), key) << group;
    EXPECT_EQ(store_authorities(settings, files, std::string(group)), authorities) << group;
  }
  // As overridden by a group with an empty value.
  settings.store_cert_file.clear();
  settings.store_ca_file.clear();
  EXPECT_FALSE(store_certificate(settings, files, "other"));
  EXPECT_EQ(store_authorities(settings, files, "other"), "");
}

}  // namespace
}  // namespace openmmp::config
