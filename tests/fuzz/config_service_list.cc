// The ServiceList option.
#include "config/service_list.h"
#include "tests/fuzz/fuzz.h"

namespace openmmp::fuzz {
namespace {

void check_entry(const config::ServiceEntry& entry) {
  CHECK(!entry.file.empty() && !entry.section.empty());
  CHECK(!entry.listeners.empty() && entry.listeners.size() <= 64);
  for (const HostPort& listener : entry.listeners) CHECK(listener.port != 0);
  const auto again = config::parse_service_entry(entry.name);
  CHECK(again && again->name == entry.name && again->executable == entry.executable);
  CHECK(again->file == entry.file && again->section == entry.section);
  CHECK(again->listeners == entry.listeners);
}

}  // namespace

void check_input(std::string_view input) {
  const config::ServiceList list = config::parse_service_list(input);
  CHECK(list.entries.size() <= 64);
  for (const config::ServiceEntry& entry : list.entries) check_entry(entry);
}

}  // namespace openmmp::fuzz
