// One directory, whatever it is: LDAP servers and the connections to them, or an LDIF file in
// memory. It answers searches and knows nothing of users or domains.
//
// Sources owns it. It must outlive the tasks that ask it.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "ipc/runtime/log.h"
#include "ipc/runtime/loop.h"
#include "ipc/runtime/task.h"
#include "ipc/runtime/unique_fd.h"
#include "workers/directory/embedded.h"
#include "workers/directory/ldap_binder.h"
#include "workers/directory/ldap_pool.h"

namespace openmmp::directory {

class Source {
 public:
  Source(std::string file, EmbeddedDirectory embedded);
  // `ca_file` is kept open when options.access.ca_file is a name of this descriptor.
  Source(Loop& loop, LdapPoolOptions options, UniqueFd ca_file, Log& log);

  // Errc::unavailable: the directory could not say; `detail` names it and what it said.
  Task<SearchAnswer> search(SearchRequest request);

  // Of an LDAP directory: whether this is the password of the entry; see LdapBinder.
  Task<> bind(std::string dn, Secret password);

  // Never waits; null: LDAP.
  EmbeddedDirectory* embedded() { return embedded_ ? &*embedded_ : nullptr; }
  // Whether an embedded directory has anything there.
  bool has_base(const Dn& base);

 private:
  Result<SearchAnswer> search_file(const SearchRequest& request);

  std::string file_;
  std::optional<EmbeddedDirectory> embedded_;
  std::map<std::string, bool> bases_;  // those asked for that have no entry of their own
  UniqueFd ca_file_;
  std::optional<LdapPool> pool_;
  std::optional<LdapBinder> binder_;
};

}  // namespace openmmp::directory
