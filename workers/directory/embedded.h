// A directory that is one LDIF file in memory: the same entries and filters as LDAP, no server.
//
// It keeps the text and parses an entry again each time it is asked for, which costs a few
// microseconds; what it keeps besides is 32 bytes an entry and 16 a value of an indexed attribute.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ipc/runtime/result.h"
#include "workers/directory/dn.h"
#include "workers/directory/entry.h"
#include "workers/directory/filter.h"
#include "workers/directory/ldif.h"

namespace openmmp::directory {

class EmbeddedDirectory {
 public:
  // Errc::protocol with "line N: ..." for a text that is no list of entries with different DNs.
  static Result<EmbeddedDirectory> from_ldif(std::string text);

  // Every entry is parsed once more for each attribute that `filter` can be looked up by. Without
  // this the first search() does it.
  void prepare(const Filter& filter);
  bool has_entry(const Dn& dn) const;
  bool has_entry_below(const Dn& base) const;

  // At most `limit` entries within the scope that match, in the order of the file.
  std::vector<Entry> search(const Dn& base, const Filter& filter, size_t limit,
                            Scope scope = Scope::subtree);

  size_t size() const { return records_.size(); }

 private:
  // Hash of a folded value and the number of the record that has it, sorted. A hash is enough: the
  // filter is matched against the entry anyway.
  using Index = std::vector<std::pair<uint64_t, uint32_t>>;
  using Range = std::pair<Index::const_iterator, Index::const_iterator>;

  static Range equal_range(const Index& index, uint64_t hash);

  Result<> load();
  Result<> check_unique() const;
  Entry read(uint32_t record) const;
  const Index& index_of(const std::string& attribute);
  Range find_equal(const Filter& filter);
  size_t estimate(const Filter& filter);
  void collect(const Filter& filter, std::vector<uint32_t>& records);
  // What the scope and the indexes leave to look at.
  std::vector<uint32_t> candidates(const Dn& base, const Filter& filter, Scope scope);

  std::string text_;
  std::vector<LdifReader::Position> records_;
  Index dns_;  // of the DNs in their one form
  std::map<std::string, Index> indexes_;
};

}  // namespace openmmp::directory
