// What a relay says: replies, one behind the other.
#include <string>

#include "tests/fuzz/fuzz.h"
#include "workers/smtp/reply.h"

namespace openmmp::fuzz {
namespace {

void check_reply(const smtp::Reply& reply) {
  CHECK(reply.code >= 200 && reply.code < 560 && reply.text.size() <= smtp::longest_reply);
  const std::string code = std::to_string(reply.code);
  std::string_view rest = reply.text;
  while (!rest.empty()) {
    const size_t end = rest.find("\r\n");
    CHECK(end != rest.npos);
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end + 2);
    CHECK(line.starts_with(code));
    CHECK(line.size() == 3 ? rest.empty() : line[3] == (rest.empty() ? ' ' : '-'));
    CHECK(std::all_of(line.begin(), line.end(), [](char c) {
      return c == '\t' || is_one_line({&c, 1});
    }));
    if (rest.empty()) CHECK(smtp::last_line(reply) == line);
  }
}

}  // namespace

void check_input(std::string_view input) {
  while (!input.empty()) {
    const Exact exact(input);
    const auto found = smtp::find_reply(exact.view());
    if (!found) CHECK(is_one_line(found.error().detail) && !found.error().detail.empty());
    if (!found || !*found) return;
    check_reply(**found);
    const size_t size = (*found)->text.size();
    // It needs all of its bytes and no more, and no beginning of it is something else.
    const auto alone = smtp::find_reply(input.substr(0, size));
    CHECK(alone && *alone && (*alone)->text.size() == size);
    for (size_t cut = 0; cut < std::min<size_t>(size, 64); ++cut) {
      const Exact part(input.substr(0, size - 1 - cut));
      const auto early = smtp::find_reply(part.view());
      CHECK(early && !*early);
    }
    input.remove_prefix(size);
  }
}

}  // namespace openmmp::fuzz
