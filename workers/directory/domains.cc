#include "workers/directory/domains.h"

#include <fmt/format.h>

namespace openmmp::directory {

namespace {

// More are a loop, or a tree that nobody understands.
constexpr int max_aliases = 5;

Failure not_found(const std::string& name) {
  return fail(Errc::refused, fmt::format("domain '{}' not found in LDAP (-1 )", name));
}

}  // namespace

Task<Domain> Domains::fetch(std::string name) {
  Task<Domain> work = look_up(name);
  // Nothing to share: an embedded directory answers before anybody else can ask.
  if (source_.embedded() != nullptr) return work;
  return lookups_.share(std::move(name), std::move(work));
}

Task<Domain> Domains::look_up(std::string name) {
  const Result<SearchRequest> request = domain_search(name, rules_);
  if (!request) co_return not_found(name);
  SearchAnswer answer = co_await source_.search(*request);
  if (answer.entries.empty()) co_return not_found(name);
  Entry first = co_await exactly_one(std::move(answer.entries), request->filter);
  const Entry entry = co_await follow(std::move(first));
  Domain domain = co_await read_domain(entry, name, rules_);
  domain.source = std::move(answer.source);
  cache_.insert(name, domain, loop_.now());
  co_return domain;
}

// To the entry that is no alias.
Task<Entry> Domains::follow(Entry entry) {
  for (int passed = 0;; ++passed) {
    const std::string target = co_await alias_target(entry, rules_);
    if (target.empty()) co_return std::move(entry);
    if (passed == max_aliases) break;
    SearchRequest request(target, "(objectClass=*)", rules_.attributes());
    request.scope = Scope::base;
    request.base_may_be_missing = true;
    SearchAnswer answer = co_await source_.search(std::move(request));
    if (answer.entries.empty()) {
      co_return fail(Errc::unavailable, fmt::format("entry '{}': {}: '{}' is not there", entry.dn(),
                                                    rules_.alias, target));
    }
    entry = std::move(answer.entries.front());
  }
  co_return fail(Errc::unavailable,
                 fmt::format("entry '{}': more than {} aliases, one after the other", entry.dn(),
                             max_aliases));
}

}  // namespace openmmp::directory
