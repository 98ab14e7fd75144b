// Access filters, which may come from a user's entry.
#include "config/access_filter.h"
#include "tests/fuzz/fuzz.h"

namespace openmmp::fuzz {

void check_input(std::string_view input) {
  const auto filter = config::AccessFilter::parse(input);
  if (!filter) {
    CHECK(is_one_line(filter.error().detail) && filter.error().detail.size() < 1000);
    return;
  }
  config::AccessQuery query;
  query.service = "imap";
  query.client = *SocketAddress::parse("10.1.2.3", 40000);
  query.local = *SocketAddress::parse("192.0.2.1", 143);
  const bool nameless = filter->admits(query);
  CHECK(!filter->needs_ident() || !nameless);
  // A name makes no difference to a filter that does not ask for it.
  query.name = "mail.example.com";
  const bool named = filter->admits(query);
  CHECK(filter->needs_name() || named == nameless);
  CHECK(!filter->empty() || named);
}

}  // namespace openmmp::fuzz
