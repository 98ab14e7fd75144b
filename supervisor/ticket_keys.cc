#include "supervisor/ticket_keys.h"

#include <algorithm>

namespace openmmp::supervisor {

namespace {

constexpr size_t kept = 2;

}  // namespace

const tls::TicketKeys* TicketKeyring::keys_of(const std::string& service, Time period, Time now) {
  if (period <= Time(0)) return nullptr;
  Entry& entry = entries_[service];
  entry.period = period;
  if (entry.keys.empty()) {
    entry.keys.push_back(make_());
    entry.made = now;
  }
  return &entry.keys;
}

void TicketKeyring::keep(const std::vector<std::string>& services) {
  std::erase_if(entries_, [&services](const auto& item) {
    return std::find(services.begin(), services.end(), item.first) == services.end();
  });
}

std::vector<std::string> TicketKeyring::rotate(Time now) {
  std::vector<std::string> changed;
  for (auto& [service, entry] : entries_) {
    if (now < entry.made + entry.period) continue;
    entry.keys.insert(entry.keys.begin(), make_());
    if (entry.keys.size() > kept) entry.keys.pop_back();
    entry.made = now;
    changed.push_back(service);
  }
  return changed;
}

std::optional<Time> TicketKeyring::due() const {
  std::optional<Time> first;
  for (const auto& [service, entry] : entries_) {
    const Time due = entry.made + entry.period;
    if (!first || due < *first) first = due;
  }
  return first;
}

const tls::TicketKeys* TicketKeyring::find(const std::string& service) const {
  const auto found = entries_.find(service);
  return found == entries_.end() ? nullptr : &found->second.keys;
}

Time ticket_period(const config::Settings& settings) {
  return settings.ssl_enable ? Time(settings.ssl_ticket_time) : Time(0);
}

}  // namespace openmmp::supervisor
