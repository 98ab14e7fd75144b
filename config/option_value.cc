#include "config/option_value.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "config/cfg_file.h"
#include "config/option_syntax.h"
#include "ipc/runtime/text.h"

namespace openmmp::config {
namespace {

bool is_one_of(std::string_view value, std::initializer_list<std::string_view> choices) {
  return std::any_of(choices.begin(), choices.end(),
                     [&](std::string_view choice) { return equals_ignoring_case(value, choice); });
}

// Strict: "25s" or "0x10" is more likely a misunderstanding than a number.
Result<int> parse_number(const Syntax& syntax, std::string_view value) {
  const auto [min, max] = syntax.range;
  int64_t number = 0;
  const char* const end = value.data() + value.size();
  const auto [stop, error] = std::from_chars(value.data(), end, number);
  const bool whole = stop == end && error == std::errc();
  if (whole && number >= min && number <= max) return static_cast<int>(number);
  const bool too_long = stop == end && error == std::errc::result_out_of_range;
  return fail(Errc::protocol, fmt::format("'{}' is {}; accepted: {} to {}{}{}", value,
                                          whole || too_long ? "out of range" : "not a whole number",
                                          min, max, syntax.unit.empty() ? "" : " ", syntax.unit));
}

// Earlier releases wrote numbers, the last ones names.
constexpr std::pair<std::string_view, int> level_names[] = {
    {"error", 3}, {"warning", 4}, {"notice", 5}, {"info", 6}, {"debug", 7}};

// One overload for each type of field; each changes the field only when all is well.

Result<> parse(const Option&, std::string_view value, bool& field) {
  const bool yes = is_one_of(value, {"yes", "true", "1", "on"});
  if (!yes && !is_one_of(value, {"no", "false", "0", "off"})) {
    return fail(Errc::protocol, fmt::format("'{}' is neither yes nor no; accepted: yes or no, true "
                                            "or false, on or off, 1 or 0",
                                            value));
  }
  field = yes;
  return {};
}

Result<> parse(const Option& option, std::string_view value, int& field) {
  if (option.syntax.form == Form::log_level) {
    for (const auto& [name, level] : level_names) {
      if (!equals_ignoring_case(name, value)) continue;
      field = level;
      return {};
    }
  }
  const Result<int> number = parse_number(option.syntax, value);
  if (!number) return fail(number.error());
  field = *number;
  return {};
}

Result<> parse(const Option& option, std::string_view value, Seconds& field) {
  const Result<int> number = parse_number(option.syntax, value);
  if (!number) return fail(number.error());
  field = Seconds(*number);
  return {};
}

// A value with a syntax may be empty only where that is what it is by default.
Result<> check_text(const Option& option, std::string_view value) {
  const Form form = option.syntax.form;
  if (form == Form::plain || form == Form::path || form == Form::choice) return {};
  if (!value.empty()) return check_form(form, value);
  // No limits at all are a policy, too, and so is no port.
  if (form == Form::conn_limits || form == Form::ssl_ports || default_text(option).empty())
    return {};
  return fail(Errc::protocol,
              fmt::format("is empty; accepted: as \"{}\", the default", default_text(option)));
}

// Stored as the table spells it, so that nobody behind this has to ignore case.
Result<> make_choice(const Syntax& syntax, std::string& word) {
  for (const std::string_view choice : syntax.choices) {
    if (!equals_ignoring_case(choice, word)) continue;
    word = choice;
    return {};
  }
  return fail(Errc::protocol, fmt::format("'{}' is none of the values; accepted: {}", word,
                                          fmt::join(syntax.choices, ", ")));
}

Result<> parse(const Option& option, std::string_view value, std::string& field) {
  if (Result<> checked = check_text(option, value); !checked) return checked;
  std::string text(value);
  if (option.syntax.form == Form::choice) {
    if (Result<> chosen = make_choice(option.syntax, text); !chosen) return chosen;
  }
  field = std::move(text);
  return {};
}

Result<> parse(const Option&, std::string_view value, Secret& field) {
  field = Secret::copy_of(value);
  return {};
}

Result<> parse(const Option& option, std::string_view value, Words& field) {
  if (Result<> checked = check_text(option, value); !checked) return checked;
  std::vector<std::string> words = words_of(option.syntax.form, value);
  for (std::string& word : words) {
    if (option.syntax.choices.empty()) break;
    if (Result<> chosen = make_choice(option.syntax, word); !chosen) return chosen;
  }
  field = std::move(words);
  return {};
}

Result<> parse(const Option&, std::string_view value, AdminPolicy& field) {
  if (!is_one_of(value, {"simple", "group"})) {
    return fail(Errc::protocol, fmt::format("'{}' is no policy; accepted: simple or group", value));
  }
  field = equals_ignoring_case(value, "group") ? AdminPolicy::group : AdminPolicy::simple;
  return {};
}

// The way back: what set_value() would read as the same value.

std::string text(bool value) { return value ? "yes" : "no"; }
std::string text(int value) { return std::to_string(value); }
std::string text(Seconds value) { return std::to_string(value.count()); }
std::string text(const std::string& value) { return value; }
std::string text(const Secret& value) { return value.empty() ? "" : "***"; }
std::string text(const Words& value) { return fmt::format("{}", fmt::join(value, " ")); }
std::string text(AdminPolicy value) { return value == AdminPolicy::group ? "group" : "simple"; }

std::string_view type_of(bool Settings::*) { return "boolean"; }
std::string_view type_of(int Settings::*) { return "number"; }
std::string_view type_of(Seconds Settings::*) { return "number"; }
std::string_view type_of(std::string Settings::*) { return "text"; }
std::string_view type_of(Secret Settings::*) { return "secret"; }
std::string_view type_of(Words Settings::*) { return "words"; }
std::string_view type_of(AdminPolicy Settings::*) { return "simple or group"; }

}  // namespace

Result<> set_value(Settings& settings, const Option& option, std::string_view value) {
  return std::visit([&](auto member) { return parse(option, value, settings.*member); },
                    option.member);
}

std::string value_text(const Settings& settings, const Option& option) {
  if (const auto* const words = std::get_if<Words Settings::*>(&option.member)) {
    if (option.syntax.form == Form::distinguished_names && (settings.**words).size() > 1) {
      return fmt::format("\"{}\"", fmt::join(settings.**words, "\" \""));
    }
  }
  return std::visit([&](auto member) { return text(settings.*member); }, option.member);
}

std::string default_text(const Option& option) { return value_text(Settings(), option); }

namespace {

// Those forms whose name is not that of the field's type.
constexpr std::pair<Form, std::string_view> form_names[] = {
    {Form::path, "path"},
    {Form::port, "port"},
    {Form::log_level, "level"},
    {Form::ldap_url, "directory URLs"},
    {Form::attribute, "attribute"},
    {Form::attributes, "attributes"},
    {Form::search_filter, "filter"},
    {Form::replay_format, "format"},
    {Form::character, "character"},
    {Form::characters, "characters"},
    {Form::host_port, "host:port"},
    {Form::host_ports, "hosts"},
    {Form::redis_urls, "redis URLs"},
    {Form::http_url, "URL"},
    {Form::http_server, "URL or host:port"},
    {Form::conn_limits, "limits"},
    {Form::access_filter, "access filter"},
    {Form::paths, "paths"},
    {Form::ssl_ports, "ports"},
    {Form::ciphers, "ciphers"},
    {Form::fingerprints, "fingerprints"},
    {Form::addresses, "addresses"},
    {Form::networks, "networks"},
    {Form::distinguished_names, "DNs"},
};

}  // namespace

std::string type_name(const Option& option) {
  for (const auto& [form, name] : form_names) {
    if (form == option.syntax.form) return std::string(name);
  }
  if (!option.syntax.choices.empty()) {
    const bool several = std::holds_alternative<Words Settings::*>(option.member);
    return fmt::format("{}{}", several ? "words of " : "",
                       fmt::join(option.syntax.choices, several ? ", " : " or "));
  }
  return std::string(std::visit([](auto member) { return type_of(member); }, option.member));
}

bool is_secret(const Option& option) {
  return std::holds_alternative<Secret Settings::*>(option.member);
}

}  // namespace openmmp::config
