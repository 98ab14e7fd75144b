#include "workers/sasl/scram.h"

#include <gtest/gtest.h>

#include <functional>

#include "workers/sasl/base64.h"
#include "workers/sasl/digest.h"

namespace openmmp::sasl {
namespace {

const std::string server_nonce = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";

ScramSecret secret_of(const char* password) {
  const std::string salt = base64_decode("W22ZaJ0SNY7soEsUEjb6gQ==").value();
  Result<ScramSecret> secret = derive_scram_secret(Secret(password), salt, 4096);
  EXPECT_TRUE(secret);
  return std::move(*secret);
}

std::vector<ChannelBinding> session_bindings() {
  return {{std::string(tls_exporter), std::string("\x00\x01,\xff exporter", 13)},
          {std::string(tls_server_end_point), std::string(32, '\xee')}};
}

// The client's side, written from RFC 5802 section 3 and from nothing of the server's.
class Client {
 public:
  Client(std::string header, std::string user, std::string password)
      : header_(std::move(header)), user_(std::move(user)), password_(std::move(password)) {}

  std::string binding_data;
  std::string nonce = "rOprNGfwEbeRWgbNEkqO";

  std::string first() {
    bare_ = "n=" + encode_saslname(user_) + ",r=" + nonce;
    return header_ + bare_;
  }

  std::string final(const std::string& challenge) {
    const size_t s = challenge.find(",s="), i = challenge.find(",i=");
    const std::string r = challenge.substr(2, s - 2);
    const std::string salt = base64_decode(challenge.substr(s + 3, i - s - 3)).value();
    const std::string salted = pbkdf2_sha256(password_, salt, std::stoi(challenge.substr(i + 3)));
    const std::string without = "c=" + base64_encode(header_ + binding_data) + ",r=" + r;
    const std::string message = bare_ + "," + challenge + "," + without;
    const std::string key = hmac_sha256(salted, "Client Key");
    const std::string signature = hmac_sha256(sha256(key), message);
    std::string proof;
    for (size_t n = 0; n < key.size(); ++n) proof += static_cast<char>(key[n] ^ signature[n]);
    expected_ = "v=" + base64_encode(hmac_sha256(hmac_sha256(salted, "Server Key"), message));
    return without + ",p=" + base64_encode(proof);
  }

  bool believes(const std::string& server_final) const { return server_final == expected_; }

