#include "workers/sasl/password_hash.h"

#include <gtest/gtest.h>

#include <string>

#include "workers/sasl/base64.h"
#include "workers/sasl/digest.h"

namespace openmmp::sasl {
namespace {

// All of "secret", made by Python's hashlib and crypt.
const char* const fast[] = {
    "secret",
    "{CLEAR}secret",
    "{cleartext}secret",
    "{Plain}secret",
    "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=",
    "{sha}5en6G6MezRroT3XKqkdPOmY/BfQ=",
    "{SHA256}K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols=",
    "{SHA512}vSsar3708Jvp9Szi2NWZZ02Bqp1qRCFpbcTZPdBhnWgs5WtNZKnvCXdhztmeD2cmW192CF5bDufKRpayrW/"
    "isg==",
    "{MD5}Xr4ilOzQ4PCOq3aQ0qbuaQ==",
    "{SSHA}1G904nLkTkGWjKNnQuB/hpWXC/hzYWx0c2FsdA==",
    "{SSHA256}oBmrdHcA6OZEkkCLeXh71YAerbvhXz1qqwjrPsXmEtNzYWx0c2FsdA==",
    "{SSHA512}aCu7JRc+kLsuEmFs1zTY+AiP7DSGnjjG+dH28Dp+E5usqoAixeTPihKqZmkWal4mUfp63tqvCAkFV1LKTDFH6"
    "XNhbHRzYWx0",
    "{SMD5}VAfQ6nCkaw9o3u+x706wnXNhbHRzYWx0",
};

const char* const slow[] = {
    "{CRYPT}abNANd1rDfiNc",
    "{crypt}$1$saltsalt$9xy1btjgzLYfb7hivXtC//",
    "{CRYPT}$5$saltsalt$0IyaXrmV7.sGNS6tirgqHLqX/G.FBvgkYA.lpPdS5sA",
    "{CRYPT}$6$saltsalt$TVLlQcbpFVof5W3Yz4DTP6gRstiNuHwwTt6GLc1E5n0U0aDehy0S5knV8wiOQSpT0Y77vwPZN."
    "Pq.H91p5hVO1",
    "{SHA512-CRYPT}$6$rounds=1000$saltsalt$LAV5VE5Y7w1d73x1mFNspYWUpazfmwv2SoepNXNKJ/otop/"
    "Zok96Hr8Q13LEv0DRY/x8v0/crpIjl8NJSAqXV/",
    "{BLF-CRYPT}$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW",
    "{CRYPT}$y$j75$saltsalt$0gBD67sgmJgRX3RZ6wHHO7sHimQEWGCWN85o4Twogh2",
    "{SCRAM-SHA-256}4096:c2FsdA==$ZgOBnT3e4m6ug0RaWAjT+wbbWyjyg4tRSVs5YRrlckg=:"
    "aIEiGy0bV5Pa1w1/Ak6ms8TZoqDzKpnevZGpLsFZbek=",
    "SCRAM-SHA-256$4096:c2FsdA==$ZgOBnT3e4m6ug0RaWAjT+wbbWyjyg4tRSVs5YRrlckg=:"
    "aIEiGy0bV5Pa1w1/Ak6ms8TZoqDzKpnevZGpLsFZbek=",
};

void expect_serves(const char* stored) {
  const Result<bool> right = verify_password(stored, Secret("secret"));
  ASSERT_TRUE(right) << stored << ": " << right.error().detail;
  EXPECT_TRUE(*right) << stored;
  for (const std::string wrong : {"Secret", "secre", "secret ", "secretsaltsalt", "", "saltsalt",
                                  "\xff", "a long password that is none of these at all"}) {
    const Result<bool> other = verify_password(stored, Secret::copy_of(wrong));
    ASSERT_TRUE(other) << stored;
    EXPECT_FALSE(*other) << stored << " with '" << wrong << "'";
  }
  // A NUL must not end the comparison early.
  const Result<bool> nul = verify_password(stored, Secret(std::string("secret\0", 7)));
  EXPECT_TRUE(nul && !*nul) << stored;
}

TEST(PasswordHash, KnowsThePasswordAndNoOther) {
  for (const char* stored : fast) {
    expect_serves(stored);
    EXPECT_FALSE(is_slow(stored)) << stored;
  }
}

TEST(PasswordHash, KnowsItByCryptAndScramToo) {
  for (const char* stored : slow) {
    expect_serves(stored);
    EXPECT_TRUE(is_slow(stored)) << stored;
  }
}

TEST(PasswordHash, TakesASaltOfAnyUsualLength) {
  for (const size_t length : std::initializer_list<size_t>{0, 1, 4, 16, 63, 64, 65}) {
    const std::string salt(length, 's');
    const std::string stored = "{SSHA256}" + base64_encode(sha256("secret" + salt) + salt);
    const Result<bool> right = verify_password(stored, Secret("secret"));
    EXPECT_EQ(right && *right, length <= 64) << length;
  }
}

TEST(PasswordHash, AnEmptyPasswordIsWrongWhateverIsStored) {
  for (const std::string& stored :
       {std::string(""), std::string("{CLEAR}"), std::string("{SHA}"),
        "{SHA256}" + base64_encode(sha256("")), std::string("{unknown}x")}) {
    const Result<bool> right = verify_password(stored, Secret(""));
    ASSERT_TRUE(right) << stored;
    EXPECT_FALSE(*right) << stored;
  }
  for (const char* stored : {"", "{CLEAR}", "{SSHA}", "{CRYPT}"}) {
    const Result<bool> right = verify_password(stored, Secret("x"));
    EXPECT_TRUE(right && !*right) << stored;
  }
}

TEST(PasswordHash, SaysWhichSchemeIsOfNoUseAndNothingOfTheValue) {
  const std::pair<std::string, const char*> cases[] = {
      {"{SSHA}hidden", "{ssha} is malformed"},
      {"{SSHA}aGlkZGVu", "{ssha} is malformed"},  // shorter than a digest
      {"{SHA}1G904nLkTkGWjKNnQuB/hpWXC/hzYWx0c2FsdA==", "{sha} is malformed"},  // has a salt
      {"{SSHA512}1G904nLkTkGWjKNnQuB/hpWXC/hzYWx0c2FsdA==", "{ssha512} is malformed"},
      {"{PBKDF2-SHA256}hidden", "{pbkdf2-sha256} cannot be checked"},
      {"{SCRAM-SHA-256}hidden", "{scram-sha-256} cannot be checked"},
      {"{CRYPT}hidden", "{crypt} is none that is known, or too costly"},
      {"{CRYPT}*", "{crypt} is none that is known, or too costly"},
      {"{CRYPT}$6", "{crypt} is none that is known, or too costly"},
      {"{CRYPT}$2b$04$hidden", "{crypt} is malformed, or this host does not have its method"},
      {"{CRYPT}$3$$8846f7eaee8fb117ad06bdd830b7586c", "{crypt} is none that is known, or too "},
      {"{CRYPT}$6$rounds=999999999$salt$hidden", "{crypt} is none that is known, or too costly"},
      {"{CRYPT}$6$rounds=1e3$salt$hidden", "{crypt} is none that is known, or too costly"},
      {"{CRYPT}$6$rounds=", "{crypt} is none that is known, or too costly"},
      {"{CRYPT}$2y$31$abcdefghijklmnopqrstuu", "{crypt} is none that is known, or too costly"},
      {"{CRYPT}$2y$", "{crypt} is none that is known, or too costly"},
      {"{CRYPT}$y$jFT$saltsalt$hidden", "{crypt} is none that is known, or too costly"},
      {"{CRYPT}$y$j9U$saltsalt$hidden", "{crypt} is none that is known, or too costly"},
      {"{CRYPT}$y$j9", "{crypt} is none that is known, or too costly"},
      {std::string("{CRYPT}$1$hidden\0x", 18), "{crypt} is none that is known, or too costly"},
      {"{" + std::string(200, 'x') + "}hidden",
       "{"
       "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx} cannot"},
  };
  for (const auto& [stored, words] : cases) {
    const Result<bool> result = verify_password(stored, Secret("secret"));
    ASSERT_FALSE(result) << stored;
    EXPECT_EQ(result.error().code, Errc::unavailable) << stored;
    EXPECT_NE(result.error().detail.find(words), std::string::npos)
        << stored << ": " << result.error().detail;
    EXPECT_EQ(result.error().detail.find("hidden"), std::string::npos) << result.error().detail;
  }
}

// What does not match in full must not match in part.
TEST(PasswordHash, AHashCutShortIsNobodysPassword) {
  const std::string whole = "$1$saltsalt$9xy1btjgzLYfb7hivXtC//";
  for (size_t length = 4; length < whole.size(); ++length) {
    const Result<bool> result =
        verify_password("{CRYPT}" + whole.substr(0, length), Secret("secret"));
    EXPECT_FALSE(result && *result) << length;
  }
}

}  // namespace
}  // namespace openmmp::sasl
