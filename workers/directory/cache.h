// What was found lately, by the key that found it: the least recently used makes room for a new
// one, and none is kept longer than its time to live. Pure: time comes in as an argument.
#pragma once

#include <chrono>
#include <iterator>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace openmmp::directory {

template <class Value>
class Cache {
 public:
  using Time = std::chrono::milliseconds;

  // A capacity or a time of zero: nothing is ever found.
  Cache(size_t capacity, Time time_to_live) : capacity_(capacity), ttl_(time_to_live) {}

  // Null: not there, or too old. Valid until the next insert() or find().
  const Value* find(std::string_view key, Time now) {
    const auto position = by_key_.find(key);
    if (position == by_key_.end()) return nullptr;
    const auto item = position->second;
    if (item->until <= now) {
      erase(item);
      return nullptr;
    }
    items_.splice(items_.begin(), items_, item);
    return &item->value;
  }

  void insert(const std::string& key, const Value& value, Time now) {
    if (capacity_ == 0 || ttl_ <= Time(0)) return;
    if (const auto position = by_key_.find(key); position != by_key_.end()) erase(position->second);
    if (items_.size() >= capacity_) erase(std::prev(items_.end()));
    items_.emplace_front(key, value, now + ttl_);
    by_key_.emplace(items_.front().key, items_.begin());
  }

  void forget(std::string_view key) {
    if (const auto position = by_key_.find(key); position != by_key_.end()) erase(position->second);
  }

  size_t size() const { return items_.size(); }

 private:
  struct Item {
    Item(std::string k, Value v, Time u) : key(std::move(k)), value(std::move(v)), until(u) {}
    std::string key;
    Value value;
    Time until;
  };
  using Items = std::list<Item>;

  void erase(typename Items::iterator item) {
    by_key_.erase(item->key);
    items_.erase(item);
  }

  size_t capacity_;
  Time ttl_;
  Items items_;  // used last first
  // The keys live in items_.
  std::unordered_map<std::string_view, typename Items::iterator> by_key_;
};

}  // namespace openmmp::directory
