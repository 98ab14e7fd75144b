// What the four status attributes of a domain and its user say of a login. Pure.
//
// They are read in the order inetDomainStatus, mailDomainStatus, inetUserStatus, mailUserStatus;
// the least permissive wins, and of equals the first.
#pragma once

#include <string>
#include <string_view>

#include "workers/directory/entry.h"

namespace openmmp::directory {

// Suspended: the client may try again later. Closed: it need not.
enum class Standing { active, suspended, closed };

enum class StatusOf { domain, user };

// Of one value. An unknown one closes: whoever wrote it did not mean "active".
Standing standing_of(StatusOf what, std::string_view value);

class Judgement {
 public:
  // Takes in what the entry's attribute says of `name`, a domain or a user. An attribute that is
  // missing or empty says nothing.
  void add(StatusOf what, std::string_view name, const Entry& entry, std::string_view attribute);

  Standing standing() const { return standing_; }
  // Why, for the log: "user 'joe@x.org' mailUserStatus: 'disabled'". Empty while active.
  const std::string& text() const { return text_; }

 private:
  Standing standing_ = Standing::active;
  std::string text_;
};

}  // namespace openmmp::directory
