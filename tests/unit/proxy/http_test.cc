// HTTP as text, and one exchange of it with a server that behaves well or not.
#include <gtest/gtest.h>

#include <optional>

#include "tests/unit/proxy/stub_http.h"
#include "workers/proxy/http_exchange.h"

namespace openmmp::proxy {
namespace {

using Manner = StubHttp::Manner;
using namespace std::chrono_literals;

std::string show(HttpReader& reader) {
  const HttpResponse response = reader.take();
  std::string text = std::to_string(response.status);
  for (const auto& [name, value] : response.headers) text += "|" + name + "=" + value;
  return text + "|" + response.body;
}

// "status|name=value...|body", or what was wrong. Fed in pieces of `size` bytes.
std::string read(const std::string& text, size_t size, bool wants_body = true) {
  HttpReader reader(wants_body);
  for (size_t at = 0; at < text.size(); at += size) {
    const Result<> added = reader.add(text.substr(at, size));
    if (!added) return "bad: " + added.error().detail;
  }
  if (!reader.complete()) {
    const Result<> ended = reader.end();
    if (!ended) return "bad: " + ended.error().detail;
  }
  return show(reader);
}

TEST(HttpReader, ReadsWhatServersSay) {
  const std::string ok = "HTTP/1.1 200 OK\r\n";
  const std::pair<std::string, const char*> cases[] = {
      {ok + "Content-Length: 5\r\n\r\nhello", "200|content-length=5|hello"},
      {ok + "Content-Length: 5\r\n\r\nhello and more", "200|content-length=5|hello"},
      {ok + "Content-Length: 0\r\n\r\n", "200|content-length=0|"},
      {ok + "content-LENGTH:5\t \r\n\r\nhello", "200|content-length=5|hello"},
      {ok + "\r\nuntil\nthe end", "200|until\nthe end"},
      {"HTTP/1.0 404 Not Found\r\nA: b c \r\nA:\r\n\r\n", "404|a=b c|a=|"},
      {"HTTP/1.0 200\r\n\r\n", "200|"},
      {"HTTP/1.1 204 No Content\r\n\r\n", "204|"},
      {"HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n", "304|content-length=10|"},
      {"HTTP/1.1 100 Continue\r\nX: y\r\n\r\n" + ok + "Content-Length: 1\r\n\r\nz",
       "200|content-length=1|z"},
      {ok + "Transfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n",
       "200|transfer-encoding=Chunked|abc0123456789"},
      {ok + "Transfer-Encoding: chunked\r\n\r\n0\r\nTrailer: x\r\n\r\n",
       "200|transfer-encoding=chunked|"},
  };
  for (const auto& [text, expected] : cases) {
    for (const size_t size : std::initializer_list<size_t>{1, 2, 3, 7, 1000}) {
      EXPECT_EQ(read(text, size), expected) << text;
    }
  }
}

TEST(HttpReader, TakesBytesAboveAsciiAndAnyBody) {
  const std::string text =
      "HTTP/1.1 200 OK\r\nX: \xe4\tq\r\nContent-Length: 2\r\n\r\n" + std::string("\0\x01", 2);
  EXPECT_EQ(read(text, 1), "200|x=\xe4\tq|content-length=2|" + std::string("\0\x01", 2));
}

TEST(HttpReader, RefusesWhatTwoReadersMayTakeForDifferentThings) {
  const std::string ok = "HTTP/1.1 200 OK\r\n";
  const std::pair<std::string, const char*> cases[] = {
      {"", "bad: the connection was closed before the answer was complete"},
      {"HTTP/1.1 200 OK\r\nA: b\r\n", "bad: the connection was closed before"},
      {ok + "Content-Length: 5\r\n\r\nhell", "bad: the connection was closed before"},
      {ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "bad: the connection was closed"},
      {"SSH-2.0-OpenSSH_9.2\r\n", "bad: not an answer in HTTP"},
      {"HTTP/2 200 OK\r\n", "bad: not an answer in HTTP"},
      {"HTTP/1.1 2000\r\n", "bad: not an answer in HTTP"},
      {"HTTP/1.1 099 x\r\n", "bad: not an answer in HTTP"},
      {"HTTP/1.1 999 x\r\n", "bad: not an answer in HTTP"},
      {"HTTP/1.1  200 OK\r\n", "bad: not an answer in HTTP"},
      {"\r\n" + ok, "bad: not an answer in HTTP"},
      {"HTTP/1.1 200 OK\n\n", "bad: a line that ends without CR"},
      {ok + "A: b\nB: c\r\n\r\n", "bad: a line that ends without CR"},
      {ok + "A: b\rc\r\n\r\n", "bad: a malformed header"},
      {ok + "A: b\r\n folded\r\n\r\n", "bad: a malformed header"},
      {ok + "A: b\r\n\tc: d\r\n\r\n", "bad: a malformed header"},
      {ok + "A : b\r\n\r\n", "bad: a malformed header"},
      {ok + ": b\r\n\r\n", "bad: a malformed header"},
      {ok + "no colon\r\n\r\n", "bad: a malformed header"},
      {ok + std::string("A: \0\r\n\r\n", 8), "bad: a malformed header"},
      {ok + std::string("A\0: b\r\n\r\n", 9), "bad: a malformed header"},
      {ok + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
       "bad: the length is given twice"},
      {ok + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
       "bad: the length is given tw"},
      {ok + "Content-Length: 5, 5\r\n\r\nhello", "bad: a malformed Content-Length"},
      {ok + "Content-Length: -1\r\n\r\n", "bad: a malformed Content-Length"},
      {ok + "Content-Length: +1\r\n\r\n", "bad: a malformed Content-Length"},
      {ok + "Content-Length:\r\n\r\n", "bad: a malformed Content-Length"},
      {ok + "Content-Length: 99999999999999999999\r\n\r\n", "bad: a malformed Content-Length"},
      {ok + "Content-Length: 65537\r\n\r\n", "bad: 64 KiB of answer"},
      {ok + "Transfer-Encoding: gzip, chunked\r\n\r\n", "bad: an unknown Transfer-Encoding"},
      {ok + "Transfer-Encoding: chunked\r\n\r\n-1\r\n", "bad: a malformed chunk"},
      {ok + "Transfer-Encoding: chunked\r\n\r\n0x1\r\na", "bad: a malformed chunk"},
      {ok + "Transfer-Encoding: chunked\r\n\r\n\r\n", "bad: a malformed chunk"},
      {ok + "Transfer-Encoding: chunked\r\n\r\n123456789\r\n", "bad: a malformed chunk"},
      {ok + "Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n",
       "bad: a chunk is longer than it says"},
  };
  for (const auto& [text, expected] : cases) {
    for (const size_t size : std::initializer_list<size_t>{1, 5, 1000}) {
      EXPECT_EQ(read(text, size).substr(0, std::string(expected).size()), expected) << text;
    }
  }
}

TEST(HttpReader, HasLimits) {
  const std::string ok = "HTTP/1.1 200 OK\r\n";
  const std::string much(70'000, 'x');
  EXPECT_EQ(read(much, 1000), "bad: 64 KiB of headers");
  EXPECT_EQ(read(ok + "A: " + much + "\r\n\r\n", 1000), "bad: 64 KiB of headers");
  EXPECT_EQ(read(ok + "\r\n" + much, 1000), "bad: 64 KiB of answer");
  std::string lines = ok;
  for (int i = 0; i < 101; ++i) lines += "A: b\r\n";
  EXPECT_EQ(read(lines, 1000), "bad: more than 100 headers");
  std::string chunks = ok + "Transfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 20'000; ++i) chunks += "1\r\nx\r\n";
  EXPECT_EQ(read(chunks, 1000), "bad: 64 KiB of headers");
  std::string interim;
  for (int i = 0; i < 5000; ++i) interim += "HTTP/1.1 100 C\r\n\r\n";
  EXPECT_EQ(read(interim, 1000), "bad: 64 KiB of headers");
  EXPECT_EQ(read(ok + "\r\n" + std::string(65'536, 'x'), 1000).size(), 4 + 65'536);
}

TEST(HttpReader, NeedsNoBodyIfNobodyWantsIt) {
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nA: b\r\n\r\n", 1, false), "200|a=b|");
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n", 1, false),
            "200|content-length=99999|");
}

TEST(HttpEncode, WritesARequest) {
  HttpRequest request;
  request.server = HostPort("auth.example.com", 8080);
  request.path = "/mail?x=1";
  request.headers.emplace_back("Auth-User", "joe\xc3\xa4");
  EXPECT_EQ(*encode(request),
            "GET /mail?x=1 HTTP/1.1\r\nHost: auth.example.com:8080\r\nAuth-User: joe\xc3\xa4\r\n"
            "Connection: close\r\n\r\n");
  request.method = "POST";
  request.body = "{}";
  EXPECT_EQ(*encode(request),
            "POST /mail?x=1 HTTP/1.1\r\nHost: auth.example.com:8080\r\nAuth-User: joe\xc3\xa4\r\n"
            "Content-Length: 2\r\nConnection: close\r\n\r\n{}");
}

TEST(HttpEncode, SendsNothingThatWouldBeReadAsMore) {
  const std::pair<std::string, std::string> headers[] = {
      {"A", "b\r\nInjected: c"},
      {"A", "b\n"},
      {"A", std::string("b\0c", 3)},
      {"A", "\x7f"},
      {"A\r\nInjected", "b"},
      {"A:", "b"},
      {"", "b"},
      {"A B", "c"},
  };
  for (const auto& header : headers) {
    HttpRequest request;
    request.headers.push_back(header);
    const Result<std::string> text = encode(request);
    ASSERT_FALSE(text) << header.first;
    EXPECT_EQ(text.error().code, Errc::protocol);
  }
  for (const std::string path : {"", "x", "/a b", "/\r\nX: y", "/\xff"}) {
    HttpRequest request;
    request.path = path;
    EXPECT_FALSE(encode(request)) << path;
  }
}

class HttpExchangeTest : public testing::Test {
 protected:
  std::string ask(HostPort server, Millis time = 60s, bool wants_body = true) {
    HttpRequest request;
    request.server = std::move(server);
    request.wants_body = wants_body;
    Task<HttpResponse> task = http_exchange(loop, resolver, std::move(request), time);
    task.start();
    while (!task.finished()) loop.run_turn();
    const Result<HttpResponse>& response = task.result();
    if (response) return std::to_string(response->status) + " " + response->body;
    EXPECT_EQ(response.error().code, Errc::unavailable);
    return response.error().detail;
  }

  Loop loop;
  // One that no packet can be sent to, one that nobody listens on, and the server's.
  Resolver resolver{loop, [](const std::string&) -> Result<Addresses> {
                      return Addresses{*SocketAddress::parse("255.255.255.255", 0),
                                       *SocketAddress::parse("127.0.0.7", 0),
                                       *SocketAddress::parse("127.0.0.1", 0)};
                    }};
};

constexpr const char* hello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
constexpr const char* endless = "HTTP/1.1 200 OK\r\n\r\nhello";

TEST_F(HttpExchangeTest, BringsTheAnswer) {
  for (const Manner manner : {Manner::closes, Manner::stays, Manner::drips}) {
    StubHttp server(hello, manner);
    EXPECT_EQ(ask(server.server()), "200 hello");
  }
  StubHttp server(endless, Manner::drips);
  EXPECT_EQ(ask(server.server()), "200 hello");
  EXPECT_EQ(server.requests()[0], "GET / HTTP/1.1\r\nHost: " + server.server().to_string() +
                                      "\r\nConnection: close\r\n\r\n");
}

TEST_F(HttpExchangeTest, BringsALongOneWhole) {
  const std::string body(65'000, 'b');
  const std::string header = "X: " + std::string(60'000, 'h') + "\r\n";
  StubHttp server("HTTP/1.1 200 OK\r\n" + header + "\r\n" + body);
  EXPECT_EQ(ask(server.server()), "200 " + body);
}

TEST_F(HttpExchangeTest, DoesNotWaitForABodyThatNobodyWants) {
  StubHttp server(endless, Manner::stays);
  EXPECT_EQ(ask(server.server(), 60s, false), "200 ");
}

TEST_F(HttpExchangeTest, TriesEachAddressOfTheServer) {
  StubHttp server(hello);
  EXPECT_EQ(ask(HostPort("two.example.com", server.server().port)), "200 hello");
}

TEST_F(HttpExchangeTest, SaysWhatIsWrong) {
  HostPort gone;
  {
    StubHttp server(hello);
    gone = server.server();
  }
  EXPECT_EQ(ask(gone), gone.to_string() + ": Connection refused");
  StubHttp silent(hello, Manner::says_little);
  // Within what connecting has left of the time.
  const std::string late = silent.server().to_string() + ": no answer within 0";
  EXPECT_EQ(ask(silent.server(), 50ms).substr(0, late.size()), late);
  StubHttp cut(std::string(hello).substr(0, 40));
  EXPECT_EQ(ask(cut.server()), cut.server().to_string() +
                                   ": the connection was closed before the answer was complete");
  StubHttp other("* OK IMAP4rev1\r\n", Manner::stays);
  EXPECT_EQ(ask(other.server()), other.server().to_string() + ": not an answer in HTTP");
}

// Only an orderly end is one: what a crash has cut off must not pass for all of it.
TEST_F(HttpExchangeTest, AnAnswerThatIsCutOffIsNone) {
  StubHttp server("HTTP/1.1 200 OK\r\n\r\nhel", Manner::resets);
  EXPECT_NE(ask(server.server()).substr(0, 3), "200");
}

TEST_F(HttpExchangeTest, MayBeGivenUpAtAnyMoment) {
  StubHttp server(hello, Manner::drips);
  for (int turns = 0; turns < 30; ++turns) {
    HttpRequest request;
    request.server = server.server();
    Task<HttpResponse> task = http_exchange(loop, resolver, std::move(request), 60s);
    task.start();
    for (int i = 0; i < turns; ++i) loop.run_turn();
  }
}

}  // namespace
}  // namespace openmmp::proxy
