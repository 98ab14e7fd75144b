// One HTTP request to a server of the operator's (AuthenticationServer, PolicyServer), and its
// answer. HTTP/1.1 with "Connection: close"; no proxies, no redirections, no keep-alive.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "ipc/runtime/address.h"
#include "ipc/runtime/loop.h"
#include "ipc/runtime/task.h"
#include "workers/proxy/resolver.h"

namespace openmmp::proxy {

struct HttpRequest {
  HostPort server;
  std::string method = "GET";
  std::string path = "/";
  std::vector<std::pair<std::string, std::string>> headers;  // checked: no CR, LF or NUL in them
  std::string body;
};

struct HttpResponse {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::string body;
  const std::string* find(const std::string& lower_case_name) const;
};

// Errc::unavailable whatever goes wrong within `time`; `detail` says what. What was sent is wiped.
Task<HttpResponse> http_exchange(Loop& loop, Resolver& resolver, HttpRequest request, Millis time);

}  // namespace openmmp::proxy
