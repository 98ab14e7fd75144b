// Bytes that nobody can guess, from the kernel.
#pragma once

#include <cstddef>

#include "ipc/runtime/secret.h"

namespace openmmp {

Secret random_bytes(size_t count);

}  // namespace openmmp
