#include "workers/pop3/spoof.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <optional>
#include <utility>

#include "ipc/runtime/text.h"

namespace openmmp::pop3 {
namespace {

constexpr const char* no_such_message = "-ERR There is no such message.\r\n";

enum class Request { stat, list, uidl, retr, top, dele, noop, rset, last, capa, quit, unknown };

constexpr std::pair<std::string_view, Request> requests[] = {
    {"STAT", Request::stat}, {"LIST", Request::list}, {"UIDL", Request::uidl},
    {"RETR", Request::retr}, {"TOP", Request::top},   {"DELE", Request::dele},
    {"NOOP", Request::noop}, {"RSET", Request::rset}, {"LAST", Request::last},
    {"CAPA", Request::capa}, {"QUIT", Request::quit},
};

Request request_of(std::string_view word) {
  for (const auto& [name, request] : requests) {
    if (equals_ignoring_case(word, name)) return request;
  }
  return Request::unknown;
}

// The first word; it and the blanks around it are taken off.
std::string_view take_word(std::string_view& text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  const std::string_view word = text.substr(0, text.find(' '));
  text.remove_prefix(word.size());
  while (text.starts_with(' ')) text.remove_prefix(1);
  return word;
}

std::optional<size_t> number_of(std::string_view text) {
  size_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stop != end) return std::nullopt;
  return number;
}

// FNV-1a: two messages that differ are not to be taken for one; nobody gains by making them so.
uint64_t hash_of(std::string_view text) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  }
  return hash;
}

}  // namespace

SpoofMessage::SpoofMessage(std::string_view text) {
  text_.reserve(text.size() + 2);
  size_t stuffed = 0;
  bool ended = false;
  while (!text.empty() && !ended) {
    const size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    // A dot alone is the end mark, or, with text behind it, one that was not stuffed.
    ended = line == "." && text.empty();
    if (ended) continue;
    if (line.starts_with('.')) ++stuffed;
    if (line == ".") text_ += '.';
    text_.append(line).append("\r\n");
  }
  octets_ = text_.size() - stuffed;
  uid_ = fmt::format("{:016x}", hash_of(text_));
}

std::string_view SpoofMessage::top(size_t lines) const {
  size_t end = text_.starts_with("\r\n") ? 0 : text_.find("\r\n\r\n");
  if (end == text_.npos) return text_;  // nothing but a header
  end += end == 0 ? 2 : 4;
  for (; lines > 0 && end < text_.size(); --lines) end = text_.find('\n', end) + 1;
  return std::string_view(text_).substr(0, end);
}

// One case for each command of RFC 1939 and RFC 2449.
std::string SpoofMailbox::answer(std::string_view line) {
  bad_ = false;
  while (line.ends_with(' ')) line.remove_suffix(1);
  const Request request = request_of(take_word(line));
  switch (request) {
    case Request::stat:
      return stat();
    case Request::list:
      return listing(line, message_ ? std::to_string(message_->octets()) : "");
    case Request::uidl:
      return listing(line, message_ ? message_->uid() : "");
    case Request::retr:
      return retrieve(line);
    case Request::top:
      return top(line);
    case Request::dele:
      return erase(line);
    case Request::noop:
      return "+OK\r\n";
    case Request::rset:
      deleted_ = false;
      return "+OK\r\n";
    case Request::last:
      return "+OK 0\r\n";
    case Request::capa:
      return "+OK Capability list follows\r\nTOP\r\nUIDL\r\nRESP-CODES\r\nPIPELINING\r\n"
             "IMPLEMENTATION openmmp\r\n.\r\n";
    case Request::quit:
      quit_ = true;
      return "+OK Bye.\r\n";
    case Request::unknown:
      break;
  }
  bad_ = true;
  return "-ERR Unknown command.\r\n";
}

const SpoofMessage* SpoofMailbox::find(std::string_view number) const {
  return deleted_ || number_of(number) != 1 ? nullptr : message_;
}

std::string SpoofMailbox::stat() const {
  const SpoofMessage* there = find("1");
  return there == nullptr ? "+OK 0 0\r\n" : fmt::format("+OK 1 {}\r\n", there->octets());
}

// LIST and UIDL, of all messages or of one.
std::string SpoofMailbox::listing(std::string_view number, const std::string& of_message) const {
  if (!number.empty()) {
    return find(number) == nullptr ? no_such_message : fmt::format("+OK 1 {}\r\n", of_message);
  }
  if (find("1") == nullptr) return "+OK\r\n.\r\n";
  return fmt::format("+OK\r\n1 {}\r\n.\r\n", of_message);
}

std::string SpoofMailbox::retrieve(std::string_view number) const {
  const SpoofMessage* there = find(number);
  if (there == nullptr) return no_such_message;
  return fmt::format("+OK {} octets\r\n{}.\r\n", there->octets(), there->text());
}

std::string SpoofMailbox::top(std::string_view arguments) const {
  const SpoofMessage* there = find(take_word(arguments));
  const std::optional<size_t> lines = number_of(arguments);
  if (there == nullptr) return no_such_message;
  if (!lines) return "-ERR TOP takes a message and a number of lines.\r\n";
  return fmt::format("+OK\r\n{}.\r\n", there->top(*lines));
}

std::string SpoofMailbox::erase(std::string_view number) {
  if (find(number) == nullptr) return no_such_message;
  deleted_ = true;
  return "+OK\r\n";
}

}  // namespace openmmp::pop3
