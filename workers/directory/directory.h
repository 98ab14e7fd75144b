// Where a user's mailbox is: the one thing sessions ask a directory. Behind it stands an LDAP
// directory or an embedded one, an LDIF file; the same settings, names and filters serve both.
//
// One Directory a worker and virtual domain. It must outlive the sessions that ask it, and be
// destroyed before the Loop. A session may be destroyed while it waits for an answer.
#pragma once

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "config/settings.h"
#include "ipc/runtime/address.h"
#include "ipc/runtime/log.h"
#include "ipc/runtime/loop.h"
#include "ipc/runtime/task.h"
#include "ipc/runtime/unique_fd.h"
#include "workers/directory/embedded.h"
#include "workers/directory/format.h"
#include "workers/directory/ldap_directory.h"
#include "workers/directory/ldap_url.h"
#include "workers/directory/login_name.h"

namespace openmmp::directory {

struct Query {
  Query() = default;
  explicit Query(std::string u, std::string client = {}, std::string local = {})
      : user(std::move(u)), client_ip(std::move(client)), local_ip(std::move(local)) {}
  std::string user;  // as the client typed it
  std::string client_ip;
  std::string local_ip;
};

struct Route {
  Route() = default;
  Route(std::vector<HostPort> h, std::string replay, std::string u)
      : hosts(std::move(h)), replay_name(std::move(replay)), user(std::move(u)) {}
  std::vector<HostPort> hosts;  // to be tried in this order; port 0: BacksidePort
  std::string replay_name;      // the name to log in with at the store
  std::string user;             // canonical, for logs: "joe" or "joe@example.com"
};

// How an answer came about, for `mmpctl lookup`.
struct Step {
  Step(std::string w, std::string v) : what(std::move(w)), value(std::move(v)) {}
  std::string what;
  std::string value;
};
using Steps = std::vector<Step>;

// Files that options name, opened by somebody who may. Those not needed stay empty.
struct Files {
  UniqueFd ldif;     // of LdapUrl "ldif:FILE"
  UniqueFd ca_file;  // of LdapCaFile; without it the path in the option is opened when needed
};

class Directory {
  struct Private {};  // only create() may construct

 public:
  // Reads the LDIF file, or prepares to ask the LDAP servers: the first connection is opened when
  // the first user asks. Errors name the option that is wrong.
  static Result<std::unique_ptr<Directory>> create(Loop& loop, const config::Settings& settings,
                                                   Log& log, Files files);

  // Errc::refused: the name is malformed, nobody has it, or more than one entry does.
  // Errc::unavailable: the directory is down or slow, or the entry does not name a usable store.
  // `detail` says which; it is for the log, not for the client.
  // `steps` may be null; else it must live until the task has ended.
  Task<Route> find_route(Query query, Steps* steps);

  Directory(Private, Loop& loop, const config::Settings& settings, FilterFormat search_format,
            ReplayFormat replay_format);

 private:
  using Source = std::variant<std::monostate, EmbeddedDirectory, LdapDirectory>;

  Result<> open(const config::Settings& settings, Log& log, Files files);
  Result<> open_ldif(const LdapUrl& url, const UniqueFd& file);
  Task<Found> search(std::string filter);
  Result<Found> search_ldif(EmbeddedDirectory& embedded, const std::string& filter);

  Loop& loop_;
  NameRules rules_;
  FilterFormat search_format_;
  ReplayFormat replay_format_;
  config::Words mail_host_attributes_;
  std::string base_text_;    // as LdapUrl has it
  Dn base_;                  // the same, of an embedded directory
  std::string source_name_;  // the file of an embedded directory
  UserCache cache_;
  Source source_;  // after the cache, which it refers to
};

}  // namespace openmmp::directory
