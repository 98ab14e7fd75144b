#include "workers/smtp/data_scanner.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

namespace openmmp::smtp {
namespace {

using namespace std::literals;

struct Scanned {
  std::string out;
  size_t used = 0;
  bool ended = false;
  bool refused = false;
  size_t size = 0;
};

// Gives `parts` one after the other, each with what the last one left.
Scanned scan_parts(BareNewline rule, const std::vector<std::string_view>& parts) {
  DataScanner scanner(rule);
  Scanned result;
  std::string held;
  std::string made;
  for (const std::string_view part : parts) {
    held += part;
    while (!held.empty() && !result.ended) {
      const DataScanner::Step step = scanner.scan(held, made);
      result.out += step.clean;
      result.used += step.used;
      result.ended = step.ended;
      held.erase(0, step.used);
      if (step.used == 0) break;
    }
  }
  // What waits is a CR, a dot, or a dot and a CR.
  EXPECT_TRUE(result.ended || held == "" || held == "\r" || held == "." || held == ".\r");
  result.refused = scanner.refused();
  result.size = scanner.size();
  return result;
}

Scanned scan_whole(BareNewline rule, std::string_view bytes) { return scan_parts(rule, {bytes}); }

// Where the message ends for a reader that goes by RFC 5321; npos: nowhere.
size_t strict_end(std::string_view bytes) {
  if (bytes.starts_with(".\r\n")) return 3;
  const size_t at = bytes.find("\r\n.\r\n");
  return at == bytes.npos ? bytes.npos : at + 5;
}

bool is_clean(std::string_view bytes) {
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (bytes[i] == '\0') return false;
    if (bytes[i] == '\r' && !bytes.substr(i).starts_with("\r\n")) return false;
    if (bytes[i] == '\n' && (i == 0 || bytes[i - 1] != '\r')) return false;
  }
  return true;
}

// A reader to which these are line ends as CR LF is, and that may not see NUL at all.
struct LaxReader {
  bool lf, cr, drops_nul;
};

bool has_line_end_before(const LaxReader& reader, std::string_view bytes, size_t at) {
  if (at == 0) return true;
  if (reader.lf && bytes[at - 1] == '\n') return true;
  if (reader.cr && bytes[at - 1] == '\r') return true;
  return at >= 2 && bytes.substr(at - 2, 2) == "\r\n";
}

bool has_line_end_at(const LaxReader& reader, std::string_view bytes, size_t at) {
  if (at >= bytes.size()) return false;
  if (reader.lf && bytes[at] == '\n') return true;
  if (reader.cr && bytes[at] == '\r') return true;
  return bytes.substr(at, 2) == "\r\n";
}

// Of the first dot that this reader takes for an end; npos: none.
size_t lax_end(const LaxReader& reader, std::string bytes) {
  if (reader.drops_nul) std::erase(bytes, '\0');
  for (size_t at = bytes.find('.'); at != bytes.npos; at = bytes.find('.', at + 1)) {
    if (has_line_end_before(reader, bytes, at) && has_line_end_at(reader, bytes, at + 1)) return at;
  }
  return bytes.npos;
}

// To every reader the end of what goes on is its last line, or nowhere.
void expect_one_end(const Scanned& scanned) {
  const size_t expected = scanned.ended ? scanned.out.size() - 3 : scanned.out.npos;
  for (unsigned kind = 0; kind < 8; ++kind) {
    const LaxReader reader{(kind & 1) != 0, (kind & 2) != 0, (kind & 4) != 0};
    ASSERT_EQ(lax_end(reader, scanned.out), expected) << "reader " << kind;
  }
}

// Blanks for NUL, no dots, no line ends: what normalizing must leave alone.
std::string letters(std::string_view bytes) {
  std::string text(bytes);
  std::replace(text.begin(), text.end(), '\0', ' ');
  std::erase_if(text, [](char c) { return c == '\r' || c == '\n' || c == '.'; });
  return text;
}

void check_normalized(std::string_view input, const Scanned& scanned) {
  const size_t end = strict_end(input);
  ASSERT_EQ(scanned.ended, end != input.npos);
  if (scanned.ended) {
    ASSERT_EQ(scanned.used, end);
  }
  ASSERT_FALSE(scanned.refused);
  const std::string_view taken = input.substr(0, scanned.used);
  ASSERT_TRUE(is_clean(scanned.out));
  ASSERT_EQ(letters(scanned.out), letters(taken));
  if (is_clean(taken)) {
    ASSERT_EQ(scanned.out, taken);
  }
  ASSERT_EQ(scanned.size, scanned.out.size() - (scanned.ended ? 3 : 0));
  expect_one_end(scanned);
  const Scanned again = scan_whole(BareNewline::reject, scanned.out);
  ASSERT_FALSE(again.refused);
  ASSERT_EQ(again.ended, scanned.ended);
}

void check_rejected(std::string_view input, const Scanned& scanned) {
  const size_t end = strict_end(input);
  ASSERT_EQ(scanned.ended, end != input.npos);
  if (scanned.ended) {
    ASSERT_EQ(scanned.used, end);
  }
  const std::string_view taken = input.substr(0, scanned.used);
  ASSERT_EQ(scanned.refused, !is_clean(taken));
  ASSERT_TRUE(taken.starts_with(scanned.out));
  ASSERT_TRUE(is_clean(scanned.out));
  if (scanned.refused) {
    // Nothing in it is an end, so what has gone on is no whole message.
    ASSERT_EQ(strict_end(scanned.out), scanned.out.npos);
  } else {
    ASSERT_EQ(scanned.out, taken);
  }
}

std::vector<std::string_view> bytes_of(std::string_view input) {
  std::vector<std::string_view> bytes;
  for (size_t i = 0; i < input.size(); ++i) bytes.push_back(input.substr(i, 1));
  return bytes;
}

// Whole, cut at every place, and byte for byte.
void check_all_ways(std::string_view input) {
  const std::vector<std::string_view> bytes = bytes_of(input);
  for (const BareNewline rule : {BareNewline::normalize, BareNewline::reject}) {
    const Scanned whole = scan_whole(rule, input);
    if (rule == BareNewline::normalize) {
      ASSERT_NO_FATAL_FAILURE(check_normalized(input, whole));
    } else {
      ASSERT_NO_FATAL_FAILURE(check_rejected(input, whole));
    }
    const auto expect_same = [&whole](const Scanned& other) {
      ASSERT_EQ(other.out, whole.out);
      ASSERT_EQ(other.used, whole.used);
      ASSERT_EQ(other.ended, whole.ended);
      ASSERT_EQ(other.refused, whole.refused);
    };
    for (size_t cut = 1; cut < input.size(); ++cut) {
      const std::vector<std::string_view> parts = {input.substr(0, cut), input.substr(cut)};
      ASSERT_NO_FATAL_FAILURE(expect_same(scan_parts(rule, parts))) << cut;
    }
    ASSERT_NO_FATAL_FAILURE(expect_same(scan_parts(rule, bytes)));
  }
}

std::string printable(std::string_view bytes) {
  std::string text;
  for (const char c : bytes)
    text += c == '\r' ? "<CR>"s : c == '\n' ? "<LF>"s : c == '\0' ? "<NUL>"s : std::string(1, c);
  return text;
}

TEST(DataScanner, AgreesWithEveryReaderOnEveryShortMessage) {
  constexpr std::array alphabet = {'\r', '\n', '.', '\0', 'a'};
  constexpr size_t longest = 7;
  std::vector<std::string> inputs = {""};
  for (size_t at = 0; at < inputs.size(); ++at) {
    const std::string input = inputs[at];
    ASSERT_NO_FATAL_FAILURE(check_all_ways(input)) << printable(input);
    if (input.size() == longest) continue;
    for (const char c : alphabet) inputs.push_back(input + c);
  }
  EXPECT_EQ(inputs.size(), 97656u);  // 5^0 + ... + 5^7
}

// What is looked at together does not end where something ends.
TEST(DataScanner, SeesInALongMessageWhatItSeesByteForByte) {
  constexpr std::array alphabet = {'\r', '\n', '.', '\0', 'a'};
  std::vector<std::string> middles = {""};
  for (size_t at = 0; middles[at].size() < 4; ++at) {
    for (const char c : alphabet) middles.push_back(middles[at] + c);
  }
  for (const std::string& middle : middles) {
    for (size_t before = 58; before <= 66; ++before) {
      const std::string input = std::string(before, 'x') + middle + std::string(70, 'x');
      const Scanned normalized = scan_whole(BareNewline::normalize, input);
      ASSERT_NO_FATAL_FAILURE(check_normalized(input, normalized)) << before << printable(middle);
      ASSERT_EQ(normalized.out, scan_parts(BareNewline::normalize, bytes_of(input)).out);
      const Scanned whole = scan_whole(BareNewline::reject, input);
      ASSERT_NO_FATAL_FAILURE(check_rejected(input, whole)) << before << printable(middle);
      ASSERT_EQ(whole.out, scan_parts(BareNewline::reject, bytes_of(input)).out);
    }
  }
}

// Each as a message begun with "a CRLF", with a command behind it that only a lax reader would see.
TEST(DataScanner, WithstandsEveryKnownWayToSmuggle) {
  struct Case {
    std::string_view mark;
    std::string_view normalized;
  };
  const Case cases[] = {
      {"\n.\n", "\r\n..\r\n"},           {"\n.\r", "\r\n..\r\n"},
      {"\r.\n", "\r\n..\r\n"},           {"\r.\r", "\r\n..\r\n"},
      {"\n.\r\n", "\r\n..\r\n"},         {"\r.\r\n", "\r\n..\r\n"},
      {"\r\n\0.\r\n"sv, "\r\n .\r\n"},   {"\r\n.\0\r\n"sv, "\r\n. \r\n"},
      {"\r\n.\n", "\r\n..\r\n"},         {"\r\n.\r", "\r\n..\r\n"},
      {"\r\n.\r\r\n", "\r\n..\r\n\r\n"}, {"\r\r\n.\r\r\n", "\r\n\r\n..\r\n\r\n"},
      {"\n\n.\n", "\r\n\r\n..\r\n"},     {"\n..\n", "\r\n..\r\n"},
      {"\n...\r\n", "\r\n...\r\n"},      {"\n.a\n", "\r\n..a\r\n"},
      {"\n.\0\n"sv, "\r\n.. \r\n"},      {"\n\0.\n"sv, "\r\n .\r\n"},
  };
  const std::string before = "a";
  const std::string after = "MAIL FROM:<x@y>\r\n";
  for (const Case& c : cases) {
    const std::string input = before + std::string(c.mark) + after + ".\r\n" + "QUIT\r\n";
    const std::string expected = before + std::string(c.normalized) + after + ".\r\n";
    const Scanned mended = scan_whole(BareNewline::normalize, input);
    EXPECT_EQ(printable(mended.out), printable(expected));
    EXPECT_TRUE(mended.ended);
    EXPECT_EQ(input.substr(mended.used), "QUIT\r\n");
    const Scanned refused = scan_whole(BareNewline::reject, input);
    EXPECT_TRUE(refused.refused && refused.ended) << printable(c.mark);
    EXPECT_EQ(input.substr(refused.used), "QUIT\r\n");
    check_all_ways(input);
  }
}

TEST(DataScanner, EndsAtTheTrueEndBehindABareCr) {
  const Scanned scanned = scan_whole(BareNewline::normalize, "a\r\r\n.\r\nQUIT\r\n");
  EXPECT_EQ(printable(scanned.out), printable("a\r\n\r\n.\r\n"));
  EXPECT_EQ(scanned.used, 7u);
}

TEST(DataScanner, PassesCleanBytesUntouchedAndUncopied) {
  std::string message = ".leading\r\n..stuffed\r\n...\r\n\r\n";
  for (int i = 0; i < 1000; ++i)
    message += "A line like any other, \xff with . and \x01 in it.\r\n";
  const std::string input = message + ".\r\nRSET\r\n";
  for (const BareNewline rule : {BareNewline::normalize, BareNewline::reject}) {
    DataScanner scanner(rule);
    std::string made;
    const DataScanner::Step step = scanner.scan(input, made);
    EXPECT_TRUE(step.ended && !step.refused && made.empty());
    EXPECT_EQ(step.clean.data(), input.data());
    EXPECT_EQ(step.used, message.size() + 3);
    EXPECT_EQ(step.clean.size(), step.used);
    EXPECT_EQ(scanner.size(), message.size());
  }
}

TEST(DataScanner, TakesAMessageThatIsEmpty) {
  const Scanned scanned = scan_whole(BareNewline::reject, ".\r\nQUIT\r\n");
  EXPECT_TRUE(scanned.ended);
  EXPECT_EQ(scanned.out, ".\r\n");
  EXPECT_EQ(scanned.size, 0u);
}

}  // namespace
}  // namespace openmmp::smtp
