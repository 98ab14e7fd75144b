#include "workers/proxy/policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "ipc/runtime/text.h"
#include "workers/proxy/authentication_message.h"
#include "workers/sasl/base64.h"
#include "workers/sasl/digest.h"

namespace openmmp::proxy {
namespace {

using Json = nlohmann::json;

constexpr int64_t longest_delay = 60;
constexpr size_t longest_message = 200;

Json tuple_of(PolicyQuestion question) {
  return Json{{"login", std::move(question.login)},
              {"remote", std::move(question.remote)},
              {"pwhash", std::move(question.pwhash)},
              {"protocol", std::move(question.protocol)},
              {"device_id", ""},
              {"tls", question.tls}};
}

// A name may be any bytes that a client sends; what is not UTF-8 in it becomes U+FFFD.
std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// {"status": -1, "msg": "..."}: -1 is no, 0 is yes, more is yes after so many seconds.
Result<PolicyVerdict> read_verdict(const HttpResponse& response) {
  if (response.status != 200) {
    return fail(Errc::protocol, fmt::format("HTTP status {}", response.status));
  }
  const Json json = Json::parse(response.body, nullptr, false);
  const auto status = json.is_object() ? json.find("status") : json.end();
  if (!json.is_object() || status == json.end() || !status->is_number_integer()) {
    return fail(Errc::protocol, "an answer without a status");
  }
  const auto number = status->get<int64_t>();
  PolicyVerdict verdict;
  verdict.allow = number >= 0;
  verdict.delay = Seconds(std::clamp<int64_t>(number, 0, longest_delay));
  const auto message = json.find("msg");
  if (message != json.end() && message->is_string()) {
    verdict.message = one_line(message->get<std::string>().substr(0, longest_message));
  }
  return verdict;
}

}  // namespace

Policy::Policy(Loop& loop, Log& log, Resolver& resolver, const std::string& url, Secret password,
               Millis time)
    : loop_(loop),
      log_(log),
      resolver_(resolver),
      key_(std::move(password)),
      time_(time),
      reports_(loop) {
  if (url.empty()) return;
  Result<AuthenticationServer> server = AuthenticationServer::parse(url);
  CHECK(server);  // the option's value has been checked
  server_ = std::move(server->server);
  path_ = std::move(server->path);
  if (key_.empty()) return;
  std::string login = "wforce:";
  login.append(key_.reveal());
  std::string value = "Basic " + sasl::base64_encode(login);
  wipe(login);
  authorization_ = Secret(std::move(value));
}

std::string Policy::pwhash_of(const std::string& login, const Secret& password) const {
  std::string text;
  text.reserve(login.size() + 1 + password.reveal().size());  // one block, so that one wipe does
  text.append(login).append(1, '\0').append(password.reveal());
  const std::string hash = sasl::hex(sasl::hmac_sha256(key_.reveal(), text));
  wipe(text);
  return "0" + hash.substr(0, 3);
}

HttpRequest Policy::request_for(const char* command, std::string body) const {
  HttpRequest request;
  request.server = server_;
  request.method = "POST";
  request.path = fmt::format("{}?command={}", path_, command);
  request.headers.reserve(2);
  request.headers.emplace_back("Content-Type", "application/json");
  if (!authorization_.empty()) {
    request.headers.emplace_back("Authorization", authorization_.reveal());
  }
  request.body = std::move(body);
  return request;
}

void Policy::note(const Error* error) {
  const bool was_away = std::exchange(is_away_, error != nullptr);
  if (was_away == is_away_) return;
  if (error != nullptr) {
    log_.write(LogLevel::warning, 0, "PolicyServer: {}; logins go on without it", error->detail);
  } else {
    log_.write(LogLevel::notice, 0, "PolicyServer answers again; {} reports were dropped so far",
               dropped_);
  }
}

Task<PolicyVerdict> Policy::allow(PolicyQuestion question) {
  if (!enabled()) co_return PolicyVerdict();
  HttpRequest request = request_for("allow", text_of(tuple_of(std::move(question))));
  Result<HttpResponse> response =
      co_await attempt(http_exchange(loop_, resolver_, std::move(request), time_));
  Result<PolicyVerdict> verdict =
      response ? read_verdict(*response) : Result<PolicyVerdict>(fail(response.error()));
  note(verdict ? nullptr : &verdict.error());
  co_return verdict ? std::move(*verdict) : PolicyVerdict();
}

void Policy::report(PolicyQuestion question, bool success, bool policy_reject) {
  if (!enabled()) return;
  if (reports_.size() >= most_reports) {
    ++dropped_;
    return;
  }
  Json json = tuple_of(std::move(question));
  json["success"] = success;
  json["policy_reject"] = policy_reject;
  reports_.start(send_report(text_of(json)));
}

Task<> Policy::send_report(std::string body) {
  HttpRequest request = request_for("report", std::move(body));
  const Result<HttpResponse> response =
      co_await attempt(http_exchange(loop_, resolver_, std::move(request), time_));
  note(response ? nullptr : &response.error());
}

}  // namespace openmmp::proxy
