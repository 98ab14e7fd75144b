#include "config/options_doc.h"

#include <fmt/format.h>

#include <iterator>

#include "config/option_value.h"

namespace openmmp::config {
namespace {

constexpr std::string_view introduction = R"(# Options

This page is generated from the option table, `config/option_table.cc`; edit that.

An option is a line `SECTION:NAME VALUE` of a file of the instance directory: `AService.cfg` for the
process, the file of a service (by default `ImapProxyAService.cfg`, `PopProxyAService.cfg`,
`SmtpProxyAService.cfg`) for the service. The section is `default` unless ServiceList names another.
Case of the name does not matter; a later line wins; a `#` in column 1 makes a comment. A value with
blanks may stand in double quotes; `""` is the empty value. Booleans are `yes` or `no` (`true`,
`false`, `on`, `off`, `1`, `0`). Relative paths are relative to the instance directory.

*Where*: A is AService.cfg, I, P and S are the files of IMAP, POP and SMTP services; V: the option
can also be set for a virtual domain, in the vdmap file; F: also for some stores, in StoreFile, see
[stores.md](stores.md). *Effect*: an option without effect is accepted and checked, and `check` says
so when it is set. *Origin*: `mmp` options are those of the iPlanet, Sun and Oracle Messaging
Multiplexors, `ours` are new.
)";

constexpr std::pair<Subject, std::string_view> subjects[] = {
    {Subject::process, "Process"},
    {Subject::directory, "Directory"},
    {Subject::authentication, "Authentication"},
    {Subject::sessions, "Stores and sessions"},
    {Subject::protections, "Protections"},
    {Subject::smtp, "SMTP"},
    {Subject::tls, "TLS"},
};

constexpr std::pair<Scope, char> places[] = {{in_process, 'A'}, {in_imap, 'I'},
                                             {in_pop, 'P'},     {in_smtp, 'S'},
                                             {in_vdmap, 'V'},   {in_store_file, 'F'}};

// A '|' would end the cell.
std::string cell(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '|') result += '\\';
    result += c;
  }
  return result;
}

std::string type_cell(const Option& option) {
  const auto [min, max] = option.syntax.range;
  std::string result(type_name(option));
  if (max == 0) return result;
  fmt::format_to(std::back_inserter(result), ", {} to {}", min, max);
  if (!option.syntax.unit.empty()) result += " " + std::string(option.syntax.unit);
  return result;
}

std::string where_cell(const Option& option) {
  std::string result;
  for (const auto& [scope, letter] : places) {
    if (option.applies_to(scope)) result += letter;
  }
  return result;
}

std::string_view effect_cell(const Option& option) {
  switch (option.effect) {
    case Effect::now:
      return "yes";
    case Effect::never:
      return "no";
    case Effect::later:
      break;
  }
  return "not yet";
}

// An empty cell is the empty value.
std::string default_cell(const Option& option) {
  const std::string text = default_text(option);
  return text.empty() ? "" : fmt::format("`{}`", cell(text));
}

void print_row(const Option& option, std::string& out) {
  fmt::format_to(std::back_inserter(out), "| `{}` | {} | {} | {} | {} | {} | {} |\n", option.name,
                 type_cell(option), default_cell(option), where_cell(option), effect_cell(option),
                 option.origin == Origin::mmp ? "mmp" : "ours", cell(option.help));
}

}  // namespace

std::string options_markdown() {
  std::string out(introduction);
  for (const auto& [subject, title] : subjects) {
    fmt::format_to(std::back_inserter(out),
                   "\n## {}\n\n| option | value | default | where | effect | origin | what it does "
                   "|\n| --- | --- | --- | --- | --- | --- | --- |\n",
                   title);
    for (const Option& option : options()) {
      if (option.subject == subject) print_row(option, out);
    }
  }
  out +=
      "\n## Other spellings\n\nNames of earlier or later releases of the original.\n\n"
      "| name | option |\n| --- | --- |\n";
  for (const Alias& alias : aliases()) {
    fmt::format_to(std::back_inserter(out), "| `{}` | `{}` |\n", alias.name, alias.option);
  }
  return out;
}

}  // namespace openmmp::config
