#include "workers/sasl/oauth.h"

#include <algorithm>

#include "ipc/runtime/check.h"
#include "ipc/runtime/text.h"
#include "workers/sasl/base64.h"
#include "workers/sasl/credentials.h"
#include "workers/sasl/gs2.h"

namespace openmmp::sasl {
namespace {

constexpr char separator = '\x01';
constexpr size_t most_pairs = 16;
constexpr size_t longest_challenge = 8192;

bool is_letter(char c) { return lower(c) >= 'a' && lower(c) <= 'z'; }

bool is_token_character(char c) {
  return is_letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~' ||
         c == '+' || c == '/';
}

bool is_text_character(char c) { return !is_control(c) || c == '\t' || c == '\r' || c == '\n'; }

// VCHAR, blank, tab, CR and LF: RFC 7628, section 3.1.
bool is_value_character(char c) {
  return static_cast<unsigned char>(c) < 0x80 && is_text_character(c);
}

Failure malformed() { return fail(Errc::protocol, "The OAuth message is malformed."); }

// "Bearer" and a b64token, RFC 6750 section 2.1.
Result<Secret> token_of(std::string_view value) {
  constexpr std::string_view scheme = "Bearer ";
  if (value.empty()) return fail(Errc::refused, "The token is empty.");
  if (!starts_with_ignoring_case(value, scheme)) {
    return fail(Errc::refused, "The token is not a Bearer token.");
  }
  value.remove_prefix(std::min(value.find_first_not_of(' ', scheme.size()), value.size()));
  if (value.empty()) return fail(Errc::refused, "The token is empty.");
  if (value.size() > longest_token) return fail(Errc::refused, "The token is too long.");
  const auto padding = std::find_if_not(value.begin(), value.end(), is_token_character);
  if (padding == value.begin() ||
      std::any_of(padding, value.end(), [](char c) { return c != '='; })) {
    return fail(Errc::protocol, "The token is malformed.");
  }
  return Secret::copy_of(value);
}

struct Pair {
  std::string_view key;
  std::string_view value;
};

// "key=value" and the separator.
Result<Pair> take_pair(std::string_view& rest) {
  const size_t end = rest.find(separator);
  const size_t equals = rest.substr(0, end).find('=');
  if (end == rest.npos || equals == rest.npos || equals == 0) return malformed();
  const Pair pair{rest.substr(0, equals), rest.substr(equals + 1, end - equals - 1)};
  if (!std::all_of(pair.key.begin(), pair.key.end(), is_letter)) return malformed();
  rest.remove_prefix(end + 1);
  return pair;
}

// Puts a pair where it belongs. Names and tokens come once.
Result<> take_value(Mechanism mechanism, const Pair& pair, OauthMessage& message) {
  if (pair.key == "auth") {
    if (!message.token.empty()) return malformed();
    Result<Secret> token = token_of(pair.value);
    if (!token) return fail(std::move(token.error()));
    message.token = std::move(*token);
    return {};
  }
  if (mechanism == Mechanism::xoauth2 && pair.key == "user") {
    if (!message.user.empty()) return malformed();
    message.user = pair.value;
    return check_name(message.user);
  }
  if (message.others.size() == most_pairs ||
      !std::all_of(pair.value.begin(), pair.value.end(), is_value_character)) {
    return malformed();
  }
  message.others.emplace_back(pair.key, pair.value);
  return {};
}

// The header that only OAUTHBEARER has. There is no variant of it that binds the channel.
Result<> take_header(std::string_view& rest, OauthMessage& message) {
  Result<Gs2Header> header = take_gs2_header(rest);
  if (!header) return fail(std::move(header.error()));
  if (header->binding == Gs2Header::Binding::used || !rest.starts_with(separator)) {
    return malformed();
  }
  rest.remove_prefix(1);
  message.user = std::move(header->authzid);
  return {};
}

void append_pair(std::string& text, std::string_view key, std::string_view value) {
  text += key;
  text += '=';
  text += value;
  text += separator;
}

}  // namespace

Result<OauthMessage> parse_oauth(Mechanism mechanism, std::string_view message) {
  CHECK(mechanism == Mechanism::xoauth2 || mechanism == Mechanism::oauthbearer);
  if (message.size() > longest_oauth_message) {
    return fail(Errc::protocol, "The OAuth message is too long.");
  }
  OauthMessage parsed;
  if (mechanism == Mechanism::oauthbearer) {
    if (auto good = take_header(message, parsed); !good) return fail(std::move(good.error()));
  }
  while (message.size() > 1) {
    const Result<Pair> pair = take_pair(message);
    if (!pair) return fail(pair.error());
    if (auto good = take_value(mechanism, *pair, parsed); !good) {
      return fail(std::move(good.error()));
    }
  }
  if (message.empty() || message[0] != separator) return malformed();
  if (parsed.user.empty()) return fail(Errc::refused, "The user name is empty.");
  if (parsed.token.empty()) return fail(Errc::refused, "The token is empty.");
  return parsed;
}

std::string oauth_response(Mechanism mechanism, const OauthMessage& message,
                           std::string_view user) {
  CHECK(mechanism == Mechanism::xoauth2 || mechanism == Mechanism::oauthbearer);
  std::string text;
  // One block that never grows, so that wiping it wipes every copy of the token.
  size_t size = 3 * user.size() + message.token.reveal().size() + 32;
  for (const auto& [key, value] : message.others) size += key.size() + value.size() + 2;
  text.reserve(size);
  if (mechanism == Mechanism::oauthbearer) {
    text += "n,a=" + encode_saslname(user) + ',' + separator;
    for (const auto& [key, value] : message.others) append_pair(text, key, value);
  } else {
    append_pair(text, "user", user);
  }
  text += "auth=Bearer ";
  text += message.token.reveal();
  text += separator;
  if (mechanism == Mechanism::xoauth2) {
    for (const auto& [key, value] : message.others) append_pair(text, key, value);
  }
  text += separator;
  std::string base64 = base64_encode(text);
  wipe(text);
  return base64;
}

Result<> check_error_challenge(std::string_view base64) {
  if (base64.empty() || base64.size() > longest_challenge) {
    return fail(Errc::protocol, "The error challenge is empty or too long.");
  }
  const Result<std::string> text = base64_decode(base64);
  if (!text || !is_utf8(*text) || !std::all_of(text->begin(), text->end(), is_text_character)) {
    return fail(Errc::protocol, "The error challenge is not base64 of a text.");
  }
  return {};
}

std::string_view error_answer(Mechanism mechanism) {
  CHECK(mechanism == Mechanism::xoauth2 || mechanism == Mechanism::oauthbearer);
  return mechanism == Mechanism::oauthbearer ? "AQ==" : "";
}

}  // namespace openmmp::sasl
