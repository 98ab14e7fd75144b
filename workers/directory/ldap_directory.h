// Users in an LDAP directory: the connections, and the sharing of look-ups: a thousand sessions
// that ask for one user make one search.
//
// A look-up under way belongs to this object and not to the session that asked first, so that the
// others get their answer when that one is killed. It must outlive the tasks that find().
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ipc/runtime/log.h"
#include "ipc/runtime/loop.h"
#include "ipc/runtime/task.h"
#include "ipc/runtime/unique_fd.h"
#include "workers/directory/entry.h"
#include "workers/directory/ldap_pool.h"
#include "workers/directory/user_cache.h"

namespace openmmp::directory {

struct LdapDirectoryOptions {
  LdapPoolOptions pool;
  UniqueFd ca_file;  // kept open when access.ca_file is a name of this descriptor
  std::string base;
  std::vector<std::string> attributes;
};

class LdapDirectory {
 public:
  // What is found goes into `cache`, which must outlive this.
  LdapDirectory(Loop& loop, LdapDirectoryOptions options, UserCache& cache, Log& log);
  ~LdapDirectory();

  // The one entry that `filter` finds on a server. Errc::refused: none, or more than one;
  // Errc::unavailable: the directory could not say.
  Task<Found> find(std::string filter);

  // A search that is nobody else's and leaves nothing behind, in the cache or elsewhere.
  // Errc::unavailable: the directory could not say.
  Task<SearchAnswer> search(SearchRequest request);

 private:
  struct Lookup;
  class Answer;

  void join(Answer& answer);
  static void on_answer(void* lookup);
  Result<Found> conclude(Lookup& lookup);

  Loop& loop_;
  UniqueFd ca_file_;
  std::string base_;
  std::vector<std::string> attributes_;
  LdapPool pool_;
  UserCache& cache_;
  std::unordered_map<std::string, std::unique_ptr<Lookup>> lookups_;  // under way, by filter
  // Ended; each is destroyed with the next look-up's start, when its frames are off the stack.
  std::vector<std::unique_ptr<Lookup>> ended_;
};

}  // namespace openmmp::directory
