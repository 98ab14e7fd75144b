// Passwords that were found to be right lately, so that not every login asks the directory. What is
// kept cannot be turned back into a password: a hash under a key that lives and dies with this
// object. Time comes in as an argument.
#pragma once

#include <string>
#include <string_view>

#include "ipc/runtime/secret.h"
#include "workers/directory/cache.h"

namespace openmmp::directory {

class AuthCache {
 public:
  using Time = Cache<std::string>::Time;

  // A capacity or a time of zero: nothing is ever known. `time_to_live` is also how long an old
  // password may still serve; use does not prolong it.
  AuthCache(size_t capacity, Time time_to_live);

  // `key` says who and where: all on which the answer depends but the password. Only this password
  // with this key is known, and a wrong one changes nothing.
  bool knows(std::string_view key, const Secret& password, Time now);
  // Replaces what was known of `key`.
  void insert(std::string_view key, const Secret& password, Time now);
  void forget(std::string_view key);
  size_t size() const { return verifiers_.size(); }

 private:
  std::string verifier(std::string_view key, const Secret& password) const;

  Secret secret_;
  Cache<std::string> verifiers_;
};

}  // namespace openmmp::directory
