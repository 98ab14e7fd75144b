#include "workers/proxy/store_traffic.h"

#include <fmt/format.h>

namespace openmmp::proxy {

Result<StoreTraffic::Attempt> StoreTraffic::begin(const std::string& store, int most_connecting,
                                                  std::optional<int> most_at_once) {
  const auto found = stores_.find(store);
  if (found != stores_.end() && found->second.connecting >= most_connecting) {
    return fail(Errc::unavailable, fmt::format("{} connections to it are pending, as many as "
                                               "MaxConcurrentConnectionAttempts allows",
                                               most_connecting));
  }
  if (most_at_once && found != stores_.end() && found->second.logging_in >= *most_at_once) {
    return fail(Errc::unavailable, fmt::format("it has come back just now, and takes {} logins at "
                                               "a time until StoreRampTime is over",
                                               *most_at_once));
  }
  const auto entry = found != stores_.end() ? found : stores_.emplace(store, Counts()).first;
  ++entry->second.connecting;
  ++entry->second.logging_in;
  return Attempt(*this, entry);
}

void StoreTraffic::Attempt::connected() {
  if (std::exchange(connecting_, false)) --store_->second.connecting;
}

StoreTraffic::Attempt::~Attempt() {
  if (traffic_ == nullptr) return;
  connected();
  if (--store_->second.logging_in == 0) traffic_->stores_.erase(store_);
}

}  // namespace openmmp::proxy
