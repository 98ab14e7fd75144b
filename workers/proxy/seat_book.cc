#include "workers/proxy/seat_book.h"

#include <algorithm>
#include <iterator>

namespace openmmp::proxy {

SeatBook::Advice SeatBook::advise(const std::string& key, uint32_t limit) const {
  if (limit == 0) return Advice::refuse;
  const auto found = counts_.find(key);
  if (found == counts_.end()) return Advice::take;
  const Count& count = found->second;
  if (!talking_) return count.own < limit ? Advice::take : Advice::refuse;
  return std::max(count.own, count.all) < watched_from(limit) ? Advice::take : Advice::ask;
}

uint64_t SeatBook::take(const std::string& key, uint32_t limit, bool asked,
                        SessionContext* holder) {
  const uint64_t number = ++last_;
  Counts::value_type& count = *counts_.try_emplace(key).first;
  ++count.second.own;
  Seat& seat = seats_[number];
  seat.key = &count;
  seat.holder = holder;
  seat.limit = limit;
  seat.asked = asked;
  if (talking_) untold_.push_back(number);
  return number;
}

void SeatBook::uncount(const Seat& seat) {
  Count& count = seat.key->second;
  if (--count.own == 0 && count.all == 0) counts_.erase(counts_.find(seat.key->first));
}

void SeatBook::leave(uint64_t number) {
  const auto found = seats_.find(number);
  if (found == seats_.end()) return;
  const Seat& seat = found->second;
  // A refused one is not counted any more, neither here nor there.
  if (!seat.refused) {
    if (talking_ && seat.told) left_.push_back(number);
    uncount(seat);
  }
  seats_.erase(found);
}

void SeatBook::refuse(uint64_t number) {
  const auto found = seats_.find(number);
  if (found == seats_.end() || found->second.refused) return;
  uncount(found->second);
  found->second.refused = true;
  found->second.key = nullptr;
}

bool SeatBook::refused(uint64_t seat) const {
  const auto found = seats_.find(seat);
  return found != seats_.end() && found->second.refused;
}

bool SeatBook::one_too_many(uint64_t seat) const {
  const auto found = seats_.find(seat);
  if (found == seats_.end() || found->second.refused) return false;
  return found->second.key->second.own > found->second.limit;
}

SessionContext* SeatBook::holder(uint64_t seat) const {
  const auto found = seats_.find(seat);
  return found == seats_.end() ? nullptr : found->second.holder;
}

void SeatBook::note_count(const std::string& key, uint32_t count) {
  if (count != 0) {
    counts_[key].all = count;
    return;
  }
  const auto found = counts_.find(key);
  if (found == counts_.end()) return;
  found->second.all = 0;
  if (found->second.own == 0) counts_.erase(found);
}

void SeatBook::begin_conversation() {
  end_conversation();
  talking_ = true;
  for (auto& [number, seat] : seats_) {
    if (seat.refused) continue;
    seat.held = true;
    seat.told = false;
    untold_.push_back(number);
  }
  std::sort(untold_.begin(), untold_.end());
}

void SeatBook::end_conversation() {
  talking_ = false;
  untold_.clear();
  left_.clear();
  for (auto entry = counts_.begin(); entry != counts_.end();) {
    entry->second.all = 0;
    entry = entry->second.own == 0 ? counts_.erase(entry) : std::next(entry);
  }
}

SeatBook::News SeatBook::take_news(size_t most) {
  News news;
  news.left.swap(left_);
  while (!untold_.empty() && news.taken.size() < most) {
    const uint64_t number = untold_.front();
    untold_.pop_front();
    const auto found = seats_.find(number);
    if (found == seats_.end() || found->second.refused) continue;
    Seat& seat = found->second;
    seat.told = true;
    news.taken.push_back(Taken{number, &seat.key->first, seat.limit, seat.asked, seat.held});
  }
  return news;
}

}  // namespace openmmp::proxy
