#include "workers/pop3/store_login.h"

#include <algorithm>

#include "workers/proxy/session_log.h"
#include "workers/sasl/plain.h"

namespace openmmp::pop3 {
namespace {

constexpr size_t max_line = 1024;
constexpr int max_capabilities = 100;
constexpr size_t max_logged = 200;
// More than a string keeps inside itself, where a move would leave its bytes behind.
constexpr size_t min_room = 64;
// RFC 5034: a longer command must be sent without its initial response.
constexpr size_t max_command = 255;

bool has_blank(std::string_view text) { return text.find(' ') != text.npos; }

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c < 0x7f; });
}

// In one block, so that no copy of a password is left behind.
std::string command_with(std::string_view command, std::string_view argument) {
  std::string line;
  line.reserve(std::max(command.size() + argument.size() + 2, min_room));
  line += command;
  line += argument;
  line += "\r\n";
  return line;
}

}  // namespace

Task<std::string> StoreLogin::run(const std::string& name, const Secret& password) {
  co_await read_greeting();
  // USER and PASS carry printable ASCII, and names without blanks (RFC 1939, section 3). The rest
  // needs SASL; most stores take 8-bit characters nevertheless, blanks in names they do not.
  const bool wants_plain = has_blank(name) || !is_ascii(name) || !is_ascii(password.reveal());
  if (wants_plain && co_await ask_for_plain()) {
    co_await auth_plain(name, password);
  } else if (has_blank(name)) {
    co_await fail(Errc::refused, "a name with a blank, and the store does not offer AUTH PLAIN");
  } else {
    co_await user_pass(name, password);
  }
  co_await answer_is_yes();
  co_return line_;
}

Task<> StoreLogin::read_greeting() {
  co_await next_line();
  if (response_.status == Status::err) {
    co_await fail(Errc::unavailable, "the store greets with " + proxy::excerpt(line_, max_logged));
  }
  if (response_.status != Status::ok) co_await fail(Errc::protocol, "no POP3 greeting");
}

Task<bool> StoreLogin::ask_for_plain() {
  co_await exchange("CAPA\r\n");
  if (response_.status != Status::ok) co_return false;
  bool offered = false;
  for (int lines = 0; lines < max_capabilities; ++lines) {
    const std::string capability = co_await store_.read_line(max_line);
    if (capability == ".") co_return offered;
    offered |= offers_plain(capability);
  }
  co_return fail(Errc::protocol, "the store's list of capabilities has no end");
}

Task<> StoreLogin::user_pass(const std::string& name, const Secret& password) {
  co_await exchange(command_with("USER ", name));
  co_await answer_is_yes();
  co_await exchange(command_with("PASS ", password.reveal()));
}

Task<> StoreLogin::auth_plain(const std::string& name, const Secret& password) {
  const Secret message(sasl::plain_response(name, password.reveal()));
  constexpr std::string_view command = "AUTH PLAIN ";
  if (command.size() + message.reveal().size() + 2 <= max_command) {
    co_await exchange(command_with(command, message.reveal()));
    co_return;
  }
  co_await exchange("AUTH PLAIN\r\n");
  co_await password_is_awaited();
  co_await exchange(command_with("", message.reveal()));
}

Task<> StoreLogin::exchange(std::string command) {
  // Read later, it would be taken for the answer to what the store has not seen yet.
  if (store_.has_buffered_input()) {
    wipe(command);
    co_await fail(Errc::protocol, "the store answers before it is asked");
  }
  co_await store_.write(std::move(command));
  co_await next_line();
}

Task<> StoreLogin::next_line() {
  line_ = co_await store_.read_line(max_line);
  response_ = co_await parse_response(line_);
}

Result<> StoreLogin::answer_is_yes() const {
  if (response_.status == Status::ok) return {};
  const Errc no = is_temporary(response_.code) ? Errc::unavailable : Errc::refused;
  return fail(response_.status == Status::err ? no : Errc::protocol,
              "the store says " + summary(response_));
}

Result<> StoreLogin::password_is_awaited() const {
  if (response_.status == Status::continuation) return {};
  if (Result<> yes = answer_is_yes(); !yes) return yes;
  return fail(Errc::protocol, "the store says yes before it has the password");
}

}  // namespace openmmp::pop3
