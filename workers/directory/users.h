// The entries of users: found in the directory by a filter, remembered for a time.
//
// Belongs to a Directory, and must outlive the tasks that fetch().
#pragma once

#include <string>

#include "ipc/runtime/loop.h"
#include "ipc/runtime/task.h"
#include "workers/directory/cache.h"
#include "workers/directory/entry.h"
#include "workers/directory/lookups.h"
#include "workers/directory/source.h"

namespace openmmp::directory {

// An entry and the server or file it came from.
struct Found {
  Found(Entry e, std::string s) : entry(std::move(e)), source(std::move(s)) {}
  Entry entry;
  std::string source;
};

class Users {
 public:
  Users(Loop& loop, Source& source, size_t cache_size, Millis time_to_live)
      : loop_(loop), source_(source), cache_(cache_size, time_to_live), lookups_(loop) {}

  // Null: not known now. Valid until the next cached() or co_await.
  const Entry* cached(const std::string& key) { return cache_.find(key, loop_.now()); }

  // The one entry that the request finds; requests that differ have different keys. Errc::refused:
  // none, or more than one; Errc::unavailable: the directory could not say.
  Task<Found> fetch(std::string key, SearchRequest request);

 private:
  Task<Found> look_up(std::string key, SearchRequest request);

  Loop& loop_;
  Source& source_;
  Cache<Entry> cache_;
  Lookups<Found> lookups_;
};

}  // namespace openmmp::directory
