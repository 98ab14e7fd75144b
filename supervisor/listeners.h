// The listening sockets of the instance. They belong to the supervisor for all generations: a
// reload opens what is new before anything else changes, keeps what stays, and what no generation
// wants any more is closed after it. So no client is ever refused while workers come and go.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "ipc/runtime/address.h"
#include "ipc/runtime/result.h"
#include "ipc/runtime/unique_fd.h"

namespace openmmp::supervisor {

class Listeners {
 public:
  // Opens those of `wanted` that are not open yet. A host name is resolved here, once. On failure
  // nothing has changed, and the error names every one that could not be opened.
  Result<> open(const std::vector<HostPort>& wanted);
  void close_all_but(const std::vector<HostPort>& wanted);
  // Copies of the open sockets of `wanted`, for a worker.
  Result<std::vector<UniqueFd>> duplicate(const std::vector<HostPort>& wanted) const;
  // The addresses that are open.
  std::vector<std::string> addresses() const;

 private:
  using Sockets = std::vector<UniqueFd>;  // of one entry: "143" is IPv4 and IPv6
  std::map<std::string, Sockets> open_;   // by HostPort::to_string()
};

}  // namespace openmmp::supervisor
