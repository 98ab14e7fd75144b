// The headers of an answer of AuthenticationServer: who gets in only does by an OK, and what is
// taken out of it fits where it goes.
#include "tests/fuzz/fuzz.h"
#include "workers/proxy/authentication_message.h"

namespace openmmp::fuzz {

void check_input(std::string_view input) {
  proxy::HttpReader reader(false);
  if (!reader.add("HTTP/1.0 200 OK\r\n") || !reader.add(input) || !reader.complete()) return;
  const proxy::HttpResponse response = reader.take();
  const auto reply = proxy::read_authentication_reply(response);
  if (!reply) {
    CHECK(reply.error().code == Errc::protocol && is_one_line(reply.error().detail));
    return;
  }
  CHECK(is_one_line(reply->reason) && reply->reason.size() <= 200);
  CHECK(reply->wait.count() >= 0 && reply->wait.count() <= 3600);
  if (reply->outcome != proxy::AuthenticationReply::Outcome::accepted) return;
  CHECK(*response.find("auth-status") == "OK");
  CHECK(reply->answer.user.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos);
  if (!reply->answer.server) return;
  const std::string& host = reply->answer.server->host;
  CHECK(!host.empty() && host.size() <= 253 && is_one_line(host));
  CHECK(host.find_first_of(" /[]@") == std::string::npos);
}

}  // namespace openmmp::fuzz
