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

// Before and after XCLIENT, of a few relays.
constexpr size_t most_kept = 16;
constexpr size_t longest_kept = 2048;

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
    while (!rest.empty() && out.xclient.size() < most_extensions) {
      out.xclient.push_back(upper_case(take_word(rest)));
    }
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

class AnswerToEhlo {
 public:
  void add(std::string_view keyword, std::string_view arguments = {}) {
    last_ = text_.size();
    text_.append("250-").append(keyword);
    if (!arguments.empty()) text_.append(" ").append(arguments);
    text_ += "\r\n";
  }
  std::string take() {
    text_[last_ + 3] = ' ';
    return std::move(text_);
  }

 private:
  std::string text_;
  size_t last_ = 0;
};

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
  AnswerToEhlo answer;
  answer.add(facts.name);
  if (relay.extended) answer.add("PIPELINING");
  for (const Extension& extension : relay.list) {
    if (passes(relay, extension, facts.keywords)) {
      answer.add(extension.keyword, extension.arguments);
    }
  }
  if (relay.size) {
    const uint64_t size = smaller_size(*relay.size, facts.max_size);
    answer.add("SIZE", size == 0 ? std::string() : std::to_string(size));
  }
  if (facts.start_tls) answer.add("STARTTLS");
  if (!facts.mechanisms.empty())
    answer.add("AUTH", fmt::to_string(fmt::join(facts.mechanisms, " ")));
  for (const std::string& line : facts.own) answer.add(line);
  return answer.take();
}

const Extensions& ExtensionLists::parse(const Reply& reply) {
  for (const Known& known : known_) {
    if (known.text == reply.text) return known.extensions;
  }
  Extensions extensions = parse_extensions(reply);
  const bool has_nonce = extensions.xproxyehlo && !extensions.xproxyehlo->empty();
  if (has_nonce || reply.text.size() > longest_kept) {
    return unlike_others_ = std::move(extensions);
  }
  Known latest{std::string(reply.text), std::move(extensions)};
  if (known_.size() < most_kept) return known_.emplace_back(std::move(latest)).extensions;
  Known& place = known_[oldest_++ % most_kept];
  place = std::move(latest);
  return place.extensions;
}

}  // namespace openmmp::smtp
