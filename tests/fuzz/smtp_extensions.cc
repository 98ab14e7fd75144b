// A relay's answer to EHLO. In front of the first empty line stand EhloKeywords, if there is one.
#include <string>

#include "tests/fuzz/fuzz.h"
#include "workers/smtp/extensions.h"

namespace openmmp::fuzz {
namespace {

constexpr std::string_view of_the_hop[] = {"AUTH",       "STARTTLS", "XCLIENT", "XFORWARD",
                                           "XPROXYEHLO", "XPEHLO",   "BURL",    "REQUIRETLS",
                                           "ATRN",       "X-EXPS"};

// Ours, without an extension of our own in it.
smtp::Announcement announcement(std::string_view keywords) {
  smtp::Announcement facts;
  facts.name = "mmp.example";
  facts.max_size = 1000;
  for_each_line(keywords, [&facts](std::string_view line) { facts.keywords.emplace_back(line); });
  return facts;
}

void check_answer(const smtp::Extensions& relay, const std::string& text) {
  const auto reply = smtp::find_reply(text);
  CHECK(reply && *reply && (*reply)->code == 250 && (*reply)->text.size() == text.size());
  const smtp::Extensions ours = smtp::parse_extensions(**reply);
  for (const std::string_view keyword : of_the_hop) CHECK(!ours.has(keyword));
  CHECK(ours.mechanisms.empty() && ours.pipelining);
  CHECK(ours.size.has_value() == relay.size.has_value());
  if (ours.size) CHECK(*ours.size > 0 && *ours.size <= 1000);
  for (const smtp::Extension& extension : ours.list) {
    CHECK(extension.keyword == "PIPELINING" || relay.has(extension.keyword));
  }
}

}  // namespace

void check_input(std::string_view input) {
  const size_t empty_line = input.find("\n\n");
  const std::string_view keywords = empty_line == input.npos ? "" : input.substr(0, empty_line);
  if (empty_line != input.npos) input.remove_prefix(empty_line + 2);
  // What is no reply is an answer just the same: the parser is not to rely on find_reply().
  const Exact exact(input);
  const smtp::Extensions relay = smtp::parse_extensions(smtp::Reply{250, exact.view()});
  CHECK(relay.list.size() <= 64);
  for (const smtp::Extension& extension : relay.list) {
    CHECK(!extension.keyword.empty() && relay.has(extension.keyword));
    CHECK(is_one_line(extension.keyword) && is_one_line(extension.arguments));
  }
  for (const std::string& mechanism : relay.mechanisms) CHECK(mechanism.size() <= 20);
  check_answer(relay, smtp::announce(relay, announcement(keywords)));
}

}  // namespace openmmp::fuzz
