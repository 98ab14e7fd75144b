// A word of the SharedState option: where a Redis or Valkey server is. Pure.
//
//   redis://cache.example.com   redis://mmp@10.0.0.7:6380/2   rediss://cache.example.com (TLS)
#pragma once

#include <string>
#include <string_view>

#include "ipc/runtime/address.h"
#include "ipc/runtime/result.h"

namespace openmmp::config {

struct RedisUrl {
  bool tls = false;
  std::string user;  // empty: the server's default user
  HostPort host;     // with a port
  int database = 0;
  // As people are told of it: without the user.
  std::string to_string() const;
};

// Errc::protocol says what would be accepted, and never repeats a password.
Result<RedisUrl> parse_redis_url(std::string_view text);

}  // namespace openmmp::config
