// Entries that were found lately, by the filter that found them: the least recently used makes room
// for a new one, and none is kept longer than its time to live. Pure: time comes in as an argument.
#pragma once

#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

#include "ipc/runtime/loop.h"
#include "workers/directory/entry.h"

namespace openmmp::directory {

class UserCache {
 public:
  // A capacity or a time of zero: nothing is ever found.
  UserCache(size_t capacity, Millis time_to_live) : capacity_(capacity), ttl_(time_to_live) {}

  // Null: not there, or too old. Valid until the next insert() or find().
  const Entry* find(std::string_view key, Millis now);
  void insert(const std::string& key, const Entry& entry, Millis now);
  size_t size() const { return items_.size(); }

 private:
  struct Item {
    Item(std::string k, Entry e, Millis u) : key(std::move(k)), entry(std::move(e)), until(u) {}
    std::string key;
    Entry entry;
    Millis until;
  };
  using Items = std::list<Item>;

  void erase(Items::iterator item);

  size_t capacity_;
  Millis ttl_;
  Items items_;                                                   // used last first
  std::unordered_map<std::string_view, Items::iterator> by_key_;  // keys live in items_
};

}  // namespace openmmp::directory
