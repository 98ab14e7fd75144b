// Lines, each as one with which a proxy says who its client is and one with which a store offers to
// listen.
#include "tests/fuzz/fuzz.h"
#include "workers/pop3/xclient.h"

namespace openmmp::fuzz {
namespace {

void check_line(std::string_view line) {
  const auto offer = pop3::offered_xclient(line);
  const auto facts = pop3::parse_xclient(line);
  if (!facts) CHECK(is_one_line(facts.error().detail) && facts.error().detail.size() < 80);
  if (!facts) return;
  CHECK(is_one_line(pop3::xclient_line(*facts, offer.value_or(pop3::XclientOffer()))));
  const auto all = pop3::offered_xclient(pop3::xclient_capability);
  CHECK(all.has_value());
  const std::string written = pop3::xclient_line(*facts, *all);
  if (written.empty()) return;
  const auto again = pop3::parse_xclient(written);
  CHECK(again && is_one_line(written) && pop3::xclient_line(*again, *all) == written);
}

}  // namespace

void check_input(std::string_view input) { for_each_line(input, check_line); }

}  // namespace openmmp::fuzz
