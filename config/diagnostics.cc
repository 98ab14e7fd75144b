#include "config/diagnostics.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace openmmp::config {
std::string_view severity_name(Severity severity) {
  switch (severity) {
    case Severity::error:
      return "error";
    case Severity::warning:
      return "warning";
    case Severity::note:
      break;
  }
  return "note";
}

std::string Diagnostic::to_string() const {
  std::string place = file;
  if (line != 0) place += fmt::format(":{}", line);
  if (!option.empty()) place += fmt::format(": {}", option);
  return fmt::format("{}: {}: {}", place, severity_name(severity), text);
}

bool Config::ok() const {
  return std::none_of(diagnostics.begin(), diagnostics.end(),
                      [](const Diagnostic& d) { return d.severity == Severity::error; });
}

void Diagnostics::error(const Place& place, std::string text) {
  add(Severity::error, place, std::move(text));
}

void Diagnostics::warning(const Place& place, std::string text) {
  add(Severity::warning, place, std::move(text));
}

void Diagnostics::note(const Place& place, std::string text) {
  add(Severity::note, place, std::move(text));
}

void Diagnostics::add(Severity severity, const Place& place, std::string text) {
  // Keeps the rank of a file that is known already.
  files_.emplace(place.file, files_.size());
  Diagnostic diagnostic{severity, place.file, place.line, place.option, std::move(text)};
  if (said_.insert(diagnostic.to_string()).second) list_.push_back(std::move(diagnostic));
}

std::vector<Diagnostic> Diagnostics::take() {
  std::stable_sort(list_.begin(), list_.end(), [&](const Diagnostic& a, const Diagnostic& b) {
    return std::pair(files_[a.file], a.line) < std::pair(files_[b.file], b.line);
  });
  return std::move(list_);
}

}  // namespace openmmp::config
