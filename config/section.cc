#include "config/section.h"

#include <fmt/format.h>

#include <algorithm>

#include "config/option_value.h"

namespace openmmp::config {
namespace {

std::string scope_list(const Option& option) {
  std::vector<std::string_view> names;
  for (const Scope one : {in_process, in_imap, in_pop, in_smtp}) {
    if (option.applies_to(one)) names.push_back(scope_name(one));
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

// Not an error: the original ignored such lines, and its own examples contain some.
std::string misplaced(const Option& option, Scope scope) {
  if (scope == in_store_file) return "cannot be set for a group of stores; the line is ignored";
  if (scope == in_vdmap) return "cannot be set for a virtual domain; the line is ignored";
  return fmt::format("has no meaning for {}; the line is ignored. It belongs to: {}",
                     scope_name(scope), scope_list(option));
}

// Nothing is worse than an option that is believed to protect and does not: say so.
void note_effect(const Section& section, const Given& given, const std::string& file,
                 Diagnostics& out) {
  const Option& option = *given.option;
  const Place place{file, given.line, std::string(option.name)};
  const std::string value = value_text(section.settings, option);
  if (option.effect == Effect::later && value != default_text(option)) {
    out.note(place, "accepted, has no effect yet");
  }
  if (option.effect == Effect::never && value != default_text(option)) {
    out.note(place, "accepted so that older files load, has no effect");
  }
}

// The last good line for an option counts. That an earlier one does not is worth a note: scripts
// append corrected lines, but people forget that they did.
void set_option(Section& section, const CfgLine& line, const Option& option,
                const std::string& file, Diagnostics& out) {
  const Place place{file, line.number, std::string(option.name)};
  if (Result<> set = set_value(section.settings, option, line.value); !set) {
    out.error(place, set.error().detail);
    return;
  }
  const auto before = std::find_if(section.given.begin(), section.given.end(),
                                   [&](const Given& g) { return g.option == &option; });
  if (before != section.given.end()) {
    out.note({file, before->line, std::string(option.name)},
             fmt::format("set again in line {}, which counts", line.number));
    section.given.erase(before);
  }
  section.given.push_back({&option, line.value, line.number});
}

}  // namespace

const Given* Section::find(std::string_view option) const {
  for (const Given& one : given) {
    if (one.option->name == option) return &one;
  }
  return nullptr;
}

Pairs Section::pairs() const {
  Pairs result;
  for (const Given& one : given) result.emplace_back(one.option->name, one.value);
  return result;
}

const Option* option_of(const CfgLine& line, const std::string& file, Scope scope,
                        Diagnostics& out) {
  const Option* const option = find_option(line.key);
  if (option == nullptr) {
    const Option* const nearest = nearest_option(line.key);
    const std::string hint = nearest == nullptr ? "" : fmt::format("; is {} meant?", nearest->name);
    out.warning({file, line.number, line.key},
                fmt::format("unknown option, the line is ignored{}", hint));
    return nullptr;
  }
  if (!option->applies_to(scope)) {
    out.warning({file, line.number, std::string(option->name)}, misplaced(*option, scope));
    return nullptr;
  }
  if (line.quoted_words && option->syntax.form != Form::distinguished_names) {
    out.error({file, line.number, std::string(option->name)},
              "has text behind the closing double quote; accepted: one pair of quotes around the "
              "whole value, or none");
    return nullptr;
  }
  return option;
}

Section read_section(const CfgFile& cfg, const std::string& file,
                     std::span<const std::string_view> names, Scope scope, Diagnostics& out) {
  Section section;
  for (const std::string_view name : names) {
    for (const CfgLine& line : cfg.lines) {
      if (line.section != name) continue;
      const Option* const option = option_of(line, file, scope, out);
      if (option != nullptr) set_option(section, line, *option, file, out);
    }
  }
  for (const Given& given : section.given) note_effect(section, given, file, out);
  return section;
}

}  // namespace openmmp::config
