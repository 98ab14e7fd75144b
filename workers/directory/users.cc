#include "workers/directory/users.h"

namespace openmmp::directory {

Task<Found> Users::fetch(std::string key, SearchRequest request) {
  Task<Found> work = look_up(key, std::move(request));
  // Nothing to share: an embedded directory answers before anybody else can ask.
  if (source_.embedded() != nullptr) return work;
  return lookups_.share(std::move(key), std::move(work));
}

Task<Found> Users::look_up(std::string key, SearchRequest request) {
  SearchAnswer answer = co_await source_.search(request);
  Entry entry = co_await exactly_one(std::move(answer.entries), request.filter);
  // Only users that exist: one who is added must not wait for a cache, and names that nobody has
  // must not push out those that somebody has.
  cache_.insert(key, entry, loop_.now());
  co_return Found(std::move(entry), std::move(answer.source));
}

}  // namespace openmmp::directory
