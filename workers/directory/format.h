// SearchFormat and ReplayFormat, and what a domain's entry says in their place: templates with
// escapes, parsed once and then filled in for every login. Pure.
//
//   %s user + canonical delimiter + domain   %U user   %V domain   %o as typed
//   %C client's IP   %S our IP   %D subject of the client's certificate   (searches only)
//   %A[attribute]    a value of the user's entry; %[attribute] too        (replay only)
//   %%               a per cent sign
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ipc/runtime/result.h"
#include "workers/directory/entry.h"
#include "workers/directory/filter.h"
#include "workers/directory/login_name.h"

namespace openmmp::directory {

// A piece of a template: literal text, or an escape.
struct FormatPiece {
  char escape = '\0';  // '\0': `text` stands for itself
  std::string text;    // of 'A': the attribute
};

class FilterFormat {
 public:
  // Errc::protocol: an unknown escape, or what comes out is not a filter.
  static Result<FilterFormat> parse(std::string_view text);

  // Values are escaped as RFC 4515 asks; what is not known becomes '*', which matches anything.
  std::string fill(const LoginName& name, std::string_view client_ip, std::string_view local_ip,
                   std::string_view certificate_subject) const;
  // The filter for some name.
  const Filter& sample() const { return sample_; }

 private:
  std::vector<FormatPiece> pieces_;
  Filter sample_;
};

class ReplayFormat {
 public:
  // An empty template is the default: the user, with "@domain" where the domain is not the default
  // one. `source` is where the template stands, for errors.
  static Result<ReplayFormat> parse(std::string_view text, std::string canonical_delimiter,
                                    std::string source = "ReplayFormat");

  // Errc::unavailable when the entry lacks an attribute, or the name could not be sent to a store.
  Result<std::string> fill(const LoginName& name, const Entry& entry) const;
  // What %A asks for.
  std::vector<std::string> attributes() const;

 private:
  std::vector<FormatPiece> pieces_;
  std::string canonical_delimiter_;
  std::string source_;
};

}  // namespace openmmp::directory
