// Mechanisms in every order: of each two the first is cancelled, the second refused, the first
// refused, and the second lets in. Nothing of an attempt is left in the next.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/dialogs/session_of.h"
#include "workers/imap/imap_dialect.h"
#include "workers/pop3/pop3_dialect.h"

namespace openmmp::dialogs {
namespace {

// A conversation up to the client's last word.
struct Conversation {
  const char* mechanism;
  const char* cancelled;
  const char* refused;
  const char* good;   // null: the mechanism is not offered
  const char* shown;  // to the store: a password, an actor and his password, or a token
};

constexpr const char* password = "secret";
constexpr const char* actor = "actor";
constexpr const char* token = "token";

const Conversation conversations[] = {
    {"PLAIN", "\nclient < + *\nclient > *\n", " base64{{\\0stranger\\0secret}}\n",
     " base64{{\\0joe\\0secret}}\n", password},
    {"LOGIN", "\nclient < + *\nclient > base64{{joe}}\nclient < + *\nclient > *\n",
     " base64{{stranger}}\nclient < + *\nclient > base64{{secret}}\n",
     "\nclient < + *\nclient > base64{{joe}}\nclient < + *\nclient > base64{{secret}}\n", password},
    {"CRAM-MD5", "\nclient < + *\nclient > *\n",
     "\nclient < + $c{0}\nclient cram $c{0} joe wrong\n",
     "\nclient < + $c{0}\nclient cram $c{0} joe secret\n", password},
    {"SCRAM-SHA-256", " base64{{n,,n=joe,r=me}}\nclient < + *\nclient > *\n",
     " base64{{n,,n=joe,r=me}}\nclient < + $c{0}\nclient scram $c{0} n,,n=joe,r=me wrong\n",
     " base64{{n,,n=joe,r=me}}\nclient < + $c{0}\nclient scram $c{0} n,,n=joe,r=me secret\n"
     "client < + $verifier\nclient > \n",
     actor},
    {"XOAUTH2", "\nclient < + *\nclient > *\n",
     " base64{{user=stranger\\x01auth=Bearer t0ken\\x01\\x01}}\n",
     " base64{{user=joe\\x01auth=Bearer t0ken\\x01\\x01}}\n", token},
    // Without a client's certificate.
    {"EXTERNAL", " =\n", " =\n", nullptr, nullptr},
};

constexpr std::string_view settings =
    "set CRAMs yes\nset SCRAMs yes\nset OAuthMechanisms XOAUTH2\nset MaxLoginAttempts 20\n"
    "set StoreAdmin admin\nset StoreAdminPass master\nlog ! t0ken\nclient ! master\n";

constexpr std::string_view actor_in_base64 = "base64{joe\\0admin\\0master}";
constexpr std::string_view token_in_base64 = "base64{user=joe\\x01auth=Bearer t0ken\\x01\\x01}";

struct Imap {
  static MakeSession session() { return session_of<imap::ImapDialect>(); }
  static proxy::Stores::Protocol protocol() { return {143, "imap"}; }
  static std::string begin(int number, const char* mechanism) {
    return fmt::format("client > a{} AUTHENTICATE {}", number, mechanism);
  }
  static std::string cancelled(int number) { return fmt::format("client < a{} BAD *\n", number); }
  static std::string refused(int number) { return fmt::format("client < a{} NO *\n", number); }
  static std::string let_in(int number, std::string_view shown) {
    std::string command = "LOGIN \"joe\" \"secret\"";
    if (shown == actor) command = fmt::format("AUTHENTICATE PLAIN {}", actor_in_base64);
    if (shown == token) command = fmt::format("AUTHENTICATE XOAUTH2 {}", token_in_base64);
    return fmt::format(
        "backend > * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN AUTH=XOAUTH2] ready\n"
        "backend < $t {}\nbackend > $t OK in\nclient < a{} OK in\n",
        command, number);
  }
};

struct Pop3 {
  static MakeSession session() { return session_of<pop3::Pop3Dialect>(); }
  static proxy::Stores::Protocol protocol() { return {110, "pop3"}; }
  static std::string begin(int, const char* mechanism) {
    return fmt::format("client > AUTH {}", mechanism);
  }
  static std::string cancelled(int) { return "client < -ERR *\n"; }
  static std::string refused(int) { return "client < -ERR *\n"; }
  static std::string let_in(int, std::string_view shown) {
    std::string login = "backend < USER joe\nbackend > +OK\nbackend < PASS secret\n";
    constexpr std::string_view by_sasl =
        "backend < CAPA\nbackend > +OK\nbackend > SASL PLAIN XOAUTH2\nbackend > .\n"
        "backend < AUTH {} {}\n";
    if (shown == actor) login = fmt::format(by_sasl, "PLAIN", actor_in_base64);
    if (shown == token) login = fmt::format(by_sasl, "XOAUTH2", token_in_base64);
    return "backend > +OK ready\n" + login + "backend > +OK in\nclient < +OK in\n";
  }
};

template <class P>
std::string dialog_of(const Conversation& first, const Conversation& second) {
  std::string text(settings);
  text += std::is_same_v<P, Imap> ? "client < * OK *\n" : "client < +OK *\n";
  int number = 0;
  const auto say = [&](const Conversation& one, const char* rest) {
    ++number;
    text += P::begin(number, one.mechanism) + fmt::format(fmt::runtime(rest), number);
  };
  const auto be_refused = [&](const Conversation& one) {
    say(one, one.refused);
    text += P::refused(number);
  };
  say(first, first.cancelled);
  // What is not offered cannot be cancelled either.
  text += first.good != nullptr ? P::cancelled(number) : P::refused(number);
  be_refused(second);
  be_refused(first);
  if (second.good == nullptr) be_refused(second);
  const Conversation& last = second.good != nullptr ? second : conversations[0];
  say(last, last.good);
  return text + P::let_in(number, last.shown);
}

template <class P>
void play_all() {
  for (const Conversation& first : conversations) {
    for (const Conversation& second : conversations) {
      SCOPED_TRACE(fmt::format("{}, then {}", first.mechanism, second.mechanism));
      const Result<Script> script = parse_script(dialog_of<P>(first, second));
      ASSERT_TRUE(script) << script.error().detail;
      Stage stage(*script, P::session(), P::protocol());
      while (stage.turn()) {
      }
      ASSERT_EQ(stage.failure(), "");
      EXPECT_EQ(stage.verdict(), "");
    }
  }
}

TEST(SaslPairs, OfImap) { play_all<Imap>(); }

TEST(SaslPairs, OfPop3) { play_all<Pop3>(); }

}  // namespace
}  // namespace openmmp::dialogs
