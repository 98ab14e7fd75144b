// Opens connections to a directory for those who keep them, LdapPool and LdapBinder: on the thread
// pool, because opening blocks, one at a time, and for as long as one more is wanted. After an
// attempt in which no server could be reached there is a pause.
//
// A member of the owner, behind all that its callbacks use; `access`, the loop and the log outlive
// it.
#pragma once

#include <functional>
#include <optional>

#include "ipc/runtime/log.h"
#include "ipc/runtime/loop.h"
#include "ipc/runtime/task.h"
#include "workers/directory/ldap_client.h"

namespace openmmp::directory {

class LdapOpener {
 public:
  struct Owner {
    // Whether one more connection is of use.
    std::function<bool()> wants_one;
    // The new one. `was_away`: the last attempt before had failed.
    std::function<void(LdapClient opened, bool was_away)> take;
    // An attempt has failed, or none follows: who waits in vain is to be told.
    std::function<void()> settle;
  };
  // `purpose` is a literal for the log: "", or " for binds".
  LdapOpener(Loop& loop, Log& log, const LdapAccess& access, Millis retry_pause,
             const char* purpose, Owner owner);

  // Begins, if there is a wish for one and no pause.
  void look_for_work();
  bool is_opening() const { return opening_; }
  // A connection was lost: one that is being opened may be lost as well, and is not taken.
  void note_loss() { ++losses_; }
  // Why no server could be reached; only while that is so, as it is when nothing is being opened
  // for want of success.
  const Error& last_failure() const { return *last_failure_; }

 private:
  bool may_open() const;
  Task<> open_all();
  void finish(Result<LdapClient> opened);

  Loop& loop_;
  Log& log_;
  const LdapAccess& access_;
  const Millis retry_pause_;
  const char* const purpose_;
  const Owner owner_;
  std::optional<Task<>> task_;
  bool opening_ = false;
  uint64_t losses_ = 0;                // connections lost so far
  std::optional<Error> last_failure_;  // none after a success
  Millis no_attempt_before_{0};
};

}  // namespace openmmp::directory
