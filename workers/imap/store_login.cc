#include "workers/imap/store_login.h"

#include <utility>

#include "workers/imap/syntax.h"
#include "workers/sasl/plain.h"

namespace openmmp::imap {
namespace {

constexpr size_t max_line = 8192;
constexpr int max_lines = 100;  // of the whole login

}  // namespace

Task<Welcome> StoreLogin::run(const std::string& name, const Secret& password) {
  co_await read_greeting();
  if (!offer_.login_disabled) {
    co_await log_in(name, password);
  } else if (offer_.auth_plain) {
    co_await authenticate_plain(name, password);
  } else {
    co_await fail(Errc::unavailable, "the store offers neither LOGIN nor AUTH=PLAIN");
  }
  co_await answer_is_yes();
  Welcome welcome;
  welcome.answer = reply_.text;
  // The client believes the code in the yes over everything it was told before.
  if (capability_list(reply_.code).empty()) welcome.capability = std::move(separate_capability_);
  co_return welcome;
}

Task<> StoreLogin::read_greeting() {
  co_await next_line();
  if (!reply_.untagged()) co_await fail(Errc::protocol, "no IMAP greeting from the store");
  if (reply_.status == Status::bye) {
    co_await fail(Errc::unavailable, "the store greets with " + std::string(reply_.text));
  }
  // PREAUTH would be a mailbox that nobody has shown a password for.
  if (reply_.status != Status::ok) {
    co_await fail(Errc::protocol, "the store greets with " + std::string(reply_.text));
  }
  learn(capability_list(reply_.code));
  if (!offer_.anything) co_await ask_capability();
}

// A store that does not know the command gets a plain LOGIN.
Task<> StoreLogin::ask_capability() {
  start_command("CAPABILITY", 0);
  co_await send();
  co_await next_reply();
  if (reply_.continuation()) co_await fail(Errc::protocol, "the store asks for what it did not");
  learn(std::exchange(separate_capability_, {}));
}

Task<> StoreLogin::log_in(const std::string& name, const Secret& password) {
  start_command("LOGIN ", 2 * (name.size() + password.reveal().size()));
  co_await add_string(name);
  out_ += ' ';
  co_await add_string(password.reveal_string());
  co_await send();
  co_await next_reply();
}

Task<> StoreLogin::authenticate_plain(const std::string& name, const Secret& password) {
  const Secret response(sasl::plain_response(name, password.reveal()));
  start_command("AUTHENTICATE PLAIN", response.reveal().size());
  if (offer_.sasl_ir) {
    out_ += ' ';
  } else {
    co_await send();
    co_await next_reply();
    if (!reply_.continuation()) {
      co_await answer_is_yes();
      co_await fail(Errc::protocol, "the store says yes before it has the password");
    }
    out_.reserve(response.reveal().size() + 2);
  }
  out_ += response.reveal();
  co_await send();
  co_await next_reply();
}

// Appends an argument in the simplest form that can carry it.
Task<> StoreLogin::add_string(const std::string& text) {
  if (is_quotable(text)) {
    std::string in_quotes = quoted(text);
    out_ += in_quotes;
    wipe(in_quotes);
    co_return;
  }
  const bool wait = !offer_.literal_plus;
  out_ += '{' + std::to_string(text.size()) + (wait ? "}" : "+}\r\n");
  if (wait) {
    co_await send();
    co_await next_reply();
    if (!reply_.continuation()) {
      co_await answer_is_yes();
      co_await fail(Errc::protocol, "the store says yes before it has the password");
    }
  }
  out_.reserve(out_.size() + text.size() + 64);
  out_ += text;
}

Task<> StoreLogin::send() {
  out_ += "\r\n";
  co_await store_.write(std::exchange(out_, {}));
}

Task<> StoreLogin::next_line() {
  if (++lines_ > max_lines) co_await fail(Errc::protocol, "the store talks without an end");
  line_ = co_await store_.read_line(max_line);
  reply_ = co_await parse_response(line_);
}

// Up to a continuation or the answer with our tag. What comes in between is not for the client.
Task<> StoreLogin::next_reply() {
  for (;;) {
    co_await next_line();
    if (reply_.continuation() || reply_.tag == tag_) co_return;
    if (!reply_.untagged()) co_await fail(Errc::protocol, "the store answers what was not asked");
    if (reply_.status == Status::bye) {
      co_await fail(Errc::unavailable, "the store says " + std::string(reply_.text));
    }
    if (!capability_list(reply_.text).empty()) separate_capability_ = reply_.text;
  }
}

Result<> StoreLogin::answer_is_yes() const {
  if (reply_.status == Status::ok && !reply_.continuation()) return {};
  const std::string said = "the store says " + std::string(reply_.text);
  if (reply_.status != Status::no) return fail(Errc::protocol, said);
  return fail(is_temporary(reply_.code) ? Errc::unavailable : Errc::refused, said);
}

void StoreLogin::learn(std::string_view list) {
  if (!capability_list(list).empty()) list = capability_list(list);
  if (list.empty()) return;
  offer_ = learnt_.learn(list);
}

// Room for all that may follow, so that a growing string leaves no copy of a password behind.
void StoreLogin::start_command(std::string_view text, size_t room) {
  tag_ = 'a' + std::to_string(++commands_);
  out_.reserve(tag_.size() + text.size() + room + 64);
  out_ = tag_ + ' ';
  out_ += text;
}

}  // namespace openmmp::imap
