#include "workers/proxy/authentication_server.h"

#include <fmt/format.h>

#include <algorithm>

#include "workers/proxy/http_exchange.h"

namespace openmmp::proxy {
namespace {

using Outcome = AuthenticationReply::Outcome;

constexpr int most_turns = 10;
constexpr Seconds longest_pause{60};

// The header may hold a key.
struct WipedAtEnd {
  explicit WipedAtEnd(std::string& t) : text(t) {}
  ~WipedAtEnd() { wipe(text); }
  std::string& text;
};

Failure unavailable(const AuthenticationServer& server, const std::string& why) {
  return fail(Errc::unavailable,
              fmt::format("authentication server {}: {}", server.server.to_string(), why));
}

}  // namespace

Task<AuthenticationAnswer> ask_authentication_server(Loop& loop, Resolver& resolver,
                                                     AuthenticationServer server,
                                                     std::string extra_header,
                                                     AuthenticationQuestion question, Millis time,
                                                     Seconds* wait) {
  const WipedAtEnd wiped(extra_header);
  *wait = Seconds(0);
  for (int turn = 0; turn < most_turns; ++turn) {
    HttpRequest request = co_await authentication_request(server, extra_header, question);
    Result<HttpResponse> response =
        co_await attempt(http_exchange(loop, resolver, std::move(request), time));
    if (!response)
      co_return fail(Errc::unavailable, "authentication server " + response.error().detail);
    Result<AuthenticationReply> reply = read_authentication_reply(*response);
    if (!reply) co_return unavailable(server, reply.error().detail);
    if (reply->outcome == Outcome::accepted) co_return std::move(reply->answer);
    if (reply->outcome == Outcome::temporary) co_return unavailable(server, reply->reason);
    if (reply->outcome == Outcome::refused) {
      *wait = reply->wait;
      co_return fail(Errc::refused, "authentication server: " + reply->reason);
    }
    Sleep nap(loop, std::min(reply->wait, longest_pause));
    co_await nap;
  }
  co_return unavailable(server, "WAIT, again and again");
}

}  // namespace openmmp::proxy
