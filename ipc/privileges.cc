#include "ipc/privileges.h"

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>

namespace openmmp::ipc {

namespace {

constexpr uid_t stay = static_cast<uid_t>(-1);

bool parse_number(const std::string& text, unsigned& number) {
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && stopped == end && !text.empty() && number != stay;
}

Failure refused(const char* call) {
  return fail(Errc::refused, fmt::format("{}: {}", call, std::strerror(errno)));
}

Result<> become(const Identity& identity) {
  // Supplementary groups first and the user last: each step needs what the next one gives up.
  if (identity.group != stay) {
    if (setgroups(1, &identity.group) != 0) return refused("setgroups");
    if (setresgid(identity.group, identity.group, identity.group) != 0) return refused("setresgid");
  }
  if (identity.user != stay && setresuid(identity.user, identity.user, identity.user) != 0) {
    return refused("setresuid");
  }
  return {};
}

Result<> verify(const Identity& identity) {
  if (identity.user != stay) {
    if (getuid() != identity.user || geteuid() != identity.user) {
      return fail(Errc::internal, "still another user after setresuid");
    }
    // The kernel's word alone is not enough: a saved id that was left behind shows only here.
    if (identity.user != 0 && setuid(0) == 0) {
      return fail(Errc::internal, "root again after setresuid");
    }
  }
  if (identity.group != stay && (getgid() != identity.group || getegid() != identity.group)) {
    return fail(Errc::internal, "still another group after setresgid");
  }
  return {};
}

}  // namespace

Result<Identity> resolve_identity(const std::string& user, const std::string& group) {
  Identity identity;
  if (!user.empty()) {
    const passwd* entry = getpwnam(user.c_str());
    if (entry != nullptr) {
      identity.user = entry->pw_uid;
      identity.group = entry->pw_gid;
    } else if (!parse_number(user, identity.user)) {
      return fail(Errc::refused, fmt::format("BeTheUser: there is no user '{}' here", user));
    } else if (const passwd* numbered = getpwuid(identity.user); numbered != nullptr) {
      identity.group = numbered->pw_gid;
    } else if (group.empty()) {
      return fail(Errc::refused, fmt::format("BeTheGroup: needed, user {} has no entry", user));
    }
  }
  if (!group.empty()) {
    const struct group* entry = getgrnam(group.c_str());
    if (entry != nullptr) {
      identity.group = entry->gr_gid;
    } else if (!parse_number(group, identity.group)) {
      return fail(Errc::refused, fmt::format("BeTheGroup: there is no group '{}' here", group));
    }
  }
  return identity;
}

Result<> drop_privileges(const std::string& user, const std::string& group) {
  const Result<Identity> identity = resolve_identity(user, group);
  if (!identity) return fail(identity.error());
  if (Result<> done = become(*identity); !done) return done;
  if (Result<> done = verify(*identity); !done) return done;
  // Also for who was never root: a worker runs no other program, so it loses nothing.
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return refused("PR_SET_NO_NEW_PRIVS");
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return refused("PR_SET_DUMPABLE");
  return {};
}

}  // namespace openmmp::ipc
