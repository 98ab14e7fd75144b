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

  Result<std::vector<Rdn>> parse() {
    std::vector<Rdn> rdns;
    skip_blanks();
    if (at_end()) return rdns;
    for (;;) {
      Result<Rdn> rdn = parse_rdn();
      if (!rdn) return fail(std::move(rdn.error()));
      rdns.push_back(std::move(*rdn));
      if (at_end()) return rdns;
      ++position_;  // the comma
    }
  }

 private:
  // type=value, or several with '+' between them; stops before ',' or at the end.
  Result<Rdn> parse_rdn() {
    Rdn parts;
    for (;;) {
      Result<DnPart> part = parse_part();
      if (!part) return fail(std::move(part.error()));
      parts.push_back(std::move(*part));
      if (at_end() || text_[position_] == ',') return parts;
      ++position_;  // the plus sign
    }
  }

  Result<DnPart> parse_part() {
    skip_blanks();
    const size_t start = position_;
    while (!at_end() && is_attribute_character(text_[position_])) ++position_;
    std::string type = lower_case(text_.substr(start, position_ - start));
    if (type.empty()) return wrong("an attribute type is missing");
    skip_blanks();
    if (at_end() || text_[position_] != '=') return wrong("'=' is missing");
    ++position_;
    skip_blanks();
    std::string value;
    if (const Result<> read = parse_value(value); !read) return fail(read.error());
    return DnPart(std::move(type), std::move(value));
  }

  Result<> parse_value(std::string& value) {
    size_t length = 0;  // without the blanks at the end, unless they are escaped
    for (; !at_end(); ++position_) {
      const char c = text_[position_];
      if (c == ',' || c == '+') break;
      if (c == '\\') {
        if (const Result<> read = parse_escape(value); !read) return read;
        length = value.size();
      } else if (c == '"' || c == ';' || c == '<' || c == '>' || c == '\0') {
        return wrong("this character must be written with '\\' before it");
      } else {
        value += c;
        if (c != ' ') length = value.size();
      }
    }
    value.resize(length);
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

// Just enough that equal forms mean equal names.
std::string comparable(const Rdn& rdn) {
  std::vector<std::string> parts;
  for (const DnPart& part : rdn) {
    std::string text = part.type + "=";
    for (const char c : fold(part.value)) {
      if (c == ',' || c == '+' || c == '\\') text += '\\';
      text += c;
    }
    parts.push_back(std::move(text));
  }
  std::sort(parts.begin(), parts.end());
  return fmt::format("{}", fmt::join(parts, "+"));
}

std::string escaped(std::string_view value) {
  std::string result;
  for (size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    const bool at_edge = (i == 0 && (c == ' ' || c == '#')) || (i + 1 == value.size() && c == ' ');
    if (is_control(c)) {
      result += fmt::format("\\{:02x}", static_cast<unsigned char>(c));
      continue;
    }
    if (at_edge || std::string_view("\"+,;<>\\").find(c) != std::string_view::npos) result += '\\';
    result += c;
  }
  return result;
}

}  // namespace

Result<std::vector<Rdn>> parse_rdns(std::string_view text) {
  if (text.size() > max_length) {
    return fail(Errc::limit, fmt::format("a DN longer than {} bytes", max_length));
  }
  return Parser(text).parse();
}

std::string dn_text(const std::vector<Rdn>& rdns) {
  std::string text;
  for (const Rdn& rdn : rdns) {
    if (!text.empty()) text += ',';
    for (const DnPart& part : rdn) {
      if (&part != &rdn.front()) text += '+';
      text += part.type + "=" + escaped(part.value);
    }
  }
  return text;
}

Result<Dn> Dn::parse(std::string_view text) {
  Result<std::vector<Rdn>> rdns = parse_rdns(text);
  if (!rdns) return fail(std::move(rdns.error()));
  Dn dn;
  for (const Rdn& rdn : *rdns) dn.rdns_.push_back(comparable(rdn));
  return dn;
}

bool Dn::is_at_or_below(const Dn& base) const {
  return rdns_.size() >= base.rdns_.size() &&
         std::equal(base.rdns_.rbegin(), base.rdns_.rend(), rdns_.rbegin());
}

std::string Dn::to_string() const { return fmt::format("{}", fmt::join(rdns_, ",")); }

}  // namespace openmmp::directory
