#include "workers/directory/ldap_directory.h"

#include <optional>

namespace openmmp::directory {

// A session that waits for a look-up.
class LdapDirectory::Answer : public Waiter {
 public:
  Answer(LdapDirectory& directory, const std::string& f) : filter(f), directory_(directory) {}
  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> waiting) {
    handle = waiting;
    directory_.join(*this);
  }
  Result<Found> await_resume() { return std::move(*result); }

  const std::string& filter;
  std::optional<Result<Found>> result;

 private:
  LdapDirectory& directory_;
};

struct LdapDirectory::Lookup {
  Lookup(LdapDirectory& d, const std::string& f)
      : directory(d), filter(f), task(d.pool_.search(SearchRequest(d.base_, f, d.attributes_))) {}
  LdapDirectory& directory;
  std::string filter;
  Task<SearchAnswer> task;
  LinkedList<Answer> answers;
};

LdapDirectory::LdapDirectory(Loop& loop, LdapDirectoryOptions options, UserCache& cache, Log& log)
    : loop_(loop),
      ca_file_(std::move(options.ca_file)),
      base_(std::move(options.base)),
      attributes_(std::move(options.attributes)),
      pool_(loop, std::move(options.pool), log),
      cache_(cache) {}

LdapDirectory::~LdapDirectory() = default;

Task<Found> LdapDirectory::find(std::string filter) {
  Answer answer(*this, filter);
  co_return co_await answer;
}

Task<SearchAnswer> LdapDirectory::search(SearchRequest request) {
  return pool_.search(std::move(request));
}

void LdapDirectory::join(Answer& answer) {
  ended_.clear();
  const auto [position, is_first] = lookups_.try_emplace(answer.filter);
  if (is_first) position->second = std::make_unique<Lookup>(*this, answer.filter);
  Lookup& lookup = *position->second;
  lookup.answers.push_back(answer);
  if (is_first) lookup.task.start(on_answer, &lookup);
}

void LdapDirectory::on_answer(void* argument) {
  auto& lookup = *static_cast<Lookup*>(argument);
  LdapDirectory& directory = lookup.directory;
  const Result<Found> result = directory.conclude(lookup);
  lookup.answers.for_each([&](Answer& answer) {
    answer.result = result;
    directory.loop_.resume_soon(answer);
  });
  auto ended = directory.lookups_.extract(lookup.filter);
  directory.ended_.push_back(std::move(ended.mapped()));
}

Result<Found> LdapDirectory::conclude(Lookup& lookup) {
  Result<SearchAnswer>& answer = lookup.task.result();
  if (!answer) return fail(answer.error());
  Result<Entry> entry = exactly_one(std::move(answer->entries), lookup.filter);
  if (!entry) return fail(entry.error());
  // Only users that exist: one who is added must not wait for a cache, and names that nobody has
  // must not push out those that somebody has.
  cache_.insert(lookup.filter, *entry, loop_.now());
  return Found(std::move(*entry), std::move(answer->source));
}

}  // namespace openmmp::directory
