// How every function of ours reports failure. An Error says in `code` what the caller should do
// next, and in `detail` what a person reading the log should know. We do not throw: what the
// library throws (bad_alloc) ends the process, and the supervisor starts another.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace openmmp {

enum class Errc {
  closed,       // the peer is gone, nothing more can be said to it
  timeout,      // a deadline passed; `detail` names what was waited for
  protocol,     // the peer said something that it must not say
  refused,      // a definite no: wrong password, no such user, forbidden
  unavailable,  // a temporary no: something we depend on is down or overloaded
  limit,        // one of our own limits: line, literal, attempts, session
  draining,     // we are asked to leave
  internal,     // a broken promise of our own or of a library
};

struct Error {
  Error(Errc c, std::string d) : code(c), detail(std::move(d)) {}
  bool operator==(const Error&) const = default;
  Errc code;
  std::string detail;
};

template <class T = void>
using Result = tl::expected<T, Error>;
using Failure = tl::unexpected<Error>;

[[nodiscard]] inline Failure fail(Errc code, std::string detail = {}) {
  return Failure(Error(code, std::move(detail)));
}
[[nodiscard]] inline Failure fail(Error error) { return Failure(std::move(error)); }

}  // namespace openmmp
