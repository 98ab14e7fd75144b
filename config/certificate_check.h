// Reads the certificates, keys and authorities among the files of a service and says what is wrong
// with them, so that nothing starts with a key that no client could use.
#pragma once

#include <cstdint>
#include <string>

#include "config/config.h"
#include "config/diagnostics.h"
#include "config/section.h"

namespace openmmp::config {

// "2026-12-05", of a time in seconds since 1970.
std::string date_text(int64_t seconds);

// Fills service.certificates. `now` is in seconds since 1970.
void check_certificates(const Section& section, int64_t now, Service& service, Diagnostics& out);

}  // namespace openmmp::config
