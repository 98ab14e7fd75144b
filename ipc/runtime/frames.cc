#include "ipc/runtime/frames.h"

#include <string.h>

#include <array>
#include <new>

namespace openmmp::detail {

namespace {

constexpr std::size_t granule = 128;
constexpr std::size_t classes = 32;
// More than a burst of logins needs at once is given back.
constexpr std::size_t max_kept = 32;

#if defined(__SANITIZE_ADDRESS__)
constexpr bool keep_frames = false;
#elif defined(__has_feature)
constexpr bool keep_frames = !__has_feature(address_sanitizer);
#else
constexpr bool keep_frames = true;
#endif

struct Kept {
  Kept* next;
};

class FrameList {
 public:
  ~FrameList() {
    while (first_ != nullptr) ::operator delete(take());
  }
  void* take() {
    if (first_ == nullptr) return nullptr;
    Kept* frame = first_;
    first_ = frame->next;
    --count_;
    return frame;
  }
  bool keep(void* frame) {
    if (count_ == max_kept) return false;
    first_ = new (frame) Kept{first_};
    ++count_;
    return true;
  }

 private:
  Kept* first_ = nullptr;
  std::size_t count_ = 0;
};

thread_local std::array<FrameList, classes> lists;

std::size_t class_of(std::size_t size) { return (size - 1) / granule; }

}  // namespace

void* allocate_frame(std::size_t size) {
  const std::size_t which = class_of(size);
  if (!keep_frames || which >= classes) return ::operator new(size);
  void* frame = lists[which].take();
  return frame != nullptr ? frame : ::operator new((which + 1) * granule);
}

void free_frame(void* frame, std::size_t size) {
  explicit_bzero(frame, size);
  const std::size_t which = class_of(size);
  if (keep_frames && which < classes && lists[which].keep(frame)) return;
  ::operator delete(frame);
}

}  // namespace openmmp::detail
