#include "ipc/runtime/check.h"

#include <cstdio>
#include <cstdlib>

namespace openmmp {

void check_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: CHECK(%s) failed\n", file, line, condition);
  std::abort();
}

}  // namespace openmmp
