#include "workers/proxy/authentication_server.h"

#include <gtest/gtest.h>

#include "tests/unit/proxy/stub_http.h"

namespace openmmp::proxy {
namespace {

using Manner = StubHttp::Manner;
using Outcome = AuthenticationReply::Outcome;
using namespace std::chrono_literals;

AuthenticationQuestion joe() {
  AuthenticationQuestion question("joe@example.com", Secret("secret"));
  question.protocol = "imap";
  question.client_ip = "192.0.2.9";
  return question;
}

std::string request_of(const AuthenticationQuestion& question, const std::string& extra = {}) {
  const auto server = AuthenticationServer::parse("http://127.0.0.1:9000/auth");
  const Result<HttpRequest> request = authentication_request(*server, extra, question);
  if (!request) return request.error().detail;
  const Result<std::string> text = encode(*request);
  return text ? *text : text.error().detail;
}

TEST(AuthenticationServer, IsNamedAsNginxNamesIt) {
  struct Case {
    const char* text;
    const char* host;
    int port;
    const char* path;
  };
  const Case cases[] = {
      {"127.0.0.1:56", "127.0.0.1", 56, "/"},
      {"localhost:9000/cgi-bin/auth", "localhost", 9000, "/cgi-bin/auth"},
      {"http://auth.example.com", "auth.example.com", 80, "/"},
      {"HTTP://auth.example.com:8080/", "auth.example.com", 8080, "/"},
      {"http://[::1]:8080/a?b=c", "::1", 8080, "/a?b=c"},
  };
  for (const Case& c : cases) {
    const auto server = AuthenticationServer::parse(c.text);
    ASSERT_TRUE(server) << c.text;
    EXPECT_EQ(server->server, HostPort(c.host, static_cast<uint16_t>(c.port))) << c.text;
    EXPECT_EQ(server->path, c.path) << c.text;
  }
  EXPECT_FALSE(AuthenticationServer::parse("http:///auth"));
  EXPECT_FALSE(AuthenticationServer::parse("host:99999"));
}

// The example of nginx's documentation.
TEST(AuthenticationRequest, IsWhatNginxSends) {
  AuthenticationQuestion question("user", Secret("password"));
  question.protocol = "imap";
  question.client_ip = "192.0.2.42";
  question.client_name = "client.example.org";
  EXPECT_EQ(
      request_of(question),
      "GET /auth HTTP/1.1\r\nHost: 127.0.0.1:9000\r\nAuth-Method: plain\r\nAuth-User: user\r\n"
      "Auth-Pass: password\r\nAuth-Protocol: imap\r\nAuth-Login-Attempt: 1\r\n"
      "Client-IP: 192.0.2.42\r\nClient-Host: client.example.org\r\nConnection: close\r\n\r\n");
}

TEST(AuthenticationRequest, EscapesUserAndPasswordAndNothingElse) {
  const std::pair<std::string, std::string> cases[] = {
      {"joe", "joe"},
      {"a b", "a%20b"},
      {"100%", "100%25"},
      {"a\r\nX: y", "a%0D%0AX:%20y"},
      {std::string("a\0b\x1f", 4), "a%00b%1F"},
      {"\x7f", "%7F"},
      {"+&=?/:;,@\"'<>#", "+&=?/:;,@\"'<>#"},
      {"j\xc3\xb6rg\xff", "j\xc3\xb6rg\xff"},
  };
  for (const auto& [plain, escaped] : cases) {
    AuthenticationQuestion question(plain, Secret::copy_of(plain));
    question.protocol = "pop3";
    const std::string text = request_of(question);
    EXPECT_NE(text.find("\r\nAuth-User: " + escaped + "\r\nAuth-Pass: " + escaped + "\r\n"),
              text.npos)
        << text;
  }
}

TEST(AuthenticationRequest, TellsWhatIsKnownOfTheSession) {
  AuthenticationQuestion question = joe();
  question.attempt = 3;
  question.tls = true;
  question.tls_protocol = "TLSv1.3";
  question.tls_cipher = "TLS_AES_256_GCM_SHA384";
  question.server_name = "imap.example.com";
  question.attributes = {{"cn;lang-de", "Joe \r\nX"}, {"mail", "a@b"}, {"mail", "c@d"}};
  EXPECT_EQ(request_of(question, "X-Auth-Key:  hush hush"),
            "GET /auth HTTP/1.1\r\nHost: 127.0.0.1:9000\r\nAuth-Method: plain\r\n"
            "Auth-User: joe@example.com\r\nAuth-Pass: secret\r\nAuth-Protocol: imap\r\n"
            "Auth-Login-Attempt: 3\r\nClient-IP: 192.0.2.9\r\nAuth-SSL: on\r\n"
            "Auth-SSL-Protocol: TLSv1.3\r\nAuth-SSL-Cipher: TLS_AES_256_GCM_SHA384\r\n"
            "Auth-SSL-Server-Name: imap.example.com\r\nAuth-Ldap-cn-lang-de: Joe%20%0D%0AX\r\n"
            "Auth-Ldap-mail: a@b\r\nAuth-Ldap-mail: c@d\r\nX-Auth-Key: hush hush\r\n"
            "Connection: close\r\n\r\n");
  EXPECT_EQ(request_of(joe(), "no colon"), "AuthenticationHeader is not of the form 'NAME: VALUE'");
}

// Whoever runs the reverse DNS of an address chooses its name, and the client its SNI.
TEST(AuthenticationRequest, PassesNoStrangersWordsOn) {
  for (const std::string name : {"a\r\nAuth-User: root", "a b", "a=b", "\xc3\xa4", "a\nb"}) {
    AuthenticationQuestion question = joe();
    question.client_name = name;
    question.tls = true;
    question.server_name = name;
    const std::string text = request_of(question);
    EXPECT_NE(text.find("\r\nClient-Host: [UNAVAILABLE]\r\nAuth-SSL: on\r\nConnection:"), text.npos)
        << text;
  }
  AuthenticationQuestion question = joe();
  question.client_name = std::string(256, 'a');
  EXPECT_NE(request_of(question).find("Client-Host: [UNAVAILABLE]\r\n"), std::string::npos);
}

HttpResponse response_of(const std::string& headers, int status = 200) {
  HttpReader reader(false);
  EXPECT_TRUE(reader.add("HTTP/1.0 " + std::to_string(status) + " x\r\n" + headers + "\r\n"));
  return reader.take();
}

std::string read(const std::string& headers, int status = 200) {
  const auto reply = read_authentication_reply(response_of(headers, status));
  if (!reply) return "bad: " + reply.error().detail;
  const std::string wait = " " + std::to_string(reply->wait.count()) + " " + reply->reason;
  switch (reply->outcome) {
    case Outcome::refused:
      return "refused" + wait;
    case Outcome::temporary:
      return "temporary" + wait;
    case Outcome::ask_again:
      return "again" + wait;
    case Outcome::accepted:
      break;
  }
  const AuthenticationAnswer& answer = reply->answer;
  return (answer.server ? answer.server->to_string() : "-") + "|" + answer.user + "|" +
         (answer.password ? answer.password->reveal_string() : "-");
}

TEST(AuthenticationReply, SaysWhereToGo) {
  const std::pair<const char*, const char*> cases[] = {
      {"Auth-Status: OK\r\nAuth-Server: 198.51.100.1\r\nAuth-Port: 143\r\n", "198.51.100.1:143||-"},
      {"auth-status:OK\r\nAUTH-SERVER:2001:db8::1\r\nauth-port:  993 \r\n", "[2001:db8::1]:993||-"},
      {"Auth-Status: OK\r\nAuth-Server: [::1]\r\nAuth-Port: 1\r\n", "[::1]:1||-"},
      {"Auth-Status: OK\r\nAuth-Server: store_1.example.com\r\nAuth-Port: 65535\r\n",
       "store_1.example.com:65535||-"},
      {"Auth-Status: OK\r\nAuth-Server: store1\r\n", "store1||-"},
      {"Auth-Status: OK\r\n", "-||-"},
      {"Auth-Status: OK\r\nAuth-User: joe smith\r\nAuth-Pass: new %20 pass\r\n",
       "-|joe smith|new %20 pass"},
      {"Auth-Status: OK\r\nAuth-User:\r\nAuth-Pass:\r\n", "-||-"},
      {"Auth-Status: OK\r\nAuth-Wait: 5\r\nX-Other: x\r\nX-Other: y\r\n", "-||-"},
  };
  for (const auto& [headers, expected] : cases) EXPECT_EQ(read(headers), expected) << headers;
}

TEST(AuthenticationReply, SaysNo) {
  const std::pair<const char*, const char*> cases[] = {
      {"Auth-Status: Invalid login or password\r\nAuth-Wait: 3\r\n",
       "refused 3 Invalid login or password"},
      {"Auth-Status: Invalid login or password\r\n", "refused 0 Invalid login or password"},
      {"Auth-Status: no\r\nAuth-Wait: 3600\r\n", "refused 3600 no"},
      {"Auth-Status: no\r\nAuth-Wait: 999999\r\n", "refused 3600 no"},
      {"Auth-Status: no\r\nAuth-Wait: -1\r\n", "refused 0 no"},
      {"Auth-Status: no\r\nAuth-Wait: 3s\r\n", "refused 0 no"},
      {"Auth-Status: no\r\nAuth-Wait: 99999999999999999999\r\n", "refused 0 no"},
      {"Auth-Status: ok\r\nAuth-Server: 198.51.100.1\r\nAuth-Port: 143\r\n", "refused 0 ok"},
      {"Auth-Status:\r\n", "refused 0 "},
      {"Auth-Status: OK indeed\r\n", "refused 0 OK indeed"},
      {"Auth-Status: a\tb\r\nAuth-Error-Code: 535 5.7.8\r\n", "refused 0 a b"},
      {"Auth-Status: Temporary server problem\r\nAuth-Error-Code: 451 4.3.0\r\nAuth-Wait: 3\r\n",
       "temporary 3 Temporary server problem"},
      {"Auth-Status: WAIT\r\nAuth-Wait: 2\r\n", "again 2 WAIT"},
  };
  for (const auto& [headers, expected] : cases) EXPECT_EQ(read(headers), expected) << headers;
  EXPECT_EQ(read("Auth-Status: wrong\r\n", 401), "refused 0 wrong");
  EXPECT_EQ(read("Auth-Status: " + std::string(5000, 'x') + "\r\n").size(), 210U);
}

TEST(AuthenticationReply, NobodyGetsInByMistake) {
  const std::pair<std::string, const char*> cases[] = {
      {"", "bad: HTTP status 200 without Auth-Status"},
      {"Auth-Server: 198.51.100.1\r\nAuth-Port: 143\r\n",
       "bad: HTTP status 200 without Auth-Status"},
      {"Auth-Status: no\r\nAuth-Status: OK\r\n", "bad: the header auth-status twice"},
      {"Auth-Status: OK\r\nAuth-User: a\r\nAuth-User: b\r\n", "bad: the header auth-user twice"},
      {"Auth-Status: OK\r\nAuth-Port: 143\r\n", "bad: Auth-Port without Auth-Server"},
      {"Auth-Status: OK\r\nAuth-Server: h\r\nAuth-Port: 0\r\n", "bad: Auth-Port is no port"},
      {"Auth-Status: OK\r\nAuth-Server: h\r\nAuth-Port: 65536\r\n", "bad: Auth-Port is no port"},
      {"Auth-Status: OK\r\nAuth-Server: h\r\nAuth-Port: 0x8f\r\n", "bad: Auth-Port is no port"},
      {"Auth-Status: OK\r\nAuth-Server: h\r\nAuth-Port:\r\n", "bad: Auth-Port is no port"},
      {"Auth-Status: OK\r\nAuth-Server:\r\n", "bad: Auth-Server is no name or address"},
      {"Auth-Status: OK\r\nAuth-Server: h:143\r\n", "bad: Auth-Server is no name or address"},
      {"Auth-Status: OK\r\nAuth-Server: a b\r\n", "bad: Auth-Server is no name or address"},
      {"Auth-Status: OK\r\nAuth-Server: " + std::string(254, 'a') + "\r\n",
       "bad: Auth-Server is no name or address"},
  };
  for (const auto& [headers, expected] : cases) EXPECT_EQ(read(headers), expected) << headers;
  EXPECT_EQ(read("Auth-Status: OK\r\n", 302), "bad: HTTP status 302 with OK");
  EXPECT_EQ(read("Auth-Status: OK\r\n", 404), "bad: HTTP status 404 with OK");
  EXPECT_EQ(read("Auth-Status: OK\r\n", 500), "bad: HTTP status 500");
  EXPECT_EQ(read("Auth-Status: wrong\r\n", 502), "bad: HTTP status 502");
}

class AskTest : public testing::Test {
 protected:
  std::string ask(StubHttp& stub, Millis time = 60s) {
    auto server = AuthenticationServer::parse(stub.url() + "/auth");
    wait = 99s;
    Task<AuthenticationAnswer> task = ask_authentication_server(
        loop, resolver, std::move(*server), "X-Auth-Key: hush", joe(), time, &wait);
    task.start();
    while (!task.finished()) loop.run_turn();
    const auto& result = task.result();
    if (result) return result->server ? result->server->to_string() : "the directory says";
    const bool refused = result.error().code == Errc::refused;
    EXPECT_TRUE(refused || result.error().code == Errc::unavailable);
    return (refused ? "refused: " : "unavailable: ") + result.error().detail;
  }
  Loop loop;
  Resolver resolver{loop};
  Seconds wait{0};
};

constexpr const char* yes =
    "HTTP/1.0 200 OK\r\nAuth-Status: OK\r\nAuth-Server: 198.51.100.1\r\nAuth-Port: 143\r\n\r\n";

// As servers for nginx do it: HTTP/1.0, no length, and maybe the connection stays open.
TEST_F(AskTest, GoesWhereTheServerSays) {
  for (const Manner manner : {Manner::closes, Manner::stays, Manner::drips}) {
    StubHttp stub(yes, manner);
    EXPECT_EQ(ask(stub), "198.51.100.1:143");
    EXPECT_EQ(wait, 0s);
    ASSERT_EQ(stub.requests().size(), 1U);
    EXPECT_NE(stub.requests()[0].find("\r\nAuth-Pass: secret\r\n"), std::string::npos);
    EXPECT_NE(stub.requests()[0].find("\r\nX-Auth-Key: hush\r\n"), std::string::npos);
  }
}

TEST_F(AskTest, IsRefusedAndToldHowLongToWait) {
  StubHttp stub(
      "HTTP/1.0 200 OK\r\nAuth-Status: Invalid login or password\r\nAuth-Wait: 3\r\n\r\n");
  EXPECT_EQ(ask(stub), "refused: authentication server: Invalid login or password");
  EXPECT_EQ(wait, 3s);
  StubHttp last("HTTP/1.0 200 OK\r\nAuth-Status: Invalid login or password\r\n\r\n");
  EXPECT_EQ(ask(last), "refused: authentication server: Invalid login or password");
  EXPECT_EQ(wait, 0s);
}

TEST_F(AskTest, AServerThatCannotSayIsNoRefusal) {
  const std::string temporary =
      "HTTP/1.0 200 OK\r\nAuth-Status: try later\r\nAuth-Error-Code: 451 4.3.0\r\n\r\n";
  const std::pair<std::string, const char*> cases[] = {
      {temporary, "try later"},
      {"HTTP/1.0 500 Oops\r\n\r\n", "HTTP status 500"},
      {"HTTP/1.0 404 Not Found\r\n\r\n", "HTTP status 404 without Auth-Status"},
      {"HTTP/1.0 200 OK\r\nAuth-Status: OK\n", "a line that ends without CR"},
      {"+OK POP3\r\n", "not an answer in HTTP"},
      {"", "the connection was closed before the answer was complete"},
  };
  for (const auto& [answer, words] : cases) {
    StubHttp stub(answer);
    EXPECT_EQ(ask(stub),
              "unavailable: authentication server " + stub.server().to_string() + ": " + words);
  }
  StubHttp slow(yes, Manner::says_little);
  // Of what is left of its time.
  EXPECT_TRUE(ask(slow, 50ms)
                  .starts_with("unavailable: authentication server " + slow.server().to_string() +
                               ": no answer within 0.0"));
}

TEST_F(AskTest, AsksAgainWhenToldToWait) {
  const std::string later = "HTTP/1.0 200 OK\r\nAuth-Status: WAIT\r\nAuth-Wait: 0\r\n\r\n";
  StubHttp stub(std::vector<std::string>{later, yes});
  EXPECT_EQ(ask(stub), "198.51.100.1:143");
  EXPECT_EQ(stub.requests().size(), 2U);
  EXPECT_EQ(stub.requests()[0], stub.requests()[1]);
  StubHttp never(later);
  EXPECT_EQ(ask(never), "unavailable: authentication server " + never.server().to_string() +
                            ": WAIT, again and again");
  EXPECT_EQ(never.requests().size(), 10U);
}

}  // namespace
}  // namespace openmmp::proxy
