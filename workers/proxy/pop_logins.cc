#include "workers/proxy/pop_logins.h"

#include <tuple>
#include <utility>

namespace openmmp::proxy {

bool PopLogins::record(PopLogin login, Time now) {
  forget_expired(now);
  if (login.expires <= now || most_ == 0) return false;
  if (const auto old = by_address_.find(login); old != by_address_.end()) {
    // Two of one moment are ordered by what they say, so that it is the same in any order.
    const auto known = std::tie(old->at, old->expires, old->user);
    if (std::tie(login.at, login.expires, login.user) <= known) return false;
    by_expiry_.erase({old->expires, old->address});
    by_address_.erase(old);
  } else if (by_address_.size() >= most_) {
    if (login.expires <= by_expiry_.begin()->first) return false;
    drop_first();
  }
  const auto added = by_address_.insert(std::move(login)).first;
  by_expiry_.emplace(added->expires, added->address);
  return true;
}

std::optional<PopLogin> PopLogins::find(std::string_view address, Time now) const {
  const auto found = by_address_.find(address);
  if (found == by_address_.end() || found->expires <= now) return std::nullopt;
  return *found;
}

void PopLogins::forget_expired(Time now) {
  while (!by_expiry_.empty() && by_expiry_.begin()->first <= now) drop_first();
}

std::vector<PopLogin> PopLogins::list(Time now) const {
  std::vector<PopLogin> list;
  for (auto item = by_expiry_.upper_bound({now, {}}); item != by_expiry_.end(); ++item) {
    if (item->first > now) list.push_back(*by_address_.find(item->second));
  }
  return list;
}

void PopLogins::drop_first() {
  const auto first = by_expiry_.begin();
  const auto login = by_address_.find(first->second);
  by_expiry_.erase(first);
  by_address_.erase(login);
}

}  // namespace openmmp::proxy
