// What stands behind STARTTLS in clear, or behind a store's yes to it, in two segments that part at
// every byte: nothing of it is run or believed, wherever they part.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/dialogs/session_of.h"
#include "workers/imap/imap_dialect.h"

namespace openmmp::dialogs {
namespace {

// The text between two steps, with the escapes of a dialog.
std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) result += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  return result;
}

std::string in_two(const char* side, std::string_view text, size_t at) {
  return fmt::format("{0} >- {1}\n{0} pause\n{0} >- {2}\n", side, escaped(text.substr(0, at)),
                     escaped(text.substr(at)));
}

// What went wrong with it, or nothing.
std::string play(const std::string& text, MakeSession make_session,
                 proxy::Stores::Protocol protocol) {
  const Result<Script> script = parse_script(text);
  if (!script) return script.error().detail;
  Stage stage(*script, std::move(make_session), protocol);
  while (stage.turn()) {
  }
  return stage.failure().empty() ? stage.verdict() : stage.failure();
}

std::string play(const std::string& text) {
  return play(text, session_of<imap::ImapDialect>(), proxy::Stores::Protocol(143, "imap"));
}

std::string play_submission(const std::string& text) {
  return play(text, smtp_session(), proxy::Stores::Protocol(25, "smtp", true));
}

TEST(StarttlsSplit, OfTheClient) {
  const std::string line = "a1 STARTTLS\r\n";
  const std::string all = line + "a2 NOOP\r\na3 LOGIN joe secret\r\n";
  for (size_t at = 1; at < all.size(); ++at) {
    // In the one case the handshake has begun when the rest comes, and is told nonsense.
    const char* answer = at == line.size() ? "a1 OK *" : "* BYE *";
    EXPECT_EQ(play("set SSLEnable yes\nclient < * OK *\n" + in_two("client", all, at) +
                   "client < " + answer + "\nclient = closed\nclient ! a2\nclient ! a3\n" +
                   "backend ! secret\nlog ! secret\n"),
              "")
        << at;
  }
}

TEST(StarttlsSplit, OfTheStore) {
  const std::string yes = "a1 OK go\r\n";
  const std::string all = yes + "* CAPABILITY IMAP4rev1 FORGED\r\na2 OK done\r\na3 OK in\r\n";
  for (size_t at = 1; at < all.size(); ++at) {
    EXPECT_EQ(play("set StoreStartTls yes\nset StoreCaFile ca.pem\nclient < * OK *\n"
                   "client > a1 LOGIN joe secret\nbackend > * OK ready\nbackend < a1 STARTTLS\n" +
                   // With more than the yes in the first, the proxy has left before the second.
                   (at > yes.size() ? "backend >- " + escaped(all.substr(0, at)) + "\n"
                                    : in_two("backend", all, at)) +
                   "client < * NO [ALERT] *\nclient < a1 NO [UNAVAILABLE] *\n"
                   "client > a2 CAPABILITY\nclient < * CAPABILITY *\n"
                   "client ! FORGED\nbackend ! secret\n"),
              "")
        << at;
  }
}

TEST(StarttlsSplit, OfASubmittingClient) {
  const std::string line = "STARTTLS\r\n";
  const std::string all = line + "EHLO evil\r\nMAIL FROM:<evil@b>\r\n";
  const std::string hello =
      "set SSLEnable yes\nclient < 220 *\nclient > EHLO c\nbackend > 220 hi\nbackend < EHLO *\n"
      "backend > 250 relay\nclient until 250 \nclient < 250 *\n";
  for (size_t at = 1; at < all.size(); ++at) {
    const char* const answer = at == line.size() ? "client < 220 *\n" : "";
    EXPECT_EQ(play_submission(hello + in_two("client", all, at) + answer +
                              "client = closed\nclient ! evil\nbackend ! evil\n"),
              "")
        << at;
  }
}

TEST(StarttlsSplit, OfARelay) {
  const std::string yes = "220 go\r\n";
  const std::string all = yes + "250-relay\r\n250 AUTH PLAIN FORGED\r\n";
  const std::string hello =
      "set StoreStartTls yes\nset StoreVerify no\nclient < 220 *\nclient > EHLO c\n"
      "backend > 220 hi\nbackend < EHLO *\nbackend > 250 STARTTLS\nbackend < STARTTLS\n";
  for (size_t at = 1; at < all.size(); ++at) {
    const std::string said = at > yes.size() ? "backend >- " + escaped(all.substr(0, at)) + "\n"
                                             : in_two("backend", all, at);
    EXPECT_EQ(play_submission(hello + said + "client < 421 4.3.2 *\nclient = closed\n" +
                              "client ! FORGED\n"),
              "")
        << at;
  }
}

}  // namespace
}  // namespace openmmp::dialogs
