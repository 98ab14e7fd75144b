#include "workers/proxy/prober.h"

#include <algorithm>

#include "ipc/runtime/random.h"
#include "workers/proxy/dial.h"
#include "workers/proxy/proxy_header.h"

namespace openmmp::proxy {

namespace {

// Somewhere in [0, 1).
double random_share() {
  const Secret byte = random_bytes(1);
  return static_cast<unsigned char>(byte.reveal().front()) / 256.0;
}

// A probe is a connection of our own.
std::string header_for_probe(const Store& store) {
  ProxyHeader header;
  header.local = true;
  if (store.forwarding.proxy_version == 0) return {};
  return store.forwarding.proxy_version == 1 ? proxy_v1(header) : proxy_v2(header);
}

}  // namespace

Prober::Prober(Loop& loop, Log& log, Resolver& resolver, const Stores& stores, SharedState& shared,
               ProbeStore probe_store)
    : loop_(loop),
      log_(log),
      resolver_(resolver),
      stores_(stores),
      shared_(shared),
      probe_store_(std::move(probe_store)),
      jitter_(random_share()),
      probes_(loop),
      timer_(loop),
      each_turn_(loop, [this] { set_timer(); }) {}

void Prober::set_timer() {
  const std::optional<Millis> next = shared_.stores().next_due(jitter_);
  if (next == timer_for_) return;
  timer_for_ = next;
  timer_.stop();
  if (!next) return;
  timer_.start(
      std::max(*next - loop_.now(), Millis(0)),
      [](void* self) { static_cast<Prober*>(self)->probe_due(); }, this);
}

void Prober::probe_due() {
  timer_for_.reset();
  for (std::string& name : shared_.stores().due(loop_.now(), jitter_)) {
    if (probes_.size() >= most_at_once || under_way_.contains(name)) continue;
    under_way_.insert(name);
    probes_.start(probe(std::move(name)));
  }
}

Task<> Prober::probe(std::string name) {
  Result<HostPort> host = parse_host_port(name);
  Result<> outcome = host ? Result<>() : Result<>(fail(host.error()));
  if (host) outcome = co_await attempt(ask(std::move(*host)));
  under_way_.erase(name);
  log_.write(LogLevel::info, 0, "store {} probed: {}", name,
             outcome ? "it is well" : outcome.error().detail);
  if (outcome) {
    shared_.store_succeeded(name);
  } else {
    shared_.store_failed(name, std::move(outcome.error().detail));
  }
}

Task<> Prober::ask(HostPort host) {
  const Store& store = stores_.find(host);
  Connection connection =
      co_await dial_through(loop_, resolver_, host, store, header_for_probe(store));
  connection.deadline(store.connect_timeout, "answer to a probe");
  const StoreAccess access(store, host, StoreCredentials());
  co_await probe_store_(connection, access);
}

}  // namespace openmmp::proxy
