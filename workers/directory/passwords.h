// Whether a password is that of a user's entry: an LDAP server says so by a bind, for a file the
// values of PasswordAttrs are compared here. What was right is remembered for a time.
//
// Belongs to a Directory, and must outlive the tasks that check().
#pragma once

#include <string>
#include <vector>

#include "ipc/runtime/loop.h"
#include "ipc/runtime/secret.h"
#include "ipc/runtime/task.h"
#include "workers/directory/auth_cache.h"
#include "workers/directory/source.h"
#include "workers/directory/steps.h"

namespace openmmp::directory {

class Passwords {
 public:
  Passwords(Loop& loop, Source& source, std::vector<std::string> attributes, size_t cache_size,
            Millis time_to_live)
      : loop_(loop),
        source_(source),
        attributes_(std::move(attributes)),
        cache_(cache_size, time_to_live) {}

  // `user` is the canonical name of who logs in, `dn` his entry. Errc::refused: the password is
  // wrong, or the account locked; Errc::unavailable: nobody can say. `steps` as elsewhere.
  Task<> check(std::string dn, std::string user, Secret password, Steps* steps);

  // The entry has been read again: what was remembered of it holds no more.
  void forget(const std::string& dn, const std::string& user);

 private:
  Task<> compare(std::string dn, Secret password);

  Loop& loop_;
  Source& source_;
  const std::vector<std::string> attributes_;
  AuthCache cache_;
};

}  // namespace openmmp::directory
