// Memory of coroutine frames. A login makes and ends dozens of them, of few sizes, so they are kept
// and used again; and any of them may have held a password, so they are wiped when they end.
#pragma once

#include <cstddef>

namespace openmmp::detail {

void* allocate_frame(std::size_t size);
void free_frame(void* frame, std::size_t size);

}  // namespace openmmp::detail
