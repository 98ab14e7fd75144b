#include "workers/directory/user_cache.h"

namespace openmmp::directory {

const Entry* UserCache::find(std::string_view key, Millis now) {
  const auto position = by_key_.find(key);
  if (position == by_key_.end()) return nullptr;
  const Items::iterator item = position->second;
  if (item->until <= now) {
    erase(item);
    return nullptr;
  }
  items_.splice(items_.begin(), items_, item);
  return &item->entry;
}

void UserCache::insert(const std::string& key, const Entry& entry, Millis now) {
  if (capacity_ == 0 || ttl_ <= Millis(0)) return;
  if (const auto position = by_key_.find(key); position != by_key_.end()) erase(position->second);
  if (items_.size() >= capacity_) erase(std::prev(items_.end()));
  items_.emplace_front(key, entry, now + ttl_);
  by_key_.emplace(items_.front().key, items_.begin());
}

void UserCache::erase(Items::iterator item) {
  by_key_.erase(item->key);
  items_.erase(item);
}

}  // namespace openmmp::directory
