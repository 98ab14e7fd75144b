// Lines, each as the arguments of XCLIENT from a peer, as xtext, and as whatever a client and DNS
// say that goes into XCLIENT and XPROXYEHLO.
#include <string>

#include "tests/fuzz/fuzz.h"
#include "workers/smtp/xproxyehlo.h"

namespace openmmp::fuzz {
namespace {

const std::vector<std::string> everything = {"NAME", "ADDR",  "PORT",     "PROTO",
                                             "HELO", "LOGIN", "DESTADDR", "DESTPORT"};

bool is_printed(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

void check_peer(std::string_view line) {
  const auto facts = smtp::parse_xclient(line);
  if (!facts) {
    CHECK(facts.error().detail.starts_with("501 5.5.4 ") && is_printed(facts.error().detail));
    return;
  }
  smtp::ClientFacts told;
  told.client = facts->client.value_or(*SocketAddress::parse("192.0.2.1", 1));
  told.local = facts->local.value_or(*SocketAddress::parse("::1", 2));
  told.name = facts->name;
  told.helo = facts->helo.value_or("");
  // What has been read and fits into one line is read again as the same.
  const auto lines = smtp::xclient_commands(told, everything);
  if (lines.size() != 1 || smtp::xtext(told.helo).size() > 255) return;
  const auto again = smtp::parse_xclient(std::string_view(lines[0]).substr(8));
  CHECK(again && again->name == facts->name);
  CHECK(again->client->to_string() == told.client.to_string());
  CHECK(again->local->to_string() == told.local.to_string());
  CHECK(told.helo.empty() || again->helo == facts->helo);
}

void check_facts(std::string_view text) {
  smtp::ClientFacts facts;
  facts.client = *SocketAddress::parse("2001:db8::1", 40001);
  facts.local = *SocketAddress::parse("192.0.2.1", 587);
  facts.name = facts.helo = facts.login = facts.tls = facts.channel = text;
  const auto lines = smtp::xclient_commands(facts, everything);
  CHECK(!lines.empty() && lines.size() <= 2);
  for (const std::string& line : lines) {
    CHECK(line.size() <= 510 && line.starts_with("XCLIENT ") && is_printed(line));
  }
  const auto command = smtp::xproxyehlo_command(facts, "XPROXYEHLO", smtp::PasswordForm::nonce,
                                                "0123456789abcdef", Secret::copy_of("x"));
  if (!command) return;
  CHECK(command->size() + 2 <= smtp::longest_xproxyehlo && is_printed(*command));
  const auto words = std::count(command->begin(), command->end(), ' ');
  CHECK(words == (text.empty() ? 8 : 11));
}

void check_line(std::string_view line) {
  const std::string encoded = smtp::xtext(line);
  CHECK(is_printed(encoded) && encoded.find(' ') == encoded.npos);
  CHECK(smtp::parse_xtext(encoded) == std::string(line));
  check_peer(line);
  check_facts(line);
}

}  // namespace

void check_input(std::string_view input) { for_each_line(input, check_line); }

}  // namespace openmmp::fuzz
