// CHECK(condition): a promise of this program to itself. When it is broken the process ends at
// once, in release builds too: a worker that goes on in a state nobody thought of is worse than
// one that the supervisor starts again.
#pragma once

namespace openmmp {
[[noreturn]] void check_failed(const char* condition, const char* file, int line);
}

#define CHECK(condition) \
  ((condition) ? void() : ::openmmp::check_failed(#condition, __FILE__, __LINE__))
