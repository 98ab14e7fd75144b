// The hosted domains of a site: found in the directory, remembered for a time. A domain that is not
// there, or cannot be read now, is asked for again each time.
//
// Belongs to a Directory, and must outlive the tasks that fetch().
#pragma once

#include <string>

#include "ipc/runtime/loop.h"
#include "ipc/runtime/task.h"
#include "workers/directory/cache.h"
#include "workers/directory/domain.h"
#include "workers/directory/lookups.h"
#include "workers/directory/source.h"

namespace openmmp::directory {

class Domains {
 public:
  Domains(Loop& loop, Source& source, DomainRules rules, size_t cache_size, Millis time_to_live)
      : loop_(loop),
        source_(source),
        rules_(std::move(rules)),
        cache_(cache_size, time_to_live),
        lookups_(loop) {}

  const DomainRules& rules() const { return rules_; }

  // `name` in lower case. Null: not known now. Valid until the next cached() or co_await.
  const Domain* cached(const std::string& name) { return cache_.find(name, loop_.now()); }

  // Errc::refused: there is no such domain, or more than one; Errc::unavailable: the directory
  // could not say, or has an entry that cannot be used.
  Task<Domain> fetch(std::string name);

 private:
  Task<Domain> look_up(std::string name);
  Task<Entry> follow(Entry entry);

  Loop& loop_;
  Source& source_;
  const DomainRules rules_;
  Cache<Domain> cache_;
  Lookups<Domain> lookups_;
};

}  // namespace openmmp::directory
