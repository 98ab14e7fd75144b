#include "workers/sasl/scram_secret.h"

#include <gtest/gtest.h>

#include "workers/sasl/base64.h"
#include "workers/sasl/digest.h"

namespace openmmp::sasl {
namespace {

const std::string salt = "W22ZaJ0SNY7soEsUEjb6gQ==";
const std::string stored = base64_encode(std::string(32, 's'));
const std::string server = base64_encode(std::string(32, 'v'));

TEST(ScramSecret, TakesThreeForms) {
  const std::string forms[] = {
      "SCRAM-SHA-256$4096:" + salt + "$" + stored + ":" + server,
      "scram-sha-256$4096:" + salt + "$" + stored + ":" + server,
      "{SCRAM-SHA-256}4096:" + salt + "$" + stored + ":" + server,
      "{SCRAM-SHA-256}4096," + salt + "," + stored + "," + server,
      "{Scram-Sha-256}4096," + salt + "," + stored + "," + server,
  };
  for (const std::string& text : forms) {
    const Result<ScramSecret> secret = parse_scram_secret(text);
    ASSERT_TRUE(secret) << text;
    EXPECT_EQ(secret->iterations, 4096);
    EXPECT_EQ(base64_encode(secret->salt), salt);
    EXPECT_EQ(secret->stored_key.reveal(), std::string(32, 's'));
    EXPECT_EQ(secret->server_key.reveal(), std::string(32, 'v'));
  }
}

TEST(ScramSecret, BoundsIterations) {
  const std::pair<const char*, bool> cases[] = {
      {"4096", true},
      {"4095", false},
      {"1000000", true},
      {"1000001", false},
      {"0", false},
      {"-4096", false},
      {"+4096", false},
      {"", false},
      {" 4096", false},
      {"4096 ", false},
      {"0x1000", false},
      {"4294971392", false},
      {"99999999999999999999", false},
      {"1e5", false},
  };
  for (const auto& [number, good] : cases) {
    const std::string text =
        std::string("{SCRAM-SHA-256}") + number + "," + salt + "," + stored + "," + server;
    EXPECT_EQ(parse_scram_secret(text).has_value(), good) << number;
  }
}

TEST(ScramSecret, RefusesTheRest) {
  const std::string rest = salt + "$" + stored + ":" + server;
  const std::string bad[] = {
      "",
      "4096:" + rest,
      "SCRAM-SHA-256",
      "SCRAM-SHA-256$",
      "{SCRAM-SHA-256}",
      "{SCRAM-SHA-1}4096:" + rest,
      "{SCRAM-SHA-256 4096:" + rest,
      "SCRAM-SHA-256:4096:" + rest,
      " SCRAM-SHA-256$4096:" + rest,
      "SCRAM-SHA-256$4096$" + rest,
      "SCRAM-SHA-256$4096:" + salt + ":" + stored + ":" + server,
      "SCRAM-SHA-256$4096:" + salt + "$" + stored + "$" + server,
      "SCRAM-SHA-256$4096:" + salt + "$" + stored,
      "SCRAM-SHA-256$4096:" + salt + "$" + stored + ":",
      "SCRAM-SHA-256$4096:$" + stored + ":" + server,
      "SCRAM-SHA-256$4096:*$" + stored + ":" + server,
      "SCRAM-SHA-256$4096:" + rest + "=",
      "SCRAM-SHA-256$4096:" + rest + ":",
      "SCRAM-SHA-256$4096:" + rest + "\n",
      "SCRAM-SHA-256$4096:" + salt + "$" + base64_encode(std::string(31, 's')) + ":" + server,
      "SCRAM-SHA-256$4096:" + salt + "$" + stored + ":" + base64_encode(std::string(33, 'v')),
      "{SCRAM-SHA-256}4096," + salt + "," + stored + "," + server + ",",
      "{SCRAM-SHA-256}4096," + salt + "$" + stored + "," + server,
      "{SCRAM-SHA-256}4096:" + salt + "," + stored + "," + server,
      "{SCRAM-SHA-256}4096," + base64_encode(std::string(256, 'x')) + "," + stored + "," + server,
      "{SCRAM-SHA-256}4096," + std::string(2000, 'A') + "," + stored + "," + server,
  };
  for (const std::string& text : bad) {
    const Result<ScramSecret> secret = parse_scram_secret(text);
    ASSERT_FALSE(secret) << text;
    EXPECT_EQ(secret.error().code, Errc::protocol) << text;
    EXPECT_EQ(secret.error().detail.find(stored), std::string::npos);
  }
}

// The password and salt of RFC 7677, section 3; the keys by Python's hashlib.
TEST(ScramSecret, DerivesTheSecretOfRfc7677) {
  const Result<ScramSecret> secret =
      derive_scram_secret(Secret("pencil"), base64_decode(salt).value(), 4096);
  ASSERT_TRUE(secret);
  EXPECT_EQ(base64_encode(secret->stored_key.reveal()),
            "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=");
  EXPECT_EQ(base64_encode(secret->server_key.reveal()),
            "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=");
}

TEST(ScramSecret, DerivesOneSecretFromOnePassword) {
  const Result<ScramSecret> a = derive_scram_secret(Secret("pencil"), "salt", 4096);
  const Result<ScramSecret> b = derive_scram_secret(Secret("pencil"), "salt", 4096);
  const Result<ScramSecret> other_salt = derive_scram_secret(Secret("pencil"), "tlas", 4096);
  const Result<ScramSecret> other_count = derive_scram_secret(Secret("pencil"), "salt", 4097);
  ASSERT_TRUE(a && b && other_salt && other_count);
  EXPECT_EQ(a->iterations, 4096);
  EXPECT_EQ(a->salt, "salt");
  EXPECT_TRUE(a->stored_key.equals(b->stored_key.reveal()));
  EXPECT_TRUE(a->server_key.equals(b->server_key.reveal()));
  EXPECT_FALSE(a->stored_key.equals(other_salt->stored_key.reveal()));
  EXPECT_FALSE(a->stored_key.equals(other_count->stored_key.reveal()));
  EXPECT_FALSE(a->stored_key.equals(a->server_key.reveal()));
}

std::string key_from(std::string_view password) {
  const Result<ScramSecret> secret =
      derive_scram_secret(Secret::copy_of(password), "salt", fewest_iterations);
  return secret ? std::string(secret->stored_key.reveal()) : secret.error().detail;
}

TEST(ScramSecret, PreparesBlanks) {
  const char* blanks[] = {"\xc2\xa0",     "\xe1\x9a\x80", "\xe2\x80\x80", "\xe2\x80\x8a",
                          "\xe2\x80\x8b", "\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80"};
  for (const std::string blank : blanks) {
    EXPECT_EQ(key_from("a" + blank + "b"), key_from("a b"));
    EXPECT_EQ(key_from(blank + "b" + blank), key_from(" b "));
  }
  // Not a blank, and not folded: there is no normalization.
  EXPECT_NE(key_from("j\xc3\xb6rg"), key_from("jorg"));
  EXPECT_NE(key_from("j\xc3\xb6rg"), key_from("jo\xcc\x88rg"));
  EXPECT_NE(key_from("a\xe2\x80\x91"), key_from("a "));
}

TEST(ScramSecret, RefusesImpossiblePasswords) {
  const std::string bad[] = {
      "", "a\nb", std::string("a\0b", 3), "\x7f", "a\tb", "\xc2\x80", "a\xc2\x9f", "\xff", "a\xc2"};
  for (const std::string& password : bad) {
    const Result<ScramSecret> secret =
        derive_scram_secret(Secret::copy_of(password), "salt", fewest_iterations);
    ASSERT_FALSE(secret) << password;
    EXPECT_EQ(secret.error().code, Errc::refused) << password;
  }
}

// What a client sees for a name that does not exist: the same each time, as for one that does.
TEST(ScramSecret, FakesAreOfOneName) {
  const Secret key(std::string(32, 'k'));
  const ScramSecret fake = fake_scram_secret("joe@example.com", key);
  EXPECT_EQ(fake.iterations, fewest_iterations);
  EXPECT_EQ(fake.salt.size(), 16u);
  EXPECT_EQ(fake.stored_key.reveal().size(), sha256_size);
  EXPECT_FALSE(fake.stored_key.equals(fake.server_key.reveal()));
  EXPECT_EQ(fake.salt, scram_salt_for("joe@example.com", key));

  const ScramSecret again = fake_scram_secret("JOE@Example.com", key, 10000);
  EXPECT_EQ(again.iterations, 10000);
  EXPECT_EQ(again.salt, fake.salt);
  EXPECT_TRUE(again.stored_key.equals(fake.stored_key.reveal()));

  EXPECT_NE(fake_scram_secret("jane@example.com", key).salt, fake.salt);
  EXPECT_TRUE(fake_password("joe", key).equals(fake_password("JOE", key).reveal()));
  EXPECT_FALSE(fake_password("joe", key).equals(fake_password("jane", key).reveal()));
  EXPECT_TRUE(derive_scram_secret(fake_password("joe", key), "salt", fewest_iterations));
  EXPECT_NE(fake_scram_secret("joe@example.com", Secret("other")).salt, fake.salt);
}

}  // namespace
}  // namespace openmmp::sasl
