// A string that must not outlive its use: passwords, keys. Its memory is wiped when it is changed
// or destroyed; it is not copyable, not printable, and compares in constant time. Whoever builds a
// line for the wire from one must wipe that line too (wipe()).
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace openmmp {

// Overwrites the whole capacity of `text` and empties it. The compiler may not leave it out.
void wipe(std::string& text);

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string text) : text_(std::move(text)) { wipe(text); }
  Secret(Secret&& other) noexcept : text_(std::move(other.text_)) { wipe(other.text_); }
  Secret& operator=(Secret&& other) noexcept;
  ~Secret() { wipe(text_); }

  static Secret copy_of(std::string_view text) { return Secret(std::string(text)); }

  // For the one place that puts it on the wire or into a hash.
  std::string_view reveal() const { return text_; }
  const std::string& reveal_string() const { return text_; }
  bool empty() const { return text_.empty(); }
  // Equality in a time that depends on the length of `other` only.
  bool equals(std::string_view other) const;

 private:
  std::string text_;
};

}  // namespace openmmp
