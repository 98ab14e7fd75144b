#include "workers/directory/embedded.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <numeric>

#include "workers/directory/text.h"

namespace openmmp::directory {

namespace {

using Kind = Filter::Kind;

// What estimate() says of a filter that no index helps with.
constexpr size_t everything = std::numeric_limits<size_t>::max();

uint64_t hash(const std::string& text) { return std::hash<std::string>()(text); }

// Nearly every entry has the same object classes: an index of them is large and finds nothing.
bool is_selective(const Filter& filter) {
  return filter.kind == Kind::equal && filter.attribute != "objectclass";
}

}  // namespace

Result<EmbeddedDirectory> EmbeddedDirectory::from_ldif(std::string text) {
  EmbeddedDirectory directory;
  directory.text_ = std::move(text);
  if (const Result<> loaded = directory.load(); !loaded) return fail(loaded.error());
  return directory;
}

Result<> EmbeddedDirectory::load() {
  LdifReader reader(text_);
  for (;;) {
    const Result<std::optional<Entry>> entry = reader.next();
    if (!entry) return fail(entry.error());
    if (!*entry) break;
    const Result<Dn> dn = Dn::parse((*entry)->dn());
    if (!dn) {
      return fail(Errc::protocol,
                  fmt::format("line {}: {}", reader.position().line, dn.error().detail));
    }
    dns_.emplace_back(hash(dn->to_string()), static_cast<uint32_t>(records_.size()));
    records_.push_back(reader.position());
  }
  if (records_.empty()) return fail(Errc::protocol, "line 1: there is no entry in it");
  std::sort(dns_.begin(), dns_.end());
  dns_.shrink_to_fit();
  return check_unique();
}

Result<> EmbeddedDirectory::check_unique() const {
  for (size_t i = 1; i < dns_.size(); ++i) {
    if (dns_[i].first != dns_[i - 1].first) continue;
    const Entry first = read(dns_[i - 1].second);
    const Entry second = read(dns_[i].second);
    if (*Dn::parse(first.dn()) == *Dn::parse(second.dn())) {
      return fail(Errc::protocol,
                  fmt::format("line {}: '{}' is already at line {}", records_[dns_[i].second].line,
                              second.dn(), records_[dns_[i - 1].second].line));
    }
  }
  return {};
}

Entry EmbeddedDirectory::read(uint32_t record) const {
  // load() has read this record without an error before.
  return std::move(**LdifReader(text_, records_[record]).next());
}

const EmbeddedDirectory::Index& EmbeddedDirectory::index_of(const std::string& attribute) {
  const auto [position, is_new] = indexes_.try_emplace(attribute);
  Index& index = position->second;
  if (!is_new) return index;
  for (uint32_t record = 0; record < records_.size(); ++record) {
    const Entry entry = read(record);
    const Values* values = entry.find(attribute);
    if (values == nullptr) continue;
    for (const std::string& value : *values) index.emplace_back(hash(fold(value)), record);
  }
  std::sort(index.begin(), index.end());
  index.erase(std::unique(index.begin(), index.end()), index.end());
  index.shrink_to_fit();
  return index;
}

EmbeddedDirectory::Range EmbeddedDirectory::equal_range(const Index& index, uint64_t hash) {
  const auto first =
      std::lower_bound(index.begin(), index.end(), std::make_pair(hash, uint32_t{0}));
  auto last = first;
  while (last != index.end() && last->first == hash) ++last;
  return {first, last};
}

EmbeddedDirectory::Range EmbeddedDirectory::find_equal(const Filter& filter) {
  return equal_range(index_of(filter.attribute), hash(filter.value));
}

// How many entries an index leaves to look at.
size_t EmbeddedDirectory::estimate(const Filter& filter) {
  if (is_selective(filter)) {
    const Range range = find_equal(filter);
    return static_cast<size_t>(range.second - range.first);
  }
  if (filter.kind == Kind::all) {
    size_t least = everything;
    for (const Filter& part : filter.parts) least = std::min(least, estimate(part));
    return least;
  }
  if (filter.kind != Kind::any) return everything;
  size_t sum = 0;
  for (const Filter& part : filter.parts) {
    const size_t count = estimate(part);
    if (count == everything) return everything;
    sum += count;
  }
  return sum;
}

// Only for filters that estimate() knows a number for.
void EmbeddedDirectory::collect(const Filter& filter, std::vector<uint32_t>& records) {
  if (filter.kind == Kind::equal) {
    const Range range = find_equal(filter);
    for (auto i = range.first; i != range.second; ++i) records.push_back(i->second);
  } else if (filter.kind == Kind::any) {
    for (const Filter& part : filter.parts) collect(part, records);
  } else {
    const Filter* best = nullptr;
    size_t least = everything;
    for (const Filter& part : filter.parts) {
      const size_t count = estimate(part);
      if (count < least) best = &part;
      least = std::min(least, count);
    }
    collect(*best, records);
  }
}

void EmbeddedDirectory::prepare(const Filter& filter) { estimate(filter); }

bool EmbeddedDirectory::has_entry(const Dn& dn) const {
  const Range range = equal_range(dns_, hash(dn.to_string()));
  return std::any_of(range.first, range.second, [&](const std::pair<uint64_t, uint32_t>& item) {
    return *Dn::parse(read(item.second).dn()) == dn;
  });
}

bool EmbeddedDirectory::has_entry_below(const Dn& base) const {
  for (uint32_t record = 0; record < records_.size(); ++record) {
    if (Dn::parse(read(record).dn())->is_at_or_below(base)) return true;
  }
  return false;
}

std::vector<uint32_t> EmbeddedDirectory::candidates(const Dn& base, const Filter& filter,
                                                    Scope scope) {
  std::vector<uint32_t> records;
  if (scope == Scope::base) {
    const Range range = equal_range(dns_, hash(base.to_string()));
    for (auto i = range.first; i != range.second; ++i) records.push_back(i->second);
  } else if (estimate(filter) == everything) {
    records.resize(records_.size());
    std::iota(records.begin(), records.end(), uint32_t{0});
  } else {
    collect(filter, records);
    std::sort(records.begin(), records.end());
    records.erase(std::unique(records.begin(), records.end()), records.end());
  }
  return records;
}

std::vector<Entry> EmbeddedDirectory::search(const Dn& base, const Filter& filter, size_t limit,
                                             Scope scope) {
  const auto is_in_scope = [&](const Entry& entry) {
    if (scope == Scope::subtree && base.is_root()) return true;
    const Dn dn = *Dn::parse(entry.dn());
    return scope == Scope::base ? dn == base : dn.is_at_or_below(base);
  };
  std::vector<Entry> found;
  for (const uint32_t record : candidates(base, filter, scope)) {
    if (found.size() == limit) break;
    Entry entry = read(record);
    if (match(filter, entry) == Truth::yes && is_in_scope(entry)) found.push_back(std::move(entry));
  }
  return found;
}

}  // namespace openmmp::directory
