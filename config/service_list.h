// The grammar of the ServiceList option:
//   entry    := module [ "|" file [ "|" section ] ] "@" hostport ( "|" hostport )*
//   module   := a path or a bare name, its extension (.so, .dll) optional
//   hostport := [ ( hostname | IPv4 | "[" IPv6 "]" ) ":" ] port
// Entries are separated by blanks. Pure: host names are looked up by the supervisor when it binds.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "ipc/runtime/address.h"
#include "ipc/runtime/result.h"

namespace openmmp::config {

struct ServiceEntry {
  std::string name;        // as written, without the module's path and extension
  std::string executable;  // "ImapProxyAService", also for "imapproxy" and "/lib/IMAPPROXY.so"
  Protocol protocol = Protocol::imap;
  std::string file;     // "ImapProxyAService.cfg" unless the entry names one
  std::string section;  // "default" unless the entry names one
  std::vector<HostPort> listeners;
};

struct ServiceList {
  std::vector<ServiceEntry> entries;
  std::vector<std::string> faults;  // one for each entry left out, and for listeners named twice
};

// A hostport of the grammar.
Result<HostPort> parse_listener(std::string_view text);
Result<ServiceEntry> parse_service_entry(std::string_view text);
ServiceList parse_service_list(std::string_view text);

}  // namespace openmmp::config
