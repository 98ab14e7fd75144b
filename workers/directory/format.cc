#include "workers/directory/format.h"

#include <fmt/format.h>

#include <algorithm>

#include "ipc/runtime/text.h"
#include "workers/directory/text.h"

namespace openmmp::directory {

namespace {

// Cuts "A[name]" or "[name]" off `rest` and returns the name.
Result<std::string> take_attribute(std::string_view& rest) {
  if (rest.starts_with('A')) rest.remove_prefix(1);
  const size_t close = rest.find(']');
  if (!rest.starts_with('[') || close == std::string_view::npos || close == 1) {
    return fail(Errc::protocol, "%A takes an attribute, as in %A[uid]");
  }
  std::string name(rest.substr(1, close - 1));
  rest.remove_prefix(close + 1);
  return name;
}

// `accepted` has the letters that may follow '%'.
Result<std::vector<FormatPiece>> parse_pieces(std::string_view rest, std::string_view accepted) {
  std::vector<FormatPiece> pieces;
  while (!rest.empty()) {
    FormatPiece piece;
    if (rest.front() != '%') {
      piece.text = rest.substr(0, rest.find('%'));
      rest.remove_prefix(piece.text.size());
    } else if (rest.remove_prefix(1); rest.starts_with('%')) {
      piece.text = "%";
      rest.remove_prefix(1);
    } else if (rest.empty() || accepted.find(rest.front()) == std::string_view::npos) {
      return fail(Errc::protocol, fmt::format("'%{}' is not an escape; accepted are %% and one of "
                                              "{} behind '%'",
                                              rest.substr(0, 1), accepted));
    } else if (piece.escape = rest.front(); piece.escape == 'A' || piece.escape == '[') {
      piece.escape = 'A';
      Result<std::string> name = take_attribute(rest);
      if (!name) return fail(name.error());
      piece.text = std::move(*name);
    } else {
      rest.remove_prefix(1);
    }
    pieces.push_back(std::move(piece));
  }
  return pieces;
}

std::string_view value_of(char escape, const LoginName& name) {
  switch (escape) {
    case 's':
      return name.canonical;
    case 'o':
      return name.typed;
    case 'U':
      return name.user;
    case 'V':
      return name.domain;
    default:
      return {};
  }
}

}  // namespace

Result<FilterFormat> FilterFormat::parse(std::string_view text) {
  Result<std::vector<FormatPiece>> pieces = parse_pieces(text, "soUVCSD");
  if (!pieces) return fail(pieces.error());
  FilterFormat format;
  format.pieces_ = std::move(*pieces);
  // With a character that no attribute's name has: a format that puts the name where an attribute
  // belongs would let a client choose what is searched.
  LoginName sample;
  sample.typed = sample.canonical = sample.user = "joe@x";
  Result<Filter> filter = parse_filter(format.fill(sample, {}, {}, {}));
  if (!filter) return fail(filter.error());
  format.sample_ = std::move(*filter);
  return format;
}

std::string FilterFormat::fill(const LoginName& name, std::string_view client_ip,
                               std::string_view local_ip,
                               std::string_view certificate_subject) const {
  std::string filter;
  for (const FormatPiece& piece : pieces_) {
    if (piece.escape == '\0') {
      const bool doubled = filter.ends_with('*') && piece.text.starts_with('*');
      filter += doubled ? piece.text.substr(1) : piece.text;
      continue;
    }
    const std::string_view value = piece.escape == 'C'   ? client_ip
                                   : piece.escape == 'S' ? local_ip
                                   : piece.escape == 'D' ? certificate_subject
                                                         : value_of(piece.escape, name);
    filter += filter_escaped(value);
    // Two '*' side by side would not be a filter to every server.
    if (value.empty() && !filter.ends_with('*')) filter += '*';
  }
  return filter;
}

Result<ReplayFormat> ReplayFormat::parse(std::string_view text, std::string canonical_delimiter,
                                         std::string source) {
  Result<std::vector<FormatPiece>> pieces = parse_pieces(text, "soUVA[");
  if (!pieces) return fail(pieces.error());
  ReplayFormat format;
  format.pieces_ = std::move(*pieces);
  format.canonical_delimiter_ = std::move(canonical_delimiter);
  format.source_ = std::move(source);
  return format;
}

Result<std::string> ReplayFormat::fill(const LoginName& name, const Entry& entry) const {
  if (pieces_.empty()) {
    return name.in_default_domain ? name.user : name.user + canonical_delimiter_ + name.domain;
  }
  std::string replay;
  for (const FormatPiece& piece : pieces_) {
    if (piece.escape == '\0') {
      replay += piece.text;
    } else if (piece.escape == 'A') {
      const Values* values = entry.find(piece.text);
      if (values == nullptr) {
        return fail(Errc::unavailable, fmt::format("entry '{}' has no {}, which {} needs",
                                                   entry.dn(), piece.text, source_));
      }
      replay += values->front();
    } else {
      replay += value_of(piece.escape, name);
    }
  }
  const bool odd = std::any_of(replay.begin(), replay.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
  });
  if (replay.empty() || odd || !is_utf8(replay)) {
    return fail(Errc::unavailable,
                fmt::format("entry '{}': {} makes no usable name of it", entry.dn(), source_));
  }
  return replay;
}

std::vector<std::string> ReplayFormat::attributes() const {
  std::vector<std::string> names;
  for (const FormatPiece& piece : pieces_) {
    if (piece.escape == 'A') names.push_back(piece.text);
  }
  return names;
}

}  // namespace openmmp::directory
