#include "workers/state/seat_register.h"

#include "workers/proxy/seat_book.h"

namespace openmmp::state {

bool SeatRegister::Key::is_watched() const {
  return count > 0 && count >= proxy::watched_from(limit);
}

void SeatRegister::join(LinkId link, const std::string& service) {
  links_[link].service = &services_[service];
}

void SeatRegister::leave(LinkId link) {
  const auto found = links_.find(link);
  if (found == links_.end()) return;
  for (const auto& [seat, key] : found->second.seats) {
    --key->second.count;
    note(*found->second.service, *key);
  }
  links_.erase(found);
}

Result<bool> SeatRegister::take(LinkId id, uint64_t seat, const std::string& key, uint32_t limit,
                                bool held) {
  Link& link = links_.at(id);
  if (key.empty() || key.size() > max_key) return fail(Errc::protocol, "a key that is none");
  if (link.seats.size() >= max_seats) return fail(Errc::limit, "more seats than a worker may have");
  if (link.seats.count(seat) != 0) return fail(Errc::protocol, "one seat taken twice");
  Keys::value_type& entry = *link.service->keys.try_emplace(key).first;
  entry.second.limit = limit;
  const bool granted = held || entry.second.count < limit;
  if (granted) {
    ++entry.second.count;
    link.seats.emplace(seat, &entry);
  }
  note(*link.service, entry);
  return granted;
}

void SeatRegister::give_back(LinkId id, uint64_t seat) {
  Link& link = links_.at(id);
  const auto found = link.seats.find(seat);
  if (found == link.seats.end()) return;
  --found->second->second.count;
  note(*link.service, *found->second);
  link.seats.erase(found);
}

// Keys that nobody is told of, the most by far, are not looked at again.
void SeatRegister::note(Service& service, Keys::value_type& key) {
  if (key.second.is_watched() || key.second.told) {
    service.changed.insert(&key);
  } else if (key.second.count == 0) {
    service.changed.erase(&key);
    service.keys.erase(service.keys.find(key.first));
  }
}

std::vector<SeatRegister::Count> SeatRegister::take_changes(const std::string& service) {
  std::vector<Count> counts;
  const auto found = services_.find(service);
  if (found == services_.end()) return counts;
  for (Keys::value_type* key : std::exchange(found->second.changed, {})) {
    const bool watched = key->second.is_watched();
    if (watched || key->second.told) {
      counts.push_back(Count{key->first, watched ? key->second.count : 0});
    }
    key->second.told = watched;
    if (key->second.count == 0) found->second.keys.erase(found->second.keys.find(key->first));
  }
  return counts;
}

std::vector<SeatRegister::Count> SeatRegister::watched(const std::string& service) const {
  std::vector<Count> counts;
  const auto found = services_.find(service);
  if (found == services_.end()) return counts;
  for (const auto& [key, state] : found->second.keys) {
    if (state.is_watched()) counts.push_back(Count{key, state.count});
  }
  return counts;
}

size_t SeatRegister::seats_of(LinkId link) const {
  const auto found = links_.find(link);
  return found == links_.end() ? 0 : found->second.seats.size();
}

}  // namespace openmmp::state
