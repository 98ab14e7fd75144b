#include "workers/proxy/policy.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "tests/unit/proxy/stub_http.h"

namespace openmmp::proxy {
namespace {

using Json = nlohmann::json;
using Manner = StubHttp::Manner;
using namespace std::chrono_literals;

std::string http(const std::string& body, const std::string& status = "200 OK") {
  return "HTTP/1.1 " + status + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         body;
}

PolicyQuestion joe() {
  PolicyQuestion question;
  question.login = "joe@example.com";
  question.remote = "192.0.2.9";
  question.pwhash = "0123";
  question.protocol = "imaps";
  question.tls = true;
  return question;
}

class PolicyTest : public testing::Test {
 protected:
  PolicyTest() { log.set_level(0); }
  void open(const std::string& url, Millis time = 60s, const char* password = "hush") {
    policy.emplace(loop, log, resolver, url, Secret::copy_of(password), time);
  }
  // "yes", "yes after N", "no", and the message.
  std::string allow(PolicyQuestion question = joe()) {
    Task<PolicyVerdict> task = policy->allow(std::move(question));
    task.start();
    while (!task.finished()) loop.run_turn();
    EXPECT_TRUE(task.result());
    const PolicyVerdict& verdict = *task.result();
    std::string text = verdict.allow ? "yes" : "no";
    if (verdict.delay > 0s) text += " after " + std::to_string(verdict.delay.count());
    return verdict.message.empty() ? text : text + ": " + verdict.message;
  }
  std::string ask(const std::string& answer, Manner manner = Manner::closes) {
    StubHttp stub(answer, manner);
    open(stub.url(), manner == Manner::says_little ? 50ms : 60s);
    return allow();
  }

  Loop loop;
  Log log{"Test"};
  Resolver resolver{loop};
  std::optional<Policy> policy;
};

TEST_F(PolicyTest, AsksAsWeakforcedIsAsked) {
  StubHttp stub(http(R"({"status": 0, "msg": "", "r_attrs": {}})"));
  open(stub.url());
  ASSERT_TRUE(policy->enabled());
  EXPECT_EQ(allow(), "yes");
  const std::string request = stub.requests().at(0);
  const size_t head = request.find("\r\n\r\n");
  EXPECT_EQ(request.substr(0, head),
            "POST /?command=allow HTTP/1.1\r\nHost: " + stub.server().to_string() +
                "\r\nContent-Type: application/json\r\nAuthorization: Basic d2ZvcmNlOmh1c2g=\r\n"
                "Content-Length: " +
                std::to_string(request.size() - head - 4) + "\r\nConnection: close");
  EXPECT_EQ(Json::parse(request.substr(head + 4)),
            Json::parse(R"({"login": "joe@example.com", "remote": "192.0.2.9", "pwhash": "0123",
                            "protocol": "imaps", "device_id": "", "tls": true})"));
}

TEST_F(PolicyTest, DoesWhatItIsTold) {
  EXPECT_EQ(ask(http(R"({"status": -1, "msg": "too many\nguesses"})")), "no: too many guesses");
  EXPECT_EQ(ask(http(R"({"status": -7})")), "no");
  EXPECT_EQ(ask(http(R"({"status": 5, "msg": "slowly"})")), "yes after 5: slowly");
  EXPECT_EQ(ask(http(R"({"status": 100000})")), "yes after 60");
  EXPECT_EQ(ask(http(R"({"status": 0, "msg": 7})")), "yes");
}

TEST_F(PolicyTest, LetsEverybodyInWhenItIsNotUnderstood) {
  const std::string no = R"({"status": -1})";
  for (const std::string& answer :
       {http(no, "500 Oops"), http(no, "401 Unauthorized"), http(""), http("status -1"), http("[]"),
        http("null"), http("-1"), http("{}"), http(R"({"status": "-1"})"),
        http(R"({"status": -1.0})"), http(R"({"status": null})"), http(R"({"status": -1)"),
        http(R"({"Status": -1})"), http(std::string(60'000, '[')), std::string("garbage\r\n"),
        std::string()}) {
    EXPECT_EQ(ask(answer), "yes") << answer.substr(0, 200);
  }
  EXPECT_EQ(ask(http(no), Manner::says_little), "yes");
}

TEST_F(PolicyTest, LetsEverybodyInWhenItIsAway) {
  std::string url;
  {
    StubHttp stub("");
    url = stub.url();
  }
  open(url);
  EXPECT_EQ(allow(), "yes");
  policy->report(joe(), true, false);
}

TEST_F(PolicyTest, WithoutAServerNobodyIsAsked) {
  open("");
  EXPECT_FALSE(policy->enabled());
  EXPECT_EQ(allow(), "yes");
  policy->report(joe(), true, false);
  EXPECT_EQ(policy->dropped_reports(), 0U);
}

TEST_F(PolicyTest, ANameOfAnyBytesIsSentAsJson) {
  StubHttp stub(http(R"({"status": 0})"));
  open(stub.url(), 60s, "");
  PolicyQuestion question = joe();
  question.login = std::string("\"\\\xff\0\r\n", 6);
  EXPECT_EQ(allow(std::move(question)), "yes");
  const std::string request = stub.requests().at(0);
  EXPECT_EQ(request.find("Authorization"), std::string::npos);
  const Json json = Json::parse(request.substr(request.find("\r\n\r\n") + 4));
  EXPECT_EQ(json["login"], std::string("\"\\\xef\xbf\xbd\0\r\n", 8));
}

TEST_F(PolicyTest, ReportsHowItEnded) {
  StubHttp stub(http(R"({"status": "ok"})"));
  open(stub.url() + "/wforce");
  policy->report(joe(), false, true);
  while (stub.requests().empty()) loop.run_turn();
  const std::string request = stub.requests()[0];
  EXPECT_EQ(request.substr(0, 37), "POST /wforce?command=report HTTP/1.1\r");
  const Json json = Json::parse(request.substr(request.find("\r\n\r\n") + 4));
  EXPECT_EQ(json["login"], "joe@example.com");
  EXPECT_EQ(json["success"], false);
  EXPECT_EQ(json["policy_reject"], true);
}

TEST_F(PolicyTest, DoesNotPileReportsUp) {
  StubHttp stub(http(R"({"status": "ok"})"), Manner::says_little);
  open(stub.url());
  for (size_t i = 0; i < Policy::most_reports; ++i) policy->report(joe(), true, false);
  EXPECT_EQ(policy->dropped_reports(), 0U);
  policy->report(joe(), true, false);
  policy->report(joe(), true, false);
  EXPECT_EQ(policy->dropped_reports(), 2U);
}

TEST_F(PolicyTest, HashesSoThatOnlyGuessesDiffer) {
  open("");
  const std::string hash = policy->pwhash_of("joe", Secret("secret"));
  EXPECT_EQ(hash.size(), 4U);
  EXPECT_EQ(hash[0], '0');
  EXPECT_EQ(policy->pwhash_of("joe", Secret("secret")), hash);
  EXPECT_NE(policy->pwhash_of("joe", Secret("Secret")), hash);
  EXPECT_NE(policy->pwhash_of("jo", Secret("esecret")), hash);
  open("", 60s, "another site");
  EXPECT_NE(policy->pwhash_of("joe", Secret("secret")), hash);
}

}  // namespace
}  // namespace openmmp::proxy
