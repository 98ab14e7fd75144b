// Connected sockets for tests.
#pragma once

#include <string>
#include <utility>

#include "ipc/runtime/unique_fd.h"

namespace openmmp::proxy {

// Over TCP on loopback, both ends non-blocking.
std::pair<UniqueFd, UniqueFd> tcp_pair();

// What has come by now, at most `limit` bytes; sets `ended` at the end of input.
std::string receive_some(int fd, bool& ended, size_t limit = 1 << 20);

// Bytes without a period, so that one lost or doubled shows.
std::string pattern(size_t size);

}  // namespace openmmp::proxy
