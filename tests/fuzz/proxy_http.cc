// A server's answer, in pieces whose size the first byte says: the same is made of it as of the
// whole, within the limits, and nothing in a header can end a line.
#include <string>

#include "tests/fuzz/fuzz.h"
#include "workers/proxy/http_message.h"

namespace openmmp::fuzz {
namespace {

std::string read(std::string_view input, size_t size, bool wants_body) {
  proxy::HttpReader reader(wants_body);
  while (!input.empty() && !reader.complete()) {
    const Exact piece(input.substr(0, size));
    input.remove_prefix(piece.view().size());
    const Result<> added = reader.add(piece.view());
    if (!added) return is_one_line(added.error().detail) ? "refused" : "a detail of two lines";
  }
  if (!reader.complete() && !reader.end()) return "refused";
  const proxy::HttpResponse response = reader.take();
  CHECK(response.status >= 200 && response.status <= 599);
  CHECK(response.body.size() <= proxy::HttpReader::longest_body);
  CHECK(wants_body || response.body.empty());
  std::string text = std::to_string(response.status) + response.body;
  for (const auto& [name, value] : response.headers) {
    CHECK(!name.empty() && is_one_line(name));
    CHECK(value.find_first_of(std::string_view("\r\n\0", 3)) == value.npos);
    text += name + value;
  }
  return text;
}

}  // namespace

void check_input(std::string_view input) {
  if (input.empty()) return;
  const size_t size = static_cast<unsigned char>(input.front()) % 64 + 1;
  input.remove_prefix(1);
  const std::string whole = read(input, input.size() + 1, true);
  CHECK(whole != "a detail of two lines");
  CHECK(read(input, size, true) == whole);
  read(input, size, false);
}

}  // namespace openmmp::fuzz
