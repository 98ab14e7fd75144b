// What a worker is born with. It is started with descriptor 3 as its channel and nothing else; the
// first message there is Birth: everything that the configuration says for it, and, as descriptors,
// its listeners, the files that options name (keys, users) and its log. So it needs no file of its
// own and can drop every privilege at once.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "config/config.h"
#include "ipc/channel.h"
#include "ipc/tls/ticket_keys.h"
#include "proto/worker.pb.h"

namespace openmmp::ipc {

constexpr int channel_descriptor = 3;

using ToWorkerChannel = Channel<proto::ToWorker, proto::FromWorker>;      // the supervisor's end
using ToSupervisorChannel = Channel<proto::FromWorker, proto::ToWorker>;  // the worker's end

// A config::ServiceFile, opened.
struct NamedFile {
  NamedFile(std::string o, UniqueFd f) : option(std::move(o)), file(std::move(f)) {}
  std::string option;
  UniqueFd file;
  std::string path;            // for messages; empty from an older supervisor
  std::string store_group;     // whose option it is; empty: the service's
  uint32_t index = 0;          // which of several: a certificate and its key have the same
  std::string virtual_domain;  // whose option it is; empty: the service's
};

// The worker's view of a Birth.
struct Birthright {
  std::string service;
  std::string log_name;
  uint32_t generation = 0;
  uint32_t index = 0;
  config::Pairs settings;
  std::vector<config::VirtualDomain> virtual_domains;
  std::vector<UniqueFd> listeners;
  std::vector<config::StoreGroup> store_groups;
  std::vector<NamedFile> files;
  tls::TicketKeys ticket_keys;
  UniqueFd log;      // none: standard error
  std::string user;  // to become; empty: stay
  std::string group;
};

// What the supervisor adds to the configuration for one worker.
struct Inheritance {
  uint32_t generation = 0;
  uint32_t index = 0;
  std::vector<UniqueFd> listeners;
  std::vector<NamedFile> files;
  const tls::TicketKeys* ticket_keys = nullptr;
  UniqueFd log;
  std::string user;
  std::string group;
};

// The supervisor's side: a message and the descriptors to send with it.
std::pair<proto::ToWorker, Descriptors> make_birth(const config::Service& service,
                                                   Inheritance inheritance);

// The message of new ticket keys. Whoever sends it wipes it with wipe_keys().
proto::ToWorker make_ticket_keys(const tls::TicketKeys& keys);
void wipe_keys(proto::TicketKeys& keys);

// The worker's side of it. Errc::protocol: a key that is none. The message's own are wiped.
Result<tls::TicketKeys> take_ticket_keys(proto::TicketKeys& keys);

// The worker's side of Birth: Errc::protocol when counts and descriptors do not agree.
Result<Birthright> take_birth(proto::Birth birth, Descriptors descriptors);
// Waits for Birth, which must be the first message.
Task<Birthright> receive_birth(ToSupervisorChannel& channel);

}  // namespace openmmp::ipc
