// Access filters, in TCPAccess, in a user's entry and in a domain's:
//   filter := rule ("$" rule)*     rule := ("+" | "-") services ":" clients
// A "+" rule that fits grants, else a "-" rule that fits denies; else the answer is yes, unless
// there are "+" rules and no "-" rules. Pure: the client's name comes in as an argument.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/runtime/address.h"
#include "ipc/runtime/network.h"
#include "ipc/runtime/result.h"

namespace openmmp::config {

// What a filter may ask about a client.
struct AccessQuery {
  std::string service;  // "imap", "pop", "smtp"
  bool tls = false;     // then "imaps", "pops", "smtps" fits, too
  SocketAddress client;
  SocketAddress local;
  // Of the client: its address has this name and the name has this address. Empty: not known.
  std::string name;
  bool name_is_false = false;  // it has a name, which does not lead back: DNSSPOOFER
};

// Whether a host may have this name: letters, digits, '-', '_' in labels, the last no number, for
// then it is an address.
bool is_host_name(std::string_view text);

// "a b EXCEPT c EXCEPT d": a or b, unless it is c and not d.
template <class Item>
struct ExceptList {
  std::vector<std::vector<Item>> parts;
  template <class Fits>
  bool any(Fits fits) const {
    bool result = false;
    for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
      result = !result && std::any_of(part->begin(), part->end(), fits);
    }
    return result;
  }
};

class AccessFilter {
 public:
  AccessFilter() = default;  // lets everybody in
  // Errc::protocol says which rule is none, and what would be accepted.
  static Result<AccessFilter> parse(std::string_view text);

  bool empty() const { return rules_.empty(); }
  // Whether the answer may depend on the client's name.
  bool needs_name() const { return needs_name_; }
  // Whether a rule asks who the client's user is (user@host), which nobody can say: ident is not
  // spoken. Such a filter admits no one.
  bool needs_ident() const { return needs_ident_; }
  bool admits(const AccessQuery& query) const;

 private:
  friend class FilterReader;
  struct Host {
    enum class Kind { all, network, name, domain, local, known, unknown, spoofer };
    Kind kind = Kind::all;
    std::string name;                // in lower case; of a domain with its dot
    std::optional<Network> network;  // of Kind::network
    bool is(const SocketAddress& address) const;
    bool is_client(const AccessQuery& query) const;
  };
  struct Service {
    std::string name;  // "imaps"; empty: all
    Host at;           // which of our addresses
  };
  struct Rule {
    bool grants = false;
    ExceptList<Service> services;
    ExceptList<Host> clients;
  };
  bool fits(const Rule& rule, const AccessQuery& query) const;
  bool fits(const Service& service, const AccessQuery& query) const;
  bool mentions(std::string_view service) const;

  std::vector<Rule> rules_;
  std::vector<std::string> services_;  // that any rule names
  bool needs_name_ = false;
  bool needs_ident_ = false;
};

}  // namespace openmmp::config
