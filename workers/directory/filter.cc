#include "workers/directory/filter.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "ipc/runtime/text.h"
#include "workers/directory/text.h"

namespace openmmp::directory {

namespace {

using Kind = Filter::Kind;

constexpr size_t max_length = 16384;
constexpr int max_depth = 16;

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<Filter> parse() {
    skip_blanks();
    // As libldap: the parentheses around a single comparison may be left out.
    Result<Filter> filter = peek() == '(' ? parse_filter(0) : parse_comparison();
    if (!filter) return filter;
    skip_blanks();
    if (!at_end()) return wrong("nothing may follow the filter");
    return filter;
  }

 private:
  Result<Filter> parse_filter(int depth) {
    if (depth > max_depth) {
      return fail(Errc::limit, fmt::format("a filter nested deeper than {}", max_depth));
    }
    if (peek() != '(') return wrong("'(' expected");
    ++position_;
    skip_blanks();
    Result<Filter> filter = parse_inside(depth);
    if (!filter) return filter;
    if (peek() != ')') return wrong("')' expected");
    ++position_;
    return filter;
  }

  Result<Filter> parse_inside(int depth) {
    Filter filter;
    switch (peek()) {
      case '&':
        filter.kind = Kind::all;
        break;
      case '|':
        filter.kind = Kind::any;
        break;
      case '!':
        filter.kind = Kind::negation;
        break;
      default:
        return parse_comparison();
    }
    ++position_;
    for (skip_blanks(); peek() == '('; skip_blanks()) {
      Result<Filter> part = parse_filter(depth + 1);
      if (!part) return part;
      filter.parts.push_back(std::move(*part));
    }
    if (filter.kind == Kind::negation && filter.parts.size() != 1) {
      return wrong("'!' takes exactly one filter");
    }
    return filter;
  }

  Result<Filter> parse_comparison() {
    Filter filter;
    const size_t start = position_;
    while (is_attribute_character(peek())) ++position_;
    filter.attribute = lower_case(text_.substr(start, position_ - start));
    if (filter.attribute.empty()) return wrong("an attribute name expected");
    const bool may_be_pieces = peek() == '=';
    const Result<Kind> kind = parse_sign();
    if (!kind) return fail(kind.error());
    Result<std::vector<std::string>> pieces = parse_pieces();
    if (!pieces) return fail(std::move(pieces.error()));
    if (pieces->size() > 1) {
      if (!may_be_pieces) return wrong("'*' can only stand behind '='");
      return with_wildcards(std::move(filter), *pieces);
    }
    filter.kind = *kind;
    filter.value = fold(pieces->front());
    return filter;
  }

  Result<Kind> parse_sign() {
    const char sign = peek();
    if (sign == ':') return wrong("extensible matches are not supported");
    if (sign == '~' || sign == '>' || sign == '<') ++position_;
    if (peek() != '=') return wrong("one of = ~= >= <= expected");
    ++position_;
    return sign == '>' ? Kind::at_least : sign == '<' ? Kind::at_most : Kind::equal;
  }

  static Filter with_wildcards(Filter filter, const std::vector<std::string>& pieces) {
    filter.kind = Kind::present;
    const size_t last = pieces.size() - 1;
    for (size_t i = 0; i <= last; ++i) {
      if (pieces[i].empty()) continue;
      filter.kind = Kind::substrings;
      std::string piece = fold_piece(pieces[i], i == 0, i == last);
      if (i == 0) {
        filter.initial = std::move(piece);
      } else if (i == last) {
        filter.final = std::move(piece);
      } else {
        filter.middle.push_back(std::move(piece));
      }
    }
    return filter;
  }

  // The value, cut at every '*', up to ')' or the end.
  Result<std::vector<std::string>> parse_pieces() {
    std::vector<std::string> pieces(1);
    for (; !at_end() && peek() != ')'; ++position_) {
      if (peek() == '*') {
        // libldap does not take it either.
        if (pieces.size() > 1 && pieces.back().empty()) return wrong("'**' is too much");
        pieces.emplace_back();
        continue;
      }
      const Result<char> byte = parse_byte();
      if (!byte) return fail(byte.error());
      pieces.back() += *byte;
    }
    return pieces;
  }

  // One byte of a value. Leaves position_ on the last character of an escape.
  Result<char> parse_byte() {
    const char c = peek();
    if (c == '(' || c == '\0') return wrong("this character must be written as \\XX");
    if (c != '\\') return c;
    const std::optional<char> byte = hex_byte(text_, position_ + 1);
    if (!byte) return wrong("two hex digits expected behind '\\'");
    position_ += 2;
    return *byte;
  }

  bool at_end() const { return position_ == text_.size(); }
  char peek() const { return at_end() ? '\0' : text_[position_]; }
  void skip_blanks() {
    while (peek() == ' ') ++position_;
  }
  Failure wrong(std::string_view what) const {
    return fail(Errc::protocol,
                fmt::format("filter '{}': {} (at character {})", text_, what, position_ + 1));
  }

  std::string_view text_;
  size_t position_ = 0;
};

std::optional<int64_t> to_number(std::string_view text) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

bool less(std::string_view a, std::string_view b) {
  const auto x = to_number(a);
  const auto y = to_number(b);
  return x && y ? *x < *y : a < b;
}

bool has_substrings(const Filter& filter, const std::string& value) {
  std::string_view rest = value;
  if (!rest.starts_with(filter.initial)) return false;
  rest.remove_prefix(filter.initial.size());
  for (const std::string& piece : filter.middle) {
    const size_t found = rest.find(piece);
    if (found == std::string_view::npos) return false;
    rest.remove_prefix(found + piece.size());
  }
  return rest.ends_with(filter.final);
}

bool match_value(const Filter& filter, const std::string& value) {
  const std::string folded = fold(value);
  switch (filter.kind) {
    case Kind::equal:
      return folded == filter.value;
    case Kind::at_least:
      return !less(folded, filter.value);
    case Kind::at_most:
      return !less(filter.value, folded);
    default:
      return has_substrings(filter, folded);
  }
}

Truth match_attribute(const Filter& filter, const Entry& entry) {
  const Values* values = entry.find(filter.attribute);
  if (filter.kind == Kind::present) return values != nullptr ? Truth::yes : Truth::no;
  // No syntax of a text has an empty value, so nothing can be said of a comparison with it.
  if (filter.kind != Kind::substrings && filter.value.empty()) return Truth::undefined;
  if (values == nullptr) return Truth::no;
  const bool any = std::any_of(values->begin(), values->end(), [&filter](const std::string& value) {
    return match_value(filter, value);
  });
  return any ? Truth::yes : Truth::no;
}

Truth invert(Truth truth) {
  if (truth == Truth::undefined) return truth;
  return truth == Truth::yes ? Truth::no : Truth::yes;
}

}  // namespace

Result<Filter> parse_filter(std::string_view text) {
  if (text.size() > max_length) {
    return fail(Errc::limit, fmt::format("a filter longer than {} bytes", max_length));
  }
  return Parser(text).parse();
}

Truth match(const Filter& filter, const Entry& entry) {
  Truth result = filter.kind == Kind::all ? Truth::yes : Truth::no;
  switch (filter.kind) {
    case Kind::all:
      for (const Filter& part : filter.parts) result = std::min(result, match(part, entry));
      return result;
    case Kind::any:
      for (const Filter& part : filter.parts) result = std::max(result, match(part, entry));
      return result;
    case Kind::negation:
      return invert(match(filter.parts.front(), entry));
    default:
      return match_attribute(filter, entry);
  }
}

}  // namespace openmmp::directory
