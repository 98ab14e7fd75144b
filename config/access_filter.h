// Access filters, in TCPAccess, in a user's entry and in a domain's:
//   filter := rule ("$" rule)*     rule := ("+" | "-") services ":" clients
// A "+" rule that fits grants, else a "-" rule that fits denies; else the answer is yes, unless
// there are "+" rules and no "-" rules. Pure: the client's name comes in as an argument.
#pragma once

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

class AccessFilter {
 public:
  AccessFilter() = default;  // lets everybody in
  // Errc::protocol says which rule is none, and what would be accepted.
  static Result<AccessFilter> parse(std::string_view text);

  bool empty() const { return rules_.empty(); }
  // Whether the answer may depend on the client's name.
  bool needs_name() const { return needs_name_; }
  bool admits(const AccessQuery& query) const;

 private:
  struct Rule;  // its owner designs it
  std::vector<Rule> rules_;
  bool needs_name_ = false;
};

}  // namespace openmmp::config
