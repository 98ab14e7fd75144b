#include "workers/directory/source.h"

#include <fmt/format.h>

namespace openmmp::directory {

namespace {

// Returns what is left of the entry. The parsed values are not wiped: the text that they come from
// stays in memory as long as we do.
Entry take_secrets(const Entry& entry, const std::vector<std::string>& attributes,
                   std::vector<Secret>& secrets) {
  for (const std::string& attribute : attributes) {
    const Values* values = entry.find(attribute);
    if (values == nullptr) continue;
    for (const std::string& value : *values) secrets.push_back(Secret::copy_of(value));
  }
  return Entry(entry.dn());
}

}  // namespace

Source::Source(std::string file, EmbeddedDirectory embedded)
    : file_(std::move(file)), embedded_(std::move(embedded)) {}

Source::Source(Loop& loop, LdapPoolOptions options, UniqueFd ca_file, Log& log)
    : ca_file_(std::move(ca_file)) {
  binder_.emplace(loop, options.access.copy(), options.size, options.refresh, log,
                  options.retry_pause);
  pool_.emplace(loop, std::move(options), log);
}

Task<SearchAnswer> Source::search(SearchRequest request) {
  if (embedded_) co_return search_file(request);
  co_return co_await pool_->search(std::move(request));
}

Task<> Source::bind(std::string dn, Secret password) {
  return binder_->check(std::move(dn), std::move(password));
}

Result<SearchAnswer> Source::search_file(const SearchRequest& request) {
  SearchAnswer answer;
  answer.source = file_;
  const Result<Dn> base = Dn::parse(request.base);
  if (!base && request.base_may_be_missing) return answer;
  if (!base) return fail(Errc::unavailable, base.error().detail);
  const Result<Filter> filter = parse_filter(request.filter);
  if (!filter) return fail(Errc::unavailable, filter.error().detail);
  answer.entries = embedded_->search(*base, *filter, 2, request.scope);
  for (Entry& entry : answer.entries) {
    entry.keep_only(request.attributes);
    if (request.is_secret) entry = take_secrets(entry, request.attributes, answer.secrets);
  }
  // As a server would say.
  if (answer.entries.empty() && !request.base_may_be_missing && !has_base(*base)) {
    return fail(Errc::unavailable,
                fmt::format("{}: search: nothing is at or below '{}'", file_, request.base));
  }
  return answer;
}

bool Source::has_base(const Dn& base) {
  if (base.is_root() || embedded_->has_entry(base)) return true;
  const auto [position, is_new] = bases_.try_emplace(base.to_string());
  if (is_new) position->second = embedded_->has_entry_below(base);
  return position->second;
}

}  // namespace openmmp::directory
