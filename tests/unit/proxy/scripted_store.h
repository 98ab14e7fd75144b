// A store that says what the test wants, for the part of a dialect that talks to it.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "ipc/runtime/result.h"
#include "ipc/runtime/task.h"
#include "workers/proxy/connection.h"
#include "workers/proxy/store_access.h"

namespace openmmp::proxy {

// What is said when, ending in that text, something has been heard since the last. The first word
// is said when nothing has.
using StoreLines = std::vector<std::pair<std::string, std::string>>;

struct Played {
  Result<> outcome;
  std::string heard;
};

// How `talk` ends with such a store, which closes when it has said all and heard the end.
Played play_store(const std::function<Task<>(Connection& store, const StoreAccess& access)>& talk,
                  const StoreLines& lines);

}  // namespace openmmp::proxy
