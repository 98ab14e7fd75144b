#include "workers/smtp/xclient.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "ipc/runtime/text.h"

namespace openmmp::smtp {
namespace {

constexpr std::string_view command = "XCLIENT";
constexpr std::string_view unavailable = "[UNAVAILABLE]";
constexpr std::string_view unavailable_for_now = "[TEMPUNAVAIL]";
constexpr std::string_view ipv6_prefix = "IPV6:";
constexpr size_t longest_value = longest_xclient_value;
constexpr size_t longest_line = 512 - 2;  // and CR LF

bool is_name_character(char c) {
  const char l = lower(c);
  return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

bool is_host_name(std::string_view text) {
  return !text.empty() && text.size() <= longest_value && is_name_character(text[0]) &&
         text[0] != '.' && std::all_of(text.begin(), text.end(), is_name_character);
}

// A Postfix takes no other: not all digits, and no label that is empty or has a hyphen at an end.
// It would refuse all that is said together with it, and nobody would be told of that client.
bool is_postfix_name(std::string_view text) {
  if (!is_host_name(text)) return false;
  bool has_letter = false;
  while (!text.empty()) {
    const size_t end = std::min(text.find('.'), text.size());
    const std::string_view label = text.substr(0, end);
    if (label.empty() || label.starts_with('-') || label.ends_with('-')) return false;
    has_letter = has_letter || label.find_first_not_of("0123456789") != label.npos;
    if (end + 1 == text.size()) return false;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return has_letter;
}

std::optional<char> hex_value(char c) {
  if (c >= '0' && c <= '9') return static_cast<char>(c - '0');
  const char l = lower(c);
  if (l >= 'a' && l <= 'f') return static_cast<char>(l - 'a' + 10);
  return std::nullopt;
}

// Puts " NAME=value" for what is offered together.
class Attributes {
 public:
  explicit Attributes(const std::vector<std::string>& offered) : offered_(offered) {}

  // Left out when it is too long for what remains of the line.
  void add(std::string_view name, std::string_view value) {
    const bool is_offered = std::find(offered_.begin(), offered_.end(), name) != offered_.end();
    if (!is_offered || value.size() > longest_value) return;
    const size_t size = 1 + name.size() + 1 + value.size();
    if (command.size() + text_.size() + size > longest_line) return;
    text_.append(" ").append(name).append("=").append(value);
  }
  const std::string& text() const { return text_; }

 private:
  const std::vector<std::string>& offered_;
  std::string text_;
};

// Cuts the first word and the blanks behind it off `text`.
std::string_view take_word(std::string_view& text) {
  const size_t end = std::min(text.find(' '), text.size());
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(std::min(text.find_first_not_of(' ', end), text.size()));
  return word;
}

Failure malformed(std::string_view name) {
  return fail(Errc::protocol, fmt::format("501 5.5.4 The {} of XCLIENT is malformed", name));
}

bool is_unavailable(std::string_view value) {
  return equals_ignoring_case(value, unavailable) ||
         equals_ignoring_case(value, unavailable_for_now);
}

// What has been read. A port may come before its address.
class Reader {
 public:
  // `value` is no xtext any more.
  Result<> read(std::string_view name, std::string_view value) {
    if (equals_ignoring_case(name, "ADDR")) return read_address("ADDR", value, facts_.client);
    if (equals_ignoring_case(name, "DESTADDR")) {
      return read_address("DESTADDR", value, facts_.local);
    }
    if (equals_ignoring_case(name, "PORT")) return read_port("PORT", value, port_);
    if (equals_ignoring_case(name, "DESTPORT")) return read_port("DESTPORT", value, local_port_);
    if (equals_ignoring_case(name, "HELO")) return read_text("HELO", value, facts_.helo);
    if (equals_ignoring_case(name, "LOGIN")) return read_text("LOGIN", value, facts_.login);
    if (equals_ignoring_case(name, "NAME")) {
      if (!is_host_name(value)) return malformed("NAME");
      facts_.name = value;
    }
    return {};
  }

  XclientFacts take() {
    if (facts_.client) facts_.client->set_port(port_);
    if (facts_.local) facts_.local->set_port(local_port_);
    return std::move(facts_);
  }

 private:
  static Result<> read_address(std::string_view name, std::string_view value,
                               std::optional<SocketAddress>& out) {
    if (starts_with_ignoring_case(value, ipv6_prefix)) value.remove_prefix(ipv6_prefix.size());
    const Result<SocketAddress> address = SocketAddress::parse(value, 0);
    if (!address) return malformed(name);
    out = *address;
    return {};
  }

  static Result<> read_port(std::string_view name, std::string_view value, uint16_t& out) {
    const char* const end = value.data() + value.size();
    const auto [stop, error] = std::from_chars(value.data(), end, out);
    if (error != std::errc() || stop != end) return malformed(name);
    return {};
  }

  // It is said to a relay again and stands in logs.
  static Result<> read_text(std::string_view name, std::string_view value,
                            std::optional<std::string>& out) {
    if (value.empty() || value.size() > longest_value ||
        std::any_of(value.begin(), value.end(), is_control)) {
      return malformed(name);
    }
    out = value;
    return {};
  }

  XclientFacts facts_;
  uint16_t port_ = 0;
  uint16_t local_port_ = 0;
};

Result<> read_attribute(std::string_view word, Reader& reader) {
  const size_t equals = word.find('=');
  if (equals == 0 || equals == word.npos) {
    return fail(Errc::protocol, "501 5.5.4 XCLIENT takes NAME=value");
  }
  const Result<std::string> value = parse_xtext(word.substr(equals + 1));
  if (!value) return fail(Errc::protocol, "501 5.5.4 A value of XCLIENT is no xtext");
  if (is_unavailable(*value)) return {};
  return reader.read(word.substr(0, equals), *value);
}

}  // namespace

std::string xtext(std::string_view text) {
  std::string encoded;
  encoded.reserve(3 * text.size());  // it may be a password: growing would leave copies behind
  for (const char c : text) {
    const bool is_plain = c > ' ' && c <= '~' && c != '+' && c != '=';
    if (is_plain) {
      encoded += c;
    } else {
      constexpr std::string_view digits = "0123456789ABCDEF";
      const auto byte = static_cast<unsigned char>(c);
      encoded += '+';
      encoded += digits[byte >> 4];
      encoded += digits[byte & 15];
    }
  }
  return encoded;
}

Result<std::string> parse_xtext(std::string_view text) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c <= ' ' || c > '~' || c == '=') return fail(Errc::protocol, "not xtext");
    if (c != '+') {
      decoded += c;
      continue;
    }
    const auto high = i + 1 < text.size() ? hex_value(text[i + 1]) : std::nullopt;
    const auto low = i + 2 < text.size() ? hex_value(text[i + 2]) : std::nullopt;
    if (!high || !low) return fail(Errc::protocol, "not xtext");
    decoded += static_cast<char>(*high << 4 | *low);
    i += 2;
  }
  return decoded;
}

