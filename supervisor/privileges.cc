#include "supervisor/privileges.h"

#include <fmt/format.h>
#include <unistd.h>

#include "ipc/privileges.h"

namespace openmmp::supervisor {

Result<WorkerUser> worker_user(const config::Settings& process) {
  WorkerUser result{process.be_the_user, process.be_the_group, ""};
  const Result<ipc::Identity> identity = ipc::resolve_identity(result.user, result.group);
  if (::geteuid() == 0) {
    if (!identity) return fail(identity.error());
    if (result.user.empty()) {
      result.notice = "BeTheUser is not set: workers run as root";
    }
    return result;
  }
  result.notice = "not started as root: ports below 1024 cannot be bound";
  const bool same = identity && (result.user.empty() || identity->user == ::geteuid());
  if (!same) result.notice += fmt::format(", BeTheUser {} has no effect", result.user);
  result.user.clear();
  result.group.clear();
  return result;
}

}  // namespace openmmp::supervisor
