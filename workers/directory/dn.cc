#include "workers/directory/dn.h"

#include <fmt/format.h>

#include <algorithm>

#include "ipc/runtime/text.h"
#include "workers/directory/text.h"

namespace openmmp::directory {

namespace {

constexpr size_t max_length = 8192;
constexpr std::string_view special = "\"+,;<>\\=# ";

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<std::vector<std::string>> parse() {
    std::vector<std::string> rdns;
    skip_blanks();
    if (at_end()) return rdns;
    for (;;) {
      Result<std::string> rdn = parse_rdn();
      if (!rdn) return fail(std::move(rdn.error()));
      rdns.push_back(std::move(*rdn));
      if (at_end()) return rdns;
      ++position_;  // the comma
    }
  }

 private:
  // type=value, or several with '+' between them; stops before ',' or at the end.
  Result<std::string> parse_rdn() {
    std::vector<std::string> parts;
    for (;;) {
      Result<std::string> part = parse_part();
      if (!part) return part;
      parts.push_back(std::move(*part));
      if (at_end() || text_[position_] == ',') break;
      ++position_;  // the plus sign
    }
    std::sort(parts.begin(), parts.end());
    return fmt::format("{}", fmt::join(parts, "+"));
  }

  Result<std::string> parse_part() {
    skip_blanks();
    const size_t start = position_;
    while (!at_end() && is_attribute_character(text_[position_])) ++position_;
    const std::string type = lower_case(text_.substr(start, position_ - start));
    if (type.empty()) return wrong("an attribute type is missing");
    skip_blanks();
    if (at_end() || text_[position_] != '=') return wrong("'=' is missing");
    ++position_;
    skip_blanks();
    std::string value;
    if (const Result<> read = parse_value(value); !read) return fail(read.error());
    return type + "=" + escaped(fold(value));
  }

  Result<> parse_value(std::string& value) {
    for (; !at_end(); ++position_) {
      const char c = text_[position_];
      if (c == ',' || c == '+') return {};
      if (c == '\\') {
        if (const Result<> read = parse_escape(value); !read) return read;
      } else if (c == '"' || c == ';' || c == '<' || c == '>' || c == '\0') {
        return wrong("this character must be written with '\\' before it");
      } else {
        value += c;
      }
    }
    return {};
  }

  // Leaves position_ on the last character of the escape.
  Result<> parse_escape(std::string& value) {
    if (const std::optional<char> byte = hex_byte(text_, position_ + 1)) {
      value += *byte;
      position_ += 2;
      return {};
    }
    const char next = position_ + 1 < text_.size() ? text_[position_ + 1] : '\0';
    if (next == '\0' || special.find(next) == std::string_view::npos) {
      return wrong("'\\' stands before neither a special character nor two hex digits");
    }
    value += next;
    ++position_;
    return {};
  }

  static std::string escaped(const std::string& value) {
    std::string result;
    for (const char c : value) {
      if (c == ',' || c == '+' || c == '\\') result += '\\';
      result += c;
    }
    return result;
  }

  bool at_end() const { return position_ == text_.size(); }
  void skip_blanks() {
    while (!at_end() && text_[position_] == ' ') ++position_;
  }
  Failure wrong(std::string_view what) const {
    return fail(Errc::protocol,
                fmt::format("DN '{}': {} (at character {})", text_, what, position_ + 1));
  }

  std::string_view text_;
  size_t position_ = 0;
};

}  // namespace

Result<Dn> Dn::parse(std::string_view text) {
  if (text.size() > max_length) {
    return fail(Errc::limit, fmt::format("a DN longer than {} bytes", max_length));
  }
  Result<std::vector<std::string>> rdns = Parser(text).parse();
  if (!rdns) return fail(std::move(rdns.error()));
  Dn dn;
  dn.rdns_ = std::move(*rdns);
  return dn;
}

bool Dn::is_at_or_below(const Dn& base) const {
  return rdns_.size() >= base.rdns_.size() &&
         std::equal(base.rdns_.rbegin(), base.rdns_.rend(), rdns_.rbegin());
}

std::string Dn::to_string() const { return fmt::format("{}", fmt::join(rdns_, ",")); }

}  // namespace openmmp::directory
