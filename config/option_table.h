// THE table of options: one row an option, and every field of Settings has exactly one. Parsing,
// checking, `check`'s output and docs/options.md are all made from it, so that a new option is a
// field in settings.h and a row here. The rows are static and constant.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "config/config.h"
#include "config/settings.h"

namespace openmmp::config {

// A pointer to the field says the type of the value.
using Member =
    std::variant<bool Settings::*, int Settings::*, Seconds Settings::*, std::string Settings::*,
                 Secret Settings::*, Words Settings::*, AdminPolicy Settings::*>;

enum class Subject { process, directory, authentication, sessions, protections, smtp, tls };

// What the type alone does not say about a value.
enum class Form {
  plain,
  path,
  port,
  log_level,      // a number or the name of one
  ldap_url,       // "ldap://...", several, or "ldif:FILE?BASE"
  attribute,      // the name of an LDAP attribute
  attributes,     // names of them
  search_filter,  // an LDAP filter with %-escapes
  replay_format,  // %-escapes and %A[attribute]
  character,
  characters,
  host_port,
  host_ports,     // several, or names alone
  redis_urls,     // "redis://[USER@]HOST[:PORT][/DB]", rediss:// too, several
  http_url,       // "http://HOST[:PORT][/PATH]"
  http_server,    // such a URL, or host:port
  conn_limits,    // see config/conn_limits.h
  access_filter,  // see config/access_filter.h
  choice,         // one of Syntax::choices, or words of them
  paths,          // several files, none with a blank in its name
  ssl_ports,      // see config/ssl_ports.h
  ciphers,        // names as OpenSSL or NSS have them
  forward_client,
  fingerprints,  // SHA-256, of certificates
  addresses,     // of IP
  networks,
  distinguished_names,  // one, or several in double quotes each
};

// From where the option comes: the original's documentation, or our own.
enum class Origin { mmp, ours };

// In which files the option may stand: a set of these bits.
using Scope = uint8_t;
inline constexpr Scope in_process = 1;
inline constexpr Scope in_imap = 2;
inline constexpr Scope in_pop = 4;
inline constexpr Scope in_smtp = 8;
inline constexpr Scope in_vdmap = 16;
inline constexpr Scope in_store_file = 32;
inline constexpr Scope in_stores = in_imap | in_pop;
inline constexpr Scope in_proxies = in_stores | in_smtp;
Scope scope_of(Protocol protocol);
std::string_view scope_name(Scope one);  // "IMAP"; `one` has one bit

// What setting the option does in this release.
enum class Effect {
  now,
  later,  // accepted and checked, nothing else
  never,  // accepted so that older configurations load
};

struct Range {
  int64_t min = 0;
  int64_t max = 0;
};

struct Syntax {
  Form form = Form::plain;
  Range range;  // numbers only
  std::string_view unit;
  std::span<const std::string_view> choices;  // of Form::choice and forward_client
};

struct Option {
  std::string_view name;
  Member member;
  Subject subject = Subject::process;
  Syntax syntax;
  Origin origin = Origin::mmp;
  Scope scope = 0;
  Effect effect = Effect::later;
  std::string_view help;
  bool applies_to(Scope one) const { return (scope & one) != 0; }
};

std::span<const Option> options();

// Another spelling of an option, from earlier or later releases of the original.
struct Alias {
  std::string_view name;
  std::string_view option;
};
std::span<const Alias> aliases();

// By name or alias, case ignored; null when there is none.
const Option* find_option(std::string_view name);
// The option whose name is nearest to a misspelt one; null when none is near.
const Option* nearest_option(std::string_view name);

}  // namespace openmmp::config
