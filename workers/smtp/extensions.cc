#include "workers/smtp/extensions.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <utility>

#include "ipc/runtime/text.h"

namespace openmmp::smtp {
namespace {

// More than any server has; what is beyond is not looked at.
constexpr size_t most_extensions = 64;
constexpr size_t longest_mechanism = 20;

// Passed as the relay says them. SIZE, PIPELINING, STARTTLS and AUTH are written anew.
constexpr std::string_view passing[] = {
    "8BITMIME", "DSN",      "ENHANCEDSTATUSCODES", "EXPN",    "HELP", "XLOOP", "ETRN",
    "LANG",     "CHUNKING", "BINARYMIME",          "SMTPUTF8"};

// Whatever EhloKeywords says: the header has the reasons.
constexpr std::string_view never[] = {"AUTH",           "STARTTLS", "SIZE",    "PIPELINING",
                                      "X-ANONYMOUSTLS", "X-EXPS",   "XCLIENT", "XPEHLO",
                                      "XPROXYEHLO",     "ATRN",     "BURL",    "REQUIRETLS",
                                      "XEXCH50",        "XFORWARD", "XRDST"};

template <class Words>
bool contains(const Words& words, std::string_view word) {
  return std::any_of(std::begin(words), std::end(words),
                     [word](const auto& other) { return equals_ignoring_case(other, word); });
}

bool is_word_character(char c) {
  const char l = lower(c);
  return (l >= 'a' && l <= 'z') || (l >= '0' && l <= '9') || l == '-' || l == '_';
}

bool is_word(std::string_view text) {
  return !text.empty() && text[0] != '-' &&
         std::all_of(text.begin(), text.end(), is_word_character);
}

std::string upper_case(std::string_view text) {
  std::string upper(text);
  for (char& c : upper) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - ('a' - 'A'));
  }
  return upper;
}

// Cuts the first word and the blanks behind it off `text`.
std::string_view take_word(std::string_view& text) {
  const size_t end = std::min(text.find(' '), text.size());
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(std::min(text.find_first_not_of(' ', end), text.size()));
  return word;
}

// Cuts a line off `text`, and what is around its words off the line.
std::string_view take_line(std::string_view& text) {
  const size_t lf = std::min(text.find('\n'), text.size());
  std::string_view line = text.substr(0, lf);
  text.remove_prefix(std::min(lf + 1, text.size()));
  if (line.ends_with('\r')) line.remove_suffix(1);
  line.remove_prefix(std::min<size_t>(line.size(), 4));  // "250-"
  while (line.ends_with(' ')) line.remove_suffix(1);
  return line;
}

bool is_printed(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

void note_mechanisms(std::string_view arguments, std::vector<std::string>& mechanisms) {
  while (!arguments.empty()) {
    const std::string_view word = take_word(arguments);
    if (!is_word(word) || word.size() > longest_mechanism || contains(mechanisms, word)) continue;
    if (mechanisms.size() < most_extensions) mechanisms.push_back(upper_case(word));
  }
}

// 0, which is "no limit", for SIZE alone.
std::optional<uint64_t> parse_size(std::string_view text) {
  uint64_t size = 0;
  const char* const end = text.data() + text.size();
  if (text.empty()) return size;
  const auto [stop, error] = std::from_chars(text.data(), end, size);
  if (error != std::errc() || stop != end) return std::nullopt;
  return size;
}

// What the session asks for by name.
void note(const Extension& extension, Extensions& out) {
  const std::string& keyword = extension.keyword;
  if (keyword == "STARTTLS") out.start_tls = true;
  if (keyword == "PIPELINING") out.pipelining = true;
  if (keyword == "CHUNKING") out.chunking = true;
  if (keyword == "SIZE") out.size = parse_size(extension.arguments);
  if (keyword == "XCLIENT") {
    std::string_view rest = extension.arguments;
    while (!rest.empty()) out.xclient.insert(upper_case(take_word(rest)));
  }
  if ((keyword == "XPROXYEHLO" || keyword == "XPEHLO") && !out.xproxyehlo) {
    out.xproxyehlo = extension.arguments;
    out.xproxyehlo_keyword = keyword;
  }
}

void note_line(std::string_view line, Extensions& out) {
  if (!is_printed(line)) return;
  // Before RFC 4954 there was "AUTH=LOGIN"; a relay that says both means both.
  if (starts_with_ignoring_case(line, "AUTH=") || starts_with_ignoring_case(line, "AUTH ")) {
    note_mechanisms(line.substr(5), out.mechanisms);
    return;
  }
  const std::string_view word = take_word(line);
  if (!is_word(word)) return;
  Extension extension{upper_case(word), std::string(line)};
  if (out.has(extension.keyword) || out.list.size() == most_extensions) return;
  note(extension, out);
  out.list.push_back(std::move(extension));
}

// Some need another one, which the relay must have as well.
bool passes(const Extensions& relay, const Extension& extension,
            const std::vector<std::string>& keywords) {
  const std::string& keyword = extension.keyword;
  if (contains(never, keyword)) return false;
  if (keyword == "BINARYMIME" && !relay.chunking) return false;
  if (keyword == "SMTPUTF8" && !relay.has("8BITMIME")) return false;
  return contains(passing, keyword) || contains(keywords, keyword);
}

// The smaller limit; 0 is none.
uint64_t smaller_size(uint64_t a, uint64_t b) {
  return a == 0 || b == 0 ? std::max(a, b) : std::min(a, b);
}

// Every line of the answer but for its code.
std::vector<std::string> lines_of(const Extensions& relay, const Announcement& facts) {
  std::vector<std::string> lines = {facts.name};
  if (relay.extended) lines.emplace_back("PIPELINING");
  for (const Extension& extension : relay.list) {
    if (!passes(relay, extension, facts.keywords)) continue;
    lines.push_back(extension.arguments.empty() ? extension.keyword
                                                : extension.keyword + " " + extension.arguments);
  }
  if (relay.size) {
    const uint64_t size = smaller_size(*relay.size, facts.max_size);
    lines.push_back(size == 0 ? "SIZE" : fmt::format("SIZE {}", size));
  }
  if (facts.start_tls) lines.emplace_back("STARTTLS");
  if (!facts.mechanisms.empty()) {
    lines.push_back(fmt::format("AUTH {}", fmt::join(facts.mechanisms, " ")));
  }
  lines.insert(lines.end(), facts.own.begin(), facts.own.end());
  return lines;
}

}  // namespace

bool Extensions::has(std::string_view keyword) const {
  return std::any_of(list.begin(), list.end(),
                     [keyword](const Extension& other) { return other.keyword == keyword; });
}

bool lets_pass(const Extensions& relay, std::string_view verb,
               const std::vector<std::string>& keywords) {
  return relay.has(verb) && contains(keywords, verb) && !contains(never, verb);
}

Extensions parse_extensions(const Reply& reply) {
  Extensions extensions;
  extensions.extended = true;
  std::string_view rest = reply.text;
  take_line(rest);  // the relay's name
  while (!rest.empty()) note_line(take_line(rest), extensions);
  return extensions;
}

std::string announce(const Extensions& relay, const Announcement& facts) {
  const std::vector<std::string> lines = lines_of(relay, facts);
  std::string text;
  for (size_t i = 0; i < lines.size(); ++i) {
    text += i + 1 < lines.size() ? "250-" : "250 ";
    text += lines[i];
    text += "\r\n";
  }
  return text;
}

}  // namespace openmmp::smtp
