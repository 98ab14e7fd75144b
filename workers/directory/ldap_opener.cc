#include "workers/directory/ldap_opener.h"

#include <utility>

#include "ipc/runtime/offload.h"

namespace openmmp::directory {

LdapOpener::LdapOpener(Loop& loop, Log& log, const LdapAccess& access, Millis retry_pause,
                       const char* purpose, Owner owner)
    : loop_(loop),
      log_(log),
      access_(access),
      retry_pause_(retry_pause),
      purpose_(purpose),
      owner_(std::move(owner)) {}

void LdapOpener::look_for_work() {
  if (opening_ || !may_open()) return;
  opening_ = true;
  task_.emplace(open_all());
  task_->start();
}

bool LdapOpener::may_open() const {
  if (last_failure_ && loop_.now() < no_attempt_before_) return false;
  return owner_.wants_one();
}

Task<> LdapOpener::open_all() {
  while (may_open()) {
    auto work = [access = access_.copy()] { return LdapClient::open(access); };
    auto opening = offload(loop_, std::move(work));
    const uint64_t losses = losses_;
    Result<LdapClient> opened = co_await opening;
    // A server that has dropped a connection meanwhile may have dropped this one too.
    if (losses_ == losses) finish(std::move(opened));
  }
  opening_ = false;
  owner_.settle();
}

void LdapOpener::finish(Result<LdapClient> opened) {
  if (opened) {
    const bool was_away = last_failure_.has_value();
    last_failure_.reset();
    return owner_.take(std::move(*opened), was_away);
  }
  if (!last_failure_) {
    log_.write(LogLevel::error, 0, "directory: no server can be reached{}: {}", purpose_,
               opened.error().detail);
  }
  last_failure_ = std::move(opened.error());
  no_attempt_before_ = loop_.now() + retry_pause_;
  owner_.settle();  // whoever waits has waited for this attempt
}

}  // namespace openmmp::directory
