// Virtual domains: what holds for the sessions that arrive at some local address. It is what the
// options of the service say, with what the vdmap file says of that address in their place. Made
// once for a worker; sessions refer to theirs.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/access_filter.h"
#include "config/config.h"
#include "workers/directory/directory.h"
#include "workers/directory/sources.h"
#include "workers/proxy/authentication_server.h"

namespace openmmp::ipc {
struct Birthright;
}

namespace openmmp::proxy {

struct VirtualDomain {
  std::string name;  // in the vdmap; empty: of all addresses that it does not have
  std::vector<std::string> addresses;
  config::Settings settings;
  std::unique_ptr<directory::Directory> directory;
  config::AccessFilter tcp_access;
  std::optional<AuthenticationServer> authentication_server;
  // Whether SearchFormat asks for them: the usual login spends nothing on what is not asked.
  bool wants_local_ip = false;
  bool wants_subject = false;
};

class VirtualDomains {
 public:
  // Takes the files that directories read out of `birth`. `sources` outlives this. Errors name the
  // virtual domain and the option.
  static Result<VirtualDomains> create(Loop& loop, Log& log, directory::Sources& sources,
                                       ipc::Birthright& birth);

  // Of a session that arrived at this address of ours.
  const VirtualDomain& find(const SocketAddress& local) const;
  // Of all other addresses; the service's own options.
  const VirtualDomain& others() const { return *others_; }
  bool empty() const { return list_.empty(); }

 private:
  std::unique_ptr<VirtualDomain> others_;
  std::vector<std::unique_ptr<VirtualDomain>> list_;
};

}  // namespace openmmp::proxy
