// The keys of TLS session tickets of each service, kept over reloads and restarts of workers so
// that clients can resume with whichever worker they meet. Pure but for the making of a key, which
// is a parameter: the shell around it hands keys out and has the timer.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/config.h"
#include "ipc/tls/ticket_keys.h"
#include "supervisor/process_table.h"

namespace openmmp::supervisor {

class TicketKeyring {
 public:
  using Maker = tls::TicketKey (*)();
  explicit TicketKeyring(Maker make) : make_(make) {}

  // The keys of a service whose tickets last `period`, made at the first call; the next ones are
  // due a period after the last. Null when the period is 0: the service has no tickets.
  const tls::TicketKeys* keys_of(const std::string& service, Time period, Time now);
  // Forgets services other than these, whose keys are wiped.
  void keep(const std::vector<std::string>& services);

  // Makes those that are due and names their services. The one before is still kept, as tickets of
  // its last moment are good for a period from then.
  std::vector<std::string> rotate(Time now);
  // When the next one is due; nothing when there is none.
  std::optional<Time> due() const;
  const tls::TicketKeys* find(const std::string& service) const;

 private:
  struct Entry {
    tls::TicketKeys keys;
    Time made{};
    Time period{};
  };
  Maker make_;
  std::map<std::string, Entry> entries_;
};

// How long tickets of a service last; 0: it has none.
Time ticket_period(const config::Settings& settings);

}  // namespace openmmp::supervisor
