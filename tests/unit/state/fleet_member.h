// An instance as the fleet sees it: a table of facts, of which the younger hold.
#pragma once

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "workers/state/fleet.h"

namespace openmmp::state {

// Short enough to wait for, long enough for a busy host.
inline FleetTimes quick_times() {
  FleetTimes times;
  times.connect = Millis(1000);
  times.patience = Millis(1000);
  times.beat = Millis(50);
  times.shortest_pause = Millis(10);
  times.longest_pause = Millis(100);
  times.look_back = Millis(100);
  return times;
}

class Member {
 public:
  Member(Loop& loop, Log& log) : loop_(loop), log_(log) {}

  // Empty: it began; else what is wrong with the options.
  std::string join(std::vector<std::string> urls, const std::string& password = "",
                   FleetTimes times = quick_times()) {
    proto::FleetOptions options;
    for (std::string& url : urls) options.add_servers(std::move(url));
    options.set_password(password);
    options.set_prefix("test*[1]:");
    Fleet::Instance instance;
    instance.learn = [this](const Fact& fact) { learn(fact); };
    instance.known = [this] { return facts; };
    instance.stands = [this](const proto::FleetStatus& now) { status = now; };
    auto created = Fleet::create(loop_, log_, options, std::move(instance), times);
    if (!created) return created.error().detail;
    fleet = std::move(*created);
    return "";
  }
  bool connected() const { return fleet && fleet->connected(); }

  void happens(const Fact& fact) {
    facts.insert_or_assign(name_of(fact), fact);
    if (fleet) fleet->tell(fact);
  }
  // "joe was here", from an address.
  void log_in(const std::string& ip, const std::string& user) {
    const Millis now = loop_.now();
    const Millis ends = now + Millis(600'000);
    happens(Fact{proxy::PopLogin{ip, user, now, ends}, ends});
  }
  void fail_login(const std::string& ip, int badness) {
    proxy::BadGuy it;
    it.address = *SocketAddress::parse(ip, 0);
    it.badness = Seconds(badness);
    it.since = loop_.now();
    happens(Fact{it, loop_.now() + Millis(600'000)});
  }
  // Whose login is known; empty: nobody's.
  std::string user_of(const std::string& ip) const {
    const auto found = facts.find("login:" + ip);
    if (found == facts.end()) return "";
    return std::get<proxy::PopLogin>(found->second.what).user;
  }
  int badness_of(const std::string& ip) const {
    const auto found = facts.find("badguy:" + ip);
    if (found == facts.end()) return -1;
    return static_cast<int>(std::get<proxy::BadGuy>(found->second.what).badness.count());
  }

  Facts facts;
  int learnt = 0;
  proto::FleetStatus status;
  std::unique_ptr<Fleet> fleet;

 private:
  void learn(const Fact& fact) {
    ++learnt;
    const auto [known, added] = facts.try_emplace(name_of(fact), fact);
    if (!added && time_of(known->second) < time_of(fact)) known->second = fact;
  }

  Loop& loop_;
  Log& log_;
};

// What a log has written.
class FleetTest : public testing::Test {
 protected:
  FleetTest() : log_("Test"), file_(::memfd_create("log", MFD_CLOEXEC)) {
    log_.set_file(UniqueFd(::dup(file_.get())));
  }
  std::string logged() {
    log_.flush();
    std::string text(1 << 16, '\0');
    const ssize_t size = ::pread(file_.get(), text.data(), text.size(), 0);
    text.resize(size > 0 ? static_cast<size_t>(size) : 0);
    return text;
  }
  int times_logged(const std::string& words) {
    const std::string text = logged();
    int times = 0;
    for (size_t at = 0; (at = text.find(words, at)) != std::string::npos; ++at) ++times;
    return times;
  }

  Loop loop_;
  Log log_;
  UniqueFd file_;
};

}  // namespace openmmp::state
