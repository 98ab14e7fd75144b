#include "workers/sasl/stored_password.h"

#include <gtest/gtest.h>

#include "workers/sasl/base64.h"

namespace openmmp::sasl {
namespace {

TEST(StoredPassword, FindsClearText) {
  const std::pair<const char*, const char*> cases[] = {
      {"secret", "secret"},
      {"{CLEAR}secret", "secret"},
      {"{clear}secret", "secret"},
      {"{CLEARTEXT}secret", "secret"},
      {"{ClearText} secret", " secret"},
      {"{PLAIN}secret", "secret"},
      {"{plain}{SSHA}x", "{SSHA}x"},
      {"{plain}{plain}", "{plain}"},
      {"{secret", "{secret"},
      {"se{SSHA}cret", "se{SSHA}cret"},
      {" {SSHA}cret", " {SSHA}cret"},
      {"{}", "{}"},
      {"{}secret", "{}secret"},
      {"{with blank}secret", "{with blank}secret"},
      {"{a{b}c", "{a{b}c"},
      {"{", "{"},
      {"}", "}"},
      {"SCRAM-SHA-256", "SCRAM-SHA-256"},
      {"\xff\xfe", "\xff\xfe"},
  };
  for (const auto& [value, text] : cases) {
    const StoredPassword password = classify_password(value);
    ASSERT_TRUE(std::holds_alternative<ClearPassword>(password)) << value;
    EXPECT_EQ(std::get<ClearPassword>(password).text.reveal(), text) << value;
  }
}

TEST(StoredPassword, FindsScramSecrets) {
  const std::string key = base64_encode(std::string(32, 'k'));
  for (const std::string& value : {"{SCRAM-SHA-256}4096,c2FsdA==," + key + "," + key,
                                   "{scram-sha-256}4096:c2FsdA==$" + key + ":" + key,
                                   "SCRAM-SHA-256$4096:c2FsdA==$" + key + ":" + key}) {
    const StoredPassword password = classify_password(value);
    ASSERT_TRUE(std::holds_alternative<ScramSecret>(password)) << value;
    EXPECT_EQ(std::get<ScramSecret>(password).salt, "salt");
  }
}

TEST(StoredPassword, LeavesTheRest) {
  struct Case {
    const char* value;
    const char* scheme;
    const char* rest;
  };
  const Case cases[] = {
      {"{SSHA}abcd", "ssha", "abcd"},
      {"{CRYPT}$6$salt$hash", "crypt", "$6$salt$hash"},
      {"{SHA512-CRYPT}x", "sha512-crypt", "x"},
      {"{PLAIN.b64}c2VjcmV0", "plain.b64", "c2VjcmV0"},
      {"{PBKDF2-SHA256}1$x", "pbkdf2-sha256", "1$x"},
      {"{unknown}", "unknown", ""},
      {"{SCRAM-SHA-1}4096,a,b,c", "scram-sha-1", "4096,a,b,c"},
      // Never a clear password, or whoever reads the directory could log in with it.
      {"{SCRAM-SHA-256}4095,a,b,c", "scram-sha-256", "4095,a,b,c"},
      {"SCRAM-SHA-256$broken", "scram-sha-256", "SCRAM-SHA-256$broken"},
      // Nobody has an empty password.
      {"", "", ""},
      {"{CLEAR}", "clear", ""},
      {"{plain}", "plain", ""},
  };
  for (const Case& c : cases) {
    const StoredPassword password = classify_password(c.value);
    ASSERT_TRUE(std::holds_alternative<OpaquePassword>(password)) << c.value;
    EXPECT_EQ(std::get<OpaquePassword>(password).scheme, c.scheme) << c.value;
    EXPECT_EQ(std::get<OpaquePassword>(password).value.reveal(), c.rest) << c.value;
  }
}

}  // namespace
}  // namespace openmmp::sasl
