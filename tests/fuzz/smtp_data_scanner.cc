// A message as it comes behind DATA, and what follows it.
#include <string>

#include "tests/fuzz/fuzz.h"
#include "workers/smtp/data_scanner.h"

namespace openmmp::fuzz {
namespace {

struct Scanned {
  bool operator==(const Scanned&) const = default;
  std::string out;
  size_t used = 0;
  bool ended = false;
  bool refused = false;
};

// `piece` bytes at a time.
Scanned scan(smtp::BareNewline rule, std::string_view input, size_t piece) {
  smtp::DataScanner scanner(rule);
  Scanned result;
  std::string made;
  size_t given = 0;
  while (!result.ended && given < input.size()) {
    given = std::min(given + piece, input.size());
    for (bool waits = false; !waits && !result.ended && result.used < given;) {
      const Exact bytes(input.substr(result.used, given - result.used));
      const auto step = scanner.scan(bytes.view(), made);
      CHECK(step.used <= bytes.view().size() && made.size() <= 2 * bytes.view().size());
      CHECK(step.refused == scanner.refused() && (!step.refused || step.clean.empty()));
      result.out += step.clean;
      result.used += step.used;
      result.ended = step.ended;
      waits = step.used == 0;
      if (waits) CHECK(given - result.used < 3);
    }
  }
  result.refused = scanner.refused();
  CHECK(scanner.size() + (result.ended && !result.refused ? 3 : 0) == result.out.size());
  return result;
}

// As one who goes by RFC 5321 finds it.
size_t strict_end(std::string_view bytes) {
  if (bytes.starts_with(".\r\n")) return 3;
  const size_t at = bytes.find("\r\n.\r\n");
  return at == bytes.npos ? at : at + 5;
}

bool is_clean(std::string_view bytes) {
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (bytes[i] == '\0') return false;
    if (bytes[i] == '\r' && !bytes.substr(i).starts_with("\r\n")) return false;
    if (bytes[i] == '\n' && (i == 0 || bytes[i - 1] != '\r')) return false;
  }
  return true;
}

void check_rule(smtp::BareNewline rule, std::string_view input) {
  const Scanned whole = scan(rule, input, std::max<size_t>(input.size(), 1));
  CHECK(whole == scan(rule, input, 1) && whole == scan(rule, input, 7));
  const size_t end = strict_end(input);
  CHECK(whole.ended == (end != input.npos) && (!whole.ended || whole.used == end));
  const std::string_view taken = input.substr(0, whole.used);
  // With one kind of line end only and no NUL, there is one way to read it.
  CHECK(is_clean(whole.out));
  CHECK(whole.refused == (rule == smtp::BareNewline::reject && !is_clean(taken)));
  const bool goes_on_whole = whole.ended && !whole.refused;
  CHECK(strict_end(whole.out) == (goes_on_whole ? whole.out.size() : whole.out.npos));
  if (is_clean(taken)) CHECK(whole.out == taken);
  if (whole.refused) CHECK(taken.starts_with(whole.out));
}

}  // namespace

void check_input(std::string_view input) {
  check_rule(smtp::BareNewline::reject, input);
  check_rule(smtp::BareNewline::normalize, input);
}

}  // namespace openmmp::fuzz
