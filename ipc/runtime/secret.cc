#include "ipc/runtime/secret.h"

#include <string.h>

namespace openmmp {

void wipe(std::string& text) {
  // A string's block has a byte more than its capacity, whatever its size.
  explicit_bzero(text.data(), text.capacity() + 1);
  text.clear();
}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    wipe(text_);
    text_ = std::move(other.text_);
    wipe(other.text_);
  }
  return *this;
}

bool Secret::equals(std::string_view other) const {
  unsigned difference = text_.size() == other.size() ? 0u : 1u;
  for (size_t i = 0; i < other.size(); ++i) {
    const char mine = i < text_.size() ? text_[i] : '\0';
    difference |= static_cast<unsigned>(static_cast<unsigned char>(mine ^ other[i]));
  }
  return difference == 0;
}

}  // namespace openmmp
