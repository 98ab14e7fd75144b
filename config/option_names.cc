#include <algorithm>
#include <numeric>
#include <vector>

#include "config/option_table.h"
#include "ipc/runtime/text.h"

namespace openmmp::config {
namespace {

// Longer than any option by more than what nearest_option() forgives.
constexpr size_t longest_guess = 64;

// Levenshtein distance, by rows.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

const Option* find_exact(std::string_view name) {
  for (const Option& option : options()) {
    if (equals_ignoring_case(option.name, name)) return &option;
  }
  return nullptr;
}

}  // namespace

Scope scope_of(Protocol protocol) {
  switch (protocol) {
    case Protocol::imap:
      return in_imap;
    case Protocol::pop:
      return in_pop;
    case Protocol::smtp:
      break;
  }
  return in_smtp;
}

std::string_view scope_name(Scope one) {
  switch (one) {
    case in_process:
      return "AService.cfg";
    case in_imap:
      return "IMAP";
    case in_pop:
      return "POP";
    default:
      return "SMTP";
  }
}

const Option* find_option(std::string_view name) {
  for (const Alias& alias : aliases()) {
    if (equals_ignoring_case(alias.name, name)) return find_exact(alias.option);
  }
  return find_exact(name);
}

const Option* nearest_option(std::string_view name) {
  if (name.size() > longest_guess) return nullptr;
  const std::string wanted = lower_case(name);
  const Option* nearest = nullptr;
  // A third of the letters may be wrong, so that a foreign name gets no absurd suggestion.
  size_t best = std::max<size_t>(2, name.size() / 3) + 1;
  for (const Option& option : options()) {
    const size_t distance = edit_distance(wanted, lower_case(option.name));
    if (distance < best) {
      best = distance;
      nearest = &option;
    }
  }
  return nearest;
}

}  // namespace openmmp::config