 private:
  std::string header_, user_, password_, bare_, expected_;
};

// RFC 7677, section 3.
TEST(Scram, SpeaksTheExampleOfRfc7677) {
  ScramServer server(Mechanism::scram_sha_256, {});
  ASSERT_TRUE(server.take_first("n,,n=user,r=rOprNGfwEbeRWgbNEkqO"));
  EXPECT_EQ(server.user(), "user");
  EXPECT_EQ(server.authzid(), "");
  EXPECT_EQ(server.challenge(secret_of("pencil"), server_nonce),
            "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
            "s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
  const Result<std::string> final = server.take_final(
      "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
      "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
  ASSERT_TRUE(final);
  EXPECT_EQ(*final, "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
}

struct Conversation {
  const char* what;
  Mechanism mechanism;
  bool tls;              // the server has bindings and offers them
  std::string header;    // the client's
  std::string data;      // what the client binds to
  const char* password;  // the client's
  Errc first;            // closed: it goes well
  Errc final;
};

void converse(const Conversation& c) {
  SCOPED_TRACE(c.what);
  Client client(c.header, "j,o=e", c.password);
  client.binding_data = c.data;
  ScramServer server(c.mechanism, c.tls ? session_bindings() : std::vector<ChannelBinding>());
  const Result<> first = server.take_first(client.first());
  ASSERT_EQ(first.has_value(), c.first == Errc::closed);
  if (!first) {
    EXPECT_EQ(first.error().code, c.first);
    return;
  }
  EXPECT_EQ(server.user(), "j,o=e");
  const std::string challenge = server.challenge(secret_of("pencil"), server_nonce);
  const Result<std::string> final = server.take_final(client.final(challenge));
  ASSERT_EQ(final.has_value(), c.final == Errc::closed);
  if (final) {
    EXPECT_TRUE(client.believes(*final));
  } else {
    EXPECT_EQ(final.error().code, c.final);
  }
}

TEST(Scram, BindsToTheChannelOrNot) {
  const Mechanism bare = Mechanism::scram_sha_256, plus = Mechanism::scram_sha_256_plus;
  const Errc good = Errc::closed, malformed = Errc::protocol, no = Errc::refused;
  const std::string exporter = session_bindings()[0].data, end_point = session_bindings()[1].data;
  const Conversation conversations[] = {
      {"no TLS", bare, false, "n,,", "", "pencil", good, good},
      {"no TLS, could bind", bare, false, "y,,", "", "pencil", good, good},
      {"no TLS, acting for another", bare, false, "n,a=jane,", "", "pencil", good, good},
      {"TLS, cannot bind", bare, true, "n,,", "", "pencil", good, good},
      {"TLS, the offer was taken away", bare, true, "y,,", "", "pencil", no, no},
      {"exporter", plus, true, "p=tls-exporter,,", exporter, "pencil", good, good},
      {"exporter for another", plus, true, "p=tls-exporter,a=x,", exporter, "pencil", good, good},
      {"end point", plus, true, "p=tls-server-end-point,,", end_point, "pencil", good, good},
      {"other session", plus, true, "p=tls-exporter,,", "another session", "pencil", good, no},
      {"data of the other type", plus, true, "p=tls-exporter,,", end_point, "pencil", good, no},
      {"no data", plus, true, "p=tls-exporter,,", "", "pencil", good, no},
      {"data where there is none", bare, false, "n,,", exporter, "pencil", good, no},
      {"a type that the session lacks", plus, true, "p=tls-unique,,", "", "pencil", no, no},
      {"an unknown type", plus, true, "p=TLS-EXPORTER,,", exporter, "pencil", no, no},
      {"-PLUS that was not offered", plus, false, "p=tls-exporter,,", "", "pencil", no, no},
      {"-PLUS without binding", plus, true, "n,,", "", "pencil", malformed, no},
      {"-PLUS that saw no -PLUS", plus, true, "y,,", "", "pencil", malformed, no},
      {"binding without -PLUS", bare, true, "p=tls-exporter,,", exporter, "pencil", malformed, no},
      {"wrong password", bare, false, "n,,", "", "pencil ", good, no},
      {"wrong password, bound", plus, true, "p=tls-exporter,,", exporter, "x", good, no},
  };
  for (const Conversation& c : conversations) converse(c);
}

ScramSecret copy_of(const ScramSecret& secret) {
  return ScramSecret(secret.iterations, secret.salt, Secret::copy_of(secret.stored_key.reveal()),
                     Secret::copy_of(secret.server_key.reveal()));
}

// A client whose last message `change` may spoil on its way.
class Spoiler {
 public:
  Result<std::string> operator()(const std::function<void(std::string&)>& change) {
    ScramServer server(Mechanism::scram_sha_256, {});
    EXPECT_TRUE(server.take_first(client_.first()));
    const std::string challenge = server.challenge(copy_of(secret_), server_nonce);
    if (final_.empty()) final_ = client_.final(challenge);  // the same each time
    std::string message = final_;
    change(message);
    return server.take_final(message);
  }

 private:
  Client client_ = Client("n,,", "user", "pencil");
  ScramSecret secret_ = secret_of("pencil");
  std::string final_;
};

TEST(Scram, NoticesEveryChangedByte) {
  Spoiler spoiled;
  size_t size = 0;
  ASSERT_TRUE(spoiled([&](std::string& message) { size = message.size(); }));
  for (size_t at = 0; at < size; ++at) {
    for (const int bit : {0x01, 0x20, 0x80, 0xff}) {
      EXPECT_FALSE(spoiled([&](std::string& message) {
        message[at] = static_cast<char>(message[at] ^ bit);
      })) << at;
    }
    EXPECT_FALSE(spoiled([&](std::string& message) { message.erase(at, 1); })) << at;
    EXPECT_FALSE(spoiled([&](std::string& message) { message.resize(at); })) << at;
    EXPECT_FALSE(spoiled([&](std::string& message) { message.insert(at, 1, '\0'); })) << at;
  }
}

TEST(Scram, DetailsRevealNothing) {
  std::string words[2];
  for (const bool exists : {false, true}) {
    Client client("n,,", "nobody", "wrong");
    ScramServer server(Mechanism::scram_sha_256, {});
    ASSERT_TRUE(server.take_first(client.first()));
    const std::string challenge = server.challenge(
        exists ? secret_of("pencil") : fake_scram_secret("nobody", Secret("key")), server_nonce);
    const Result<std::string> final = server.take_final(client.final(challenge));
    ASSERT_FALSE(final);
    EXPECT_EQ(final.error().code, Errc::refused);
    words[exists ? 1 : 0] = final.error().detail;
  }
  EXPECT_EQ(words[0], words[1]);
}

TEST(Scram, IsBoundToItsNonce) {
  Client client("n,,", "user", "pencil");
  ScramServer server(Mechanism::scram_sha_256, {});
  ASSERT_TRUE(server.take_first(client.first()));
  const std::string old = server.challenge(secret_of("pencil"), server_nonce);
  const std::string final = client.final(old);
  ASSERT_TRUE(server.take_final(final));
  // Heard and said again: another attempt has another nonce.
  ScramServer next(Mechanism::scram_sha_256, {});
  ASSERT_TRUE(next.take_first(client.first()));
  next.challenge(secret_of("pencil"), "anothernonceofours");
  EXPECT_FALSE(next.take_final(final));
}

TEST(Scram, KeepsItsOrder) {
  EXPECT_DEATH(ScramServer(Mechanism::plain, {}), "mechanism");
  ScramServer server(Mechanism::scram_sha_256, {});
  EXPECT_DEATH((void)server.user(), "step_");
  EXPECT_DEATH((void)server.authzid(), "step_");
  EXPECT_DEATH((void)server.take_final("c=biws"), "step_");
  EXPECT_DEATH((void)server.challenge(secret_of("pencil"), server_nonce), "step_");
  ASSERT_TRUE(server.take_first("n,,n=user,r=1"));
  EXPECT_DEATH((void)server.take_first("n,,n=user,r=1"), "step_");
  EXPECT_DEATH((void)server.challenge(secret_of("pencil"), "short"), "nonce");
  EXPECT_DEATH((void)server.challenge(secret_of("pencil"), "with,comma,in,the,middle"), "nonce");
  server.challenge(secret_of("pencil"), server_nonce);
  EXPECT_DEATH((void)server.challenge(secret_of("pencil"), server_nonce), "step_");
  ASSERT_FALSE(server.take_final("c=biws"));
  EXPECT_DEATH((void)server.take_final("c=biws"), "step_");

  ScramServer failed(Mechanism::scram_sha_256, {});
  ASSERT_FALSE(failed.take_first("nonsense"));
  EXPECT_DEATH((void)failed.user(), "step_");
  EXPECT_DEATH((void)failed.take_first("n,,n=user,r=1"), "step_");
}

}  // namespace
}  // namespace openmmp::sasl
