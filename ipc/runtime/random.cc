#include "ipc/runtime/random.h"

#include <sys/random.h>

#include "ipc/runtime/check.h"

namespace openmmp {

Secret random_bytes(size_t count) {
  CHECK(count <= 256);  // so much comes at once, whatever signals come
  std::string bytes(count, '\0');
  CHECK(getrandom(bytes.data(), count, 0) == static_cast<ssize_t>(count));
  return Secret(std::move(bytes));
}

}  // namespace openmmp
