// The files of an instance directory: where a relative path leads, the -def rule, and bounded
// reading. All that touches the file system while a configuration is loaded is here.
#pragma once

#include <string>

#include "ipc/runtime/result.h"

namespace openmmp::config {

// The whole file. Fails when it is no regular file, cannot be read, or is longer than `limit`.
Result<std::string> read_file(const std::string& path, size_t limit);

// Whether this process can open the file; the failure says why not.
Result<> check_readable(const std::string& path);

bool exists(const std::string& path);

// The template that stands in for a missing X.cfg: X-def.cfg, empty for names of another form.
std::string template_of(const std::string& path);

enum class Supplied { was_there, copied, read_only, missing };

// The -def rule: makes `path` from its template when it is missing. `read_only` means that the
// template is there and the copy could not be written.
Supplied supply_from_template(const std::string& path);

}  // namespace openmmp::config