std::string told_name(const ClientFacts& facts) {
  if (facts.name && is_postfix_name(*facts.name)) return *facts.name;
  return std::string(facts.name_unknown_for_now ? unavailable_for_now : unavailable);
}

std::string told_address(const SocketAddress& address) {
  const std::string ip = address.ip();
  return address.family() == AF_INET6 ? std::string(ipv6_prefix) + ip : ip;
}

std::vector<std::string> xclient_commands(const ClientFacts& facts,
                                          const std::vector<std::string>& offered) {
  Attributes where(offered);
  where.add("ADDR", told_address(facts.client));
  where.add("PORT", std::to_string(facts.client.port()));
  where.add("NAME", told_name(facts));
  where.add("DESTADDR", told_address(facts.local));
  where.add("DESTPORT", std::to_string(facts.local.port()));
  // A Postfix forgets these with every XCLIENT that does not say them, so they are in the last one;
  // the name, which EHLO says again, goes behind what it might leave no room for.
  Attributes who(offered);
  if (!facts.login.empty()) who.add("LOGIN", xtext(facts.login));
  who.add("PROTO", facts.extended ? "ESMTP" : "SMTP");
  if (!facts.helo.empty()) who.add("HELO", xtext(facts.helo));

  std::vector<std::string> commands;
  const auto say = [&commands](const std::string& attributes) {
    if (!attributes.empty()) commands.push_back(std::string(command) + attributes);
  };
  if (command.size() + where.text().size() + who.text().size() <= longest_line) {
    say(where.text() + who.text());
  } else {
    say(where.text());
    say(who.text());
  }
  return commands;
}

Result<XclientFacts> parse_xclient(std::string_view arguments) {
  Reader reader;
  if (arguments.empty()) return fail(Errc::protocol, "501 5.5.4 XCLIENT takes NAME=value");
  while (!arguments.empty()) {
    const Result<> read = read_attribute(take_word(arguments), reader);
    if (!read) return fail(read.error());
  }
  return reader.take();
}

}  // namespace openmmp::smtp
