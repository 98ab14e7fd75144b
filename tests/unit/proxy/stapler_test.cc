#include "workers/proxy/stapler.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <openssl/ocsp.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <future>
#include <mutex>
#include <optional>
#include <thread>

#include "ipc/tls/ocsp.h"
#include "tests/unit/tls/fixture.h"

namespace openmmp::proxy {
namespace {

using tls::authority;
using tls::Issued;
using tls::Owned;

constexpr int64_t minute = 60;
constexpr int64_t hour = 60 * minute;
constexpr int64_t day = 24 * hour;

TEST(RefetchAt, IsHalfOfTheLifeWithinBounds) {
  const struct {
    int64_t good_until, now, expected;
  } cases[] = {
      {1000 + 4 * hour, 1000, 1000 + 2 * hour},
      {1000 + 7 * day, 1000, 1000 + day},
      {1000 + 2 * day, 1000, 1000 + day},
      {1000 + 20 * minute, 1000, 1000 + 10 * minute},
      {1000 + 5 * minute, 1000, 1000 + 10 * minute},
      {1000, 1000, 1000 + 10 * minute},
      {0, 1000, 1000 + day},
  };
  for (const auto& c : cases) EXPECT_EQ(refetch_at(c.good_until, c.now), c.expected);
}

TEST(RetryAt, WaitsLongerEachTime) {
  const int64_t minutes[] = {1, 2, 4, 8, 16, 32, 60, 60, 60};
  for (int i = 0; i < 9; ++i) EXPECT_EQ(retry_at(i + 1, 1000), 1000 + minutes[i] * minute);
  EXPECT_EQ(retry_at(1'000'000'000, 0), hour);
}

// What the authority says of a certificate that is good from just before `from` until `to`.
std::string respond(const Issued& about, int64_t from, int64_t to,
                    int status = V_OCSP_CERTSTATUS_GOOD) {
  const Owned<OCSP_BASICRESP> basic(OCSP_BASICRESP_new());
  const Owned<OCSP_CERTID> id(
      OCSP_cert_to_id(nullptr, about.certificate.get(), authority().certificate()));
  ASN1_TIME* start = ASN1_TIME_set(nullptr, from - 1);
  ASN1_TIME* end = ASN1_TIME_set(nullptr, to);
  OCSP_basic_add1_status(basic.get(), id.get(), status, OCSP_REVOKED_STATUS_KEYCOMPROMISE, start,
                         start, end);
  ASN1_TIME_free(start);
  ASN1_TIME_free(end);
  OCSP_basic_sign(basic.get(), authority().certificate(), authority().key(), EVP_sha256(), nullptr,
                  0);
  const Owned<OCSP_RESPONSE> response(
      OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic.get()));
  std::string der(static_cast<size_t>(i2d_OCSP_RESPONSE(response.get(), nullptr)), '\0');
  unsigned char* bytes = tls::bytes_of(der);
  i2d_OCSP_RESPONSE(response.get(), &bytes);
  return der;
}

Issued issue(const std::string& url, const std::string& name = "mail.example.com") {
  tls::Wish wish;
  wish.names = {name};
  wish.ocsp_url = url;
  return authority().issue(wish);
}

// A clock and a responder that the test moves. The fetches run on threads of the pool.
struct World {
  struct Asked {
    int64_t at;
    std::string url;
  };
  std::mutex mutex;
  int64_t now = time(nullptr);
  size_t looks = 0;  // at the clock
  std::vector<Asked> asked;
  Result<std::string> answer = fail(Errc::unavailable, "nobody there");

  Stapler::Sources sources() {
    Stapler::Sources made;
    made.clock = [this] {
      ++looks;
      return now;
    };
    made.fetch = [this](const std::string& url, const std::string&) {
      const std::lock_guard lock(mutex);
      asked.push_back({now, url});
      return answer;
    };
    made.spread = 0;
    made.longest_nap = Millis(1);
    return made;
  }
};

class StaplerTest : public testing::Test {
 protected:
  StaplerTest() { log_.set_file(UniqueFd(::dup(file_.get()))); }

  void start(tls::CertificateText text, bool fetch = true) {
    std::vector<tls::CertificateText> texts;
    texts.push_back(std::move(text));
    start(texts, fetch);
  }
  void start(const std::vector<tls::CertificateText>& texts, bool fetch = true) {
    tls::ServerOptions options;
    for (const tls::CertificateText& text : texts) options.certificates.push_back(copy(text));
    context_ = tls::make_server(std::move(options));
    stapler_.emplace(loop_, log_, *context_, texts, fetch, sources_);
  }
  static tls::CertificateText copy(const tls::CertificateText& text) {
    tls::CertificateText made;
    made.name = text.name;
    made.chain = text.chain;
    made.key = Secret::copy_of(text.key.reveal());
    made.ocsp = text.ocsp;
    return made;
  }
  // Until the stapler has seen the time as it is now and has nothing more to do at it: a fetch
  // looks at the clock once more, so that three looks are one of them idle.
  void settle() {
    for (;;) {
      const size_t asked_before = count();
      const size_t looks_before = world_.looks;
      while (world_.looks < looks_before + 3 && loop_.run_turn()) {
      }
      if (count() == asked_before) return;
    }
  }
  // Minute by minute, as time goes.
  void advance(int64_t by) {
    for (int64_t step = 0; step < by; step += minute) {
      world_.now += minute;
      settle();
    }
  }
  size_t count() {
    const std::lock_guard lock(world_.mutex);
    return world_.asked.size();
  }
  // What a client gets to see.
  std::string stapled(const char* server_name = nullptr) {
    tls::RawClient raw;
    SSL_CTX_set_tlsext_status_type(raw.context(), TLSEXT_STATUSTYPE_ocsp);
    tls::Pair pair(context_->accept(), raw.connect(server_name));
    EXPECT_TRUE(pair.handshake()) << pair.reason();
    unsigned char* response = nullptr;
    const long size = SSL_get_tlsext_status_ocsp_resp(pair.client.stream.get(), &response);
    const void* bytes = response;
    return size <= 0 ? "" : std::string(static_cast<const char*>(bytes), static_cast<size_t>(size));
  }
  std::string written() {
    log_.flush();
    std::array<char, 65536> buffer{};
    const ssize_t got = ::pread(file_.get(), buffer.data(), buffer.size(), 0);
    return std::string(buffer.data(), got > 0 ? static_cast<size_t>(got) : 0);
  }
  size_t lines_with(const std::string& words) {
    const std::string text = written();
    size_t found = 0;
    for (size_t at = 0; (at = text.find(words, at)) != text.npos; ++at) ++found;
    return found;
  }

  UniqueFd file_{::memfd_create("log", MFD_CLOEXEC)};
  Log log_{"Test"};
  World world_;
  Stapler::Sources sources_ = world_.sources();
  Loop loop_;
  std::unique_ptr<tls::ServerContext> context_;
  std::optional<Stapler> stapler_;
  const Issued issued_ = issue("http://ocsp.example.com/");
};

TEST_F(StaplerTest, StaplesWhatItFetches) {
  world_.answer = respond(issued_, world_.now, world_.now + 4 * hour);
  const int64_t start_time = world_.now;
  start(issued_.text(authority().pem()));
  EXPECT_EQ(stapled(), "");
  settle();
  EXPECT_EQ(stapled(), *world_.answer);
  EXPECT_EQ(lines_with("General Notice: OCSP response of server.pem fetched from "
                       "http://ocsp.example.com/, good until "),
            1u)
      << written();
  advance(2 * hour - minute);
  EXPECT_EQ(count(), 1u);
  world_.answer = respond(issued_, world_.now, world_.now + 8 * hour);
  advance(minute);
  ASSERT_EQ(count(), 2u);
  EXPECT_EQ(world_.asked[1].at, start_time + 2 * hour);
  EXPECT_EQ(stapled(), *world_.answer);
  EXPECT_EQ(lines_with("fetched from"), 1u);
}

TEST_F(StaplerTest, TriesAgainAndKeepsTheOldResponseWhileItIsGood) {
  const std::string good = respond(issued_, world_.now, world_.now + 2 * hour);
  world_.answer = good;
  start(issued_.text(authority().pem()));
  settle();
  world_.answer = fail(Errc::unavailable, "nobody there");
  advance(2 * hour - minute);
  // At 60, 61, 63, 67, 75, 91 minutes.
  EXPECT_EQ(count(), 7u);
  EXPECT_EQ(stapled(), good);
  EXPECT_EQ(lines_with("General Warning: no OCSP response of server.pem: nobody there"), 1u)
      << written();
  advance(minute);
  EXPECT_EQ(stapled(), "");
  EXPECT_EQ(lines_with("OCSP response of server.pem has expired and is no longer sent"), 1u);
  world_.answer = fail(Errc::unavailable, "out of order");
  advance(hour);
  EXPECT_EQ(lines_with("out of order"), 1u);
  world_.answer = respond(issued_, world_.now, world_.now + 5 * hour);
  advance(hour);
  EXPECT_EQ(stapled(), *world_.answer);
  EXPECT_EQ(lines_with("fetched from"), 2u) << "it is over, and the log says so";
}

TEST_F(StaplerTest, StaplesNothingThatIsNoGoodNews) {
  const Issued other = issue("http://ocsp.example.com/");
  const std::string answers[] = {
      "hello",
      "",
      respond(other, world_.now, world_.now + hour),
      respond(issued_, world_.now - day, world_.now - hour),
      respond(issued_, world_.now - day, world_.now - 10),
      respond(issued_, world_.now, world_.now + hour, V_OCSP_CERTSTATUS_REVOKED),
  };
  for (const std::string& answer : answers) {
    world_.answer = answer;
    start(issued_.text(authority().pem()));
    settle();
    EXPECT_EQ(stapled(), "");
    stapler_.reset();
  }
  EXPECT_EQ(lines_with("no OCSP response of server.pem: "), std::size(answers)) << written();
}

TEST_F(StaplerTest, AsksForEachCertificateThatHasAResponder) {
  const Issued second = issue("http://other.example.com/", "other.example.com");
  const Issued third = issue("", "third.example.com");
  const Issued lonely = issue("http://lonely.example.com/", "lonely.example.com");
  tls::CertificateText without_issuer = lonely.text();
  without_issuer.name = "lonely.pem";
  world_.answer = respond(second, world_.now, world_.now + hour);
  std::vector<tls::CertificateText> texts;
  for (const Issued* one : {&issued_, &second, &third}) {
    texts.push_back(one->text(authority().pem()));
  }
  texts.push_back(std::move(without_issuer));
  start(texts);
  settle();
  ASSERT_EQ(count(), 2u);
  EXPECT_EQ(world_.asked[0].url, "http://ocsp.example.com/");
  EXPECT_EQ(world_.asked[1].url, "http://other.example.com/");
  EXPECT_EQ(stapled(), "") << "the answer is about another one";
  EXPECT_EQ(stapled("other.example.com"), *world_.answer);
  EXPECT_EQ(lines_with("no OCSP response of lonely.pem: OCSP needs the certificate of the issuer"),
            1u)
      << written();
}

TEST_F(StaplerTest, DropsAFileThatExpires) {
  tls::CertificateText text = issued_.text(authority().pem());
  text.ocsp = respond(issued_, world_.now, world_.now + 10 * minute);
  const std::string response = text.ocsp;
  start(std::move(text), false);
  advance(9 * minute);
  EXPECT_EQ(stapled(), response);
  advance(minute);
  EXPECT_EQ(stapled(), "");
  EXPECT_EQ(lines_with("OCSP response of server.pem has expired and is no longer sent"), 1u);
  EXPECT_EQ(count(), 0u);
  EXPECT_FALSE(loop_.run_turn()) << "nothing is left to wait for";
}

TEST_F(StaplerTest, DoesNotBeginWithAFileThatHasExpired) {
  tls::CertificateText text = issued_.text(authority().pem());
  text.ocsp = respond(issued_, world_.now - hour, world_.now - 10);
  start(std::move(text), false);
  EXPECT_EQ(stapled(), "");
  EXPECT_EQ(lines_with("OCSP response of server.pem is not sent: the OCSP response is too old"), 1u)
      << written();
}

TEST_F(StaplerTest, FetchesInPlaceOfAFile) {
  tls::CertificateText text = issued_.text(authority().pem());
  text.ocsp = respond(issued_, world_.now - hour, world_.now + hour);
  world_.answer = respond(issued_, world_.now, world_.now + day);
  start(std::move(text));
  EXPECT_NE(stapled(), "");
  settle();
  EXPECT_EQ(stapled(), *world_.answer);
}

TEST_F(StaplerTest, SpreadsTheFirstFetch) {
  sources_.spread = 600;
  std::vector<int64_t> moments;
  for (int worker = 0; worker < 8; ++worker) {
    const int64_t start_time = world_.now;
    start(issued_.text(authority().pem()));
    while (count() == moments.size()) advance(minute);
    moments.push_back(world_.asked.back().at - start_time);
    EXPECT_LE(moments.back(), 600 + minute);
    stapler_.reset();
  }
  std::sort(moments.begin(), moments.end());
  EXPECT_NE(moments.front(), moments.back());
}

// Whatever a fetch finds when it comes back, it touches nothing of a Stapler that is gone.
TEST_F(StaplerTest, MayGoWhileAFetchRuns) {
  std::promise<void> begun;
  std::promise<void> let_go;
  std::shared_future<void> may_end = let_go.get_future().share();
  const std::string response = respond(issued_, world_.now, world_.now + hour);
  sources_.fetch = [&begun, may_end, response](const std::string&, const std::string&) {
    begun.set_value();
    may_end.wait();
    return Result<std::string>(response);
  };
  start(issued_.text(authority().pem()));
  begun.get_future().wait();
  stapler_.reset();
  context_.reset();
  let_go.set_value();
  while (loop_.run_turn()) {
  }
}

TEST_F(StaplerTest, MayGoBeforeAFetchBeginsAndBetweenFetches) {
  world_.answer = respond(issued_, world_.now, world_.now + hour);
  start(issued_.text(authority().pem()));
  stapler_.reset();
  start(issued_.text(authority().pem()));
  settle();
  stapler_.reset();
  EXPECT_NE(stapled(), "");
  while (loop_.run_turn()) {
  }
}

// A responder that answers one request over HTTP.
class Responder {
 public:
  Responder() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const void* generic = &address;
    for (port_ = 24900; port_ < 25000; ++port_) {
      address.sin_port = htons(port_);
      if (::bind(listener_.get(), static_cast<const sockaddr*>(generic), sizeof address) == 0)
        break;
    }
    ::listen(listener_.get(), 1);
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/ocsp"; }
  void answer_with(const std::string& response) {
    thread_ = std::thread([this, response] {
      const UniqueFd connection(::accept(listener_.get(), nullptr, nullptr));
      const std::string text = "HTTP/1.0 200 OK\r\nContent-Type: application/ocsp-response\r\n" +
                               ("Content-Length: " + std::to_string(response.size())) + "\r\n\r\n" +
                               response;
      char request[4096];
      (void)!::recv(connection.get(), request, sizeof request, 0);
      (void)!::send(connection.get(), text.data(), text.size(), MSG_NOSIGNAL);
      ::shutdown(connection.get(), SHUT_WR);
      (void)!::recv(connection.get(), request, sizeof request, 0);
    });
  }
  ~Responder() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    if (thread_.joinable()) thread_.join();
  }

 private:
  UniqueFd listener_;
  uint16_t port_ = 0;
  std::thread thread_;
};

TEST_F(StaplerTest, SpeaksHttpToTheResponder) {
  Responder responder;
  const Issued issued = issue(responder.url());
  const std::string response = respond(issued, world_.now, world_.now + hour);
  responder.answer_with(response);
  sources_ = Stapler::Sources();
  sources_.spread = 0;
  start(issued.text(authority().pem()));
  while (written().empty() && loop_.run_turn()) {
  }
  EXPECT_EQ(lines_with("fetched from " + responder.url()), 1u) << written();
  EXPECT_EQ(stapled(), response);
}

}  // namespace
}  // namespace openmmp::proxy
