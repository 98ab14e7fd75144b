// Who has logged in lately by POP, and from where (AuthService): what POP before SMTP and
// XQUERYAUTH go by. mmp-state has all of them; each POP worker keeps those that it has reported, to
// report them again to an mmp-state that was started anew. Pure: time comes in as an argument, of a
// clock that all processes of the host share.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace openmmp::proxy {

using Time = std::chrono::milliseconds;

struct PopLogin {
  std::string address;  // without a port
  std::string user;     // with its virtual domain, as the log has it
  Time at{0};
  Time expires{0};  // from here on it counts no more
};

class PopLogins {
 public:
  explicit PopLogins(size_t most) : most_(most) {}
  PopLogins(const PopLogins&) = delete;
  PopLogins& operator=(const PopLogins&) = delete;

  // The last login from an address is the one that counts. Past `most` the one that would expire
  // first goes. False: it is older than what is known, or expired already, or the one that goes.
  bool record(PopLogin login, Time now);
  // The one from this address, while it counts.
  std::optional<PopLogin> find(std::string_view address, Time now) const;
  void forget_expired(Time now);
  // All that count, those that expire first before the others.
  std::vector<PopLogin> list(Time now) const;
  size_t size() const { return by_address_.size(); }

 private:
  struct ByAddress {
    using is_transparent = void;
    bool operator()(const PopLogin& a, const PopLogin& b) const { return a.address < b.address; }
    bool operator()(const PopLogin& a, std::string_view b) const { return a.address < b; }
    bool operator()(std::string_view a, const PopLogin& b) const { return a < b.address; }
  };
  void drop_first();

  const size_t most_;
  std::set<PopLogin, ByAddress> by_address_;
  std::set<std::pair<Time, std::string_view>> by_expiry_;  // addresses, in by_address_
};

}  // namespace openmmp::proxy
