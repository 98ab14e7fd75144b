#include "workers/smtp/data_scanner.h"

#include <algorithm>

namespace openmmp::smtp {
namespace {

constexpr std::string_view line_end = "\r\n";
constexpr std::string_view end_mark = ".\r\n";

constexpr bool is_special(char c) { return c == '\r' || c == '\n' || c == '\0'; }

// What is looked at in one go, by vector instructions: the compiler's, for the size is fixed.
constexpr size_t block_size = 64;

// Whether none of the `block_size` bytes is a NUL, or a CR or LF without the other, or a line end
// before a dot; of the first it is not known what stood before it. There is one more byte behind.
bool is_clean_block(const char* bytes) {
  unsigned bad = 0;
  for (size_t i = 0; i < block_size; ++i) {
    const char c = bytes[i];
    const char next = bytes[i + 1];
    bad |= static_cast<unsigned>((c == '\r') != (next == '\n')) | static_cast<unsigned>(c == '\0') |
           (static_cast<unsigned>(c == '\n') & static_cast<unsigned>(next == '.'));
  }
  return bad == 0;
}

// The size of a beginning that can go on as it is; 0: it must be looked at more closely.
size_t clean_beginning(std::string_view bytes) {
  if (bytes.size() <= block_size || bytes[0] == '\n' || bytes[0] == '.') return 0;
  if (!is_clean_block(bytes.data())) return 0;
  return bytes[block_size - 1] == '\r' ? block_size - 1 : block_size;
}

}  // namespace

// `bytes` begin with a dot that is the first of its line, however the line came to begin.
DataScanner::Piece DataScanner::take_dot(std::string_view bytes, Position position) {
  constexpr Piece waits;
  constexpr Piece doubled{1, "..", Position::within, true, false};
  if (bytes.size() < 2) return waits;
  if (position == Position::made_line_start) {
    return bytes[1] == '.' ? Piece{2, bytes.substr(0, 2)} : doubled;
  }
  if (bytes[1] == '\n') return doubled;
  if (bytes[1] != '\r') return Piece{1, bytes.substr(0, 1)};
  if (bytes.size() < end_mark.size()) return waits;
  if (bytes[2] != '\n') return doubled;
  return Piece{end_mark.size(), end_mark, Position::line_start, false, true};
}

// `bytes` begin with CR, LF or NUL.
DataScanner::Piece DataScanner::take_line_end(std::string_view bytes) {
  if (bytes[0] == '\0') return Piece{1, " ", Position::within, true, false};
  if (bytes[0] == '\r') {
    if (bytes.size() < 2) return Piece{};
    if (bytes[1] == '\n') return Piece{2, line_end, Position::line_start};
  }
  return Piece{1, line_end, Position::made_line_start, true, false};
}

DataScanner::Piece DataScanner::take_piece(std::string_view bytes, Position position) {
  if (bytes.empty()) return Piece{};
  if (bytes[0] == '.' && position != Position::within) return take_dot(bytes, position);
  const auto special = std::find_if(bytes.begin(), bytes.end(), is_special);
  const auto size = static_cast<size_t>(special - bytes.begin());
  return size == 0 ? take_line_end(bytes) : Piece{size, bytes.substr(0, size)};
}

// The longest beginning that nothing has to be changed in.
DataScanner::Step DataScanner::pass_clean(std::string_view bytes) {
  Step step;
  while (!step.ended) {
    const std::string_view rest = bytes.substr(step.used);
    if (const size_t clean = clean_beginning(rest); clean > 0) {
      step.used += clean;
      position_ = rest[clean - 1] == '\n' ? Position::line_start : Position::within;
      continue;
    }
    const Piece piece = take_piece(rest, position_);
    if (piece.used == 0 || piece.changed) break;
    step.used += piece.used;
    step.ended = piece.ended;
    position_ = piece.after;
  }
  step.clean = bytes.substr(0, step.used);
  return step;
}

// All there is, into `made`. No search runs ahead of what it takes here, so that bytes in which
// everything must be changed cost no more than others.
DataScanner::Step DataScanner::mend(std::string_view bytes, std::string& made) {
  Step step;
  while (!step.ended) {
    const Piece piece = take_piece(bytes.substr(step.used), position_);
    if (piece.used == 0) break;
    if (piece.changed && rule_ == BareNewline::reject) refused_ = true;
    if (!refused_) made += piece.text;
    step.used += piece.used;
    step.ended = piece.ended;
    position_ = piece.after;
  }
  step.clean = made;
  return step;
}

DataScanner::Step DataScanner::scan(std::string_view bytes, std::string& made) {
  made.clear();
  Step step = pass_clean(bytes);
  if (step.used == 0) step = mend(bytes, made);
  step.refused = refused_;
  if (refused_) step.clean = {};
  size_ += step.clean.size();
  if (step.ended && !refused_) size_ -= end_mark.size();
  return step;
}

}  // namespace openmmp::smtp
