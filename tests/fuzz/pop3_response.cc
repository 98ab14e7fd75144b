// What a POP3 store says to us, a line at a time.
#include <string>

#include "tests/fuzz/fuzz.h"
#include "workers/pop3/response.h"

namespace openmmp::fuzz {
namespace {

void check_line(std::string_view line) {
  CHECK(pop3::offers_mechanism("SASL PLAIN " + std::string(line), "PLAIN"));
  CHECK(!pop3::offers_mechanism(line, "PLAIN") || line.size() >= 10);
  const auto response = pop3::parse_response(line);
  if (!response) return;
  CHECK(line.find_first_of(std::string_view("\0\r\n", 3)) == line.npos);
  CHECK(response->code.find(']') == line.npos);
  CHECK(response->code.empty() || response->status == pop3::Status::err);
  CHECK(!pop3::is_temporary(response->code) || !response->code.empty());
}

}  // namespace

void check_input(std::string_view input) { for_each_line(input, check_line); }

}  // namespace openmmp::fuzz
