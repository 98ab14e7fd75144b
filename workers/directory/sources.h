// The directories of a worker: virtual domains with the same LdapUrl and the same BindDN and
// BindPass share one, its connections or its file.
//
// It must outlive every Directory that was created with it, and be destroyed before the Loop.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "config/settings.h"
#include "ipc/runtime/log.h"
#include "ipc/runtime/loop.h"
#include "ipc/runtime/unique_fd.h"
#include "workers/directory/ldap_url.h"
#include "workers/directory/source.h"

namespace openmmp::directory {

class Sources {
 public:
  Sources() = default;
  Sources(const Sources&) = delete;
  Sources& operator=(const Sources&) = delete;

  // The LDIF file that `url` names, read from `file` when it is wanted for the first time.
  Result<Source*> open_file(const LdapUrl& url, const UniqueFd& file);
  // A directory in which nobody is, for who has no LdapUrl.
  Source* open_nothing();
  // The servers of `url`. `ca_file` as in Files; read when they are wanted for the first time.
  Result<Source*> open_servers(Loop& loop, const LdapUrl& url, const config::Settings& settings,
                               const UniqueFd& ca_file, Log& log);

 private:
  struct Item {
    std::string file;
    std::vector<std::string> servers;
    std::string bind_dn;
    Secret bind_pass;
    std::unique_ptr<Source> source;
  };
  std::vector<Item> items_;
};

// All of an open file, from its start. Errc::unavailable says why not.
Result<std::string> read_all(const UniqueFd& file);

}  // namespace openmmp::directory
