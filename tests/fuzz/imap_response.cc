// What a store says to us, a line at a time.
#include <string>

#include "tests/fuzz/fuzz.h"
#include "workers/imap/response.h"

namespace openmmp::fuzz {
namespace {

bool is_inside(std::string_view part, std::string_view line) {
  return part.empty() ||
         (part.data() >= line.data() && part.data() + part.size() <= line.data() + line.size());
}

void check_line(std::string_view line) {
  const auto response = imap::parse_response(line);
  if (!response) return;
  CHECK(line.find_first_of(std::string_view("\0\r\n", 3)) == line.npos);
  CHECK(is_inside(response->tag, line) && is_inside(response->text, line));
  CHECK(is_inside(response->code, response->text) && response->code.find(']') == line.npos);
  CHECK(!response->tag.empty() && line.starts_with(response->tag));
  CHECK(is_inside(imap::capability_list(response->code), response->code));
  CHECK(is_inside(imap::capability_list(response->text), response->text));
  const std::string written = std::string(response->tag) + " " + std::string(response->text);
  const auto again = imap::parse_response(written);
  CHECK(response->continuation() ||
        (again && again->status == response->status && again->code == response->code));
  CHECK(!imap::is_temporary(response->code) || !response->code.empty());
}

}  // namespace

void check_input(std::string_view input) { for_each_line(input, check_line); }

}  // namespace openmmp::fuzz
