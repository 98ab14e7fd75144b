#include "workers/smtp/xproxyehlo.h"

#include <algorithm>
#include <iterator>

#include "workers/sasl/digest.h"

namespace openmmp::smtp {
namespace {

constexpr size_t shortest_nonce = 16;
constexpr size_t longest_nonce = 255;
constexpr size_t longest_value = 255;  // before it is xtext

bool is_nonce(std::string_view text) {
  return text.size() >= shortest_nonce && text.size() <= longest_nonce &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

bool fits(const ClientFacts& facts) {
  const std::string_view values[] = {facts.helo, facts.login, facts.tls, facts.channel};
  return std::all_of(std::begin(values), std::end(values),
                     [](std::string_view value) { return value.size() <= longest_value; });
}

void add(std::string& line, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  line += ' ';
  line += name;
  line += '=';
  line += xtext(value);
}

// Everything that the MAC is over.
std::string facts_line(const ClientFacts& facts, std::string_view keyword) {
  std::string line(keyword);
  line += ' ';
  line += facts.helo.empty() ? "[UNAVAILABLE]" : xtext(facts.helo);
  add(line, "ADDR", told_address(facts.client));
  add(line, "PORT", std::to_string(facts.client.port()));
  add(line, "DESTADDR", told_address(facts.local));
  add(line, "DESTPORT", std::to_string(facts.local.port()));
  add(line, "NAME", told_name(facts));
  add(line, "PROTO", facts.extended ? "ESMTP" : "SMTP");
  add(line, "TLS", facts.tls);
  add(line, "LOGIN", facts.login);
  add(line, "CHANNEL", facts.channel);
  return line;
}

Result<> add_mac(std::string& line, std::string_view nonce, const Secret& password) {
  if (!is_nonce(nonce)) {
    return fail(Errc::protocol, "the relay announces no nonce of 16 to 255 characters");
  }
  std::string covered(nonce);
  covered += ' ';
  covered += line;
  line += " MAC=HMAC-SHA256:" + sasl::hex(sasl::hmac_sha256(password.reveal(), covered));
  return {};
}

// Room is made beforehand, so that growing leaves no copy of the password behind.
void add_password(std::string& line, const Secret& password) {
  std::string encoded = xtext(password.reveal());
  line.reserve(line.size() + encoded.size() + 16);
  line += " PASSWORD=";
  line += encoded;
  wipe(encoded);
}

}  // namespace

Result<std::string> xproxyehlo_command(const ClientFacts& facts, std::string_view keyword,
                                       PasswordForm form, std::string_view nonce,
                                       const Secret& password) {
  if (password.empty()) return fail(Errc::refused, "there is no SmtpProxyPassword");
  if (!fits(facts)) return fail(Errc::limit, "a value for XPROXYEHLO is longer than 255 octets");
  std::string line = facts_line(facts, keyword);
  if (form == PasswordForm::nonce) {
    const Result<> added = add_mac(line, nonce, password);
    if (!added) return fail(added.error());
  } else {
    add_password(line, password);
  }
  if (line.size() + 2 > longest_xproxyehlo) {
    wipe(line);
    return fail(Errc::limit, "XPROXYEHLO would be longer than 2048 octets");
  }
  return line;
}

}  // namespace openmmp::smtp
