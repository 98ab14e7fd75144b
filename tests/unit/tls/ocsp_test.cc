#include "ipc/tls/ocsp.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <openssl/ocsp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <ctime>
#include <thread>

#include "tests/unit/tls/fixture.h"

namespace openmmp::tls {
namespace {

using namespace std::chrono_literals;

struct Answer {
  int status = V_OCSP_CERTSTATUS_GOOD;
  int response_status = OCSP_RESPONSE_STATUS_SUCCESSFUL;
  long from = -60;
  long to = 3600;  // 0: no next update
};

std::string respond(const Issued& about, const Authority& issuer, X509* signer, EVP_PKEY* key,
                    const Answer& answer) {
  const Owned<OCSP_BASICRESP> basic(OCSP_BASICRESP_new());
  const Owned<OCSP_CERTID> id(
      OCSP_cert_to_id(nullptr, about.certificate.get(), issuer.certificate()));
  ASN1_TIME* from = X509_gmtime_adj(nullptr, answer.from);
  ASN1_TIME* to = answer.to == 0 ? nullptr : X509_gmtime_adj(nullptr, answer.to);
  ASN1_TIME* revoked = X509_gmtime_adj(nullptr, -100);
  OCSP_basic_add1_status(basic.get(), id.get(), answer.status, OCSP_REVOKED_STATUS_KEYCOMPROMISE,
                         answer.status == V_OCSP_CERTSTATUS_REVOKED ? revoked : nullptr, from, to);
  ASN1_TIME_free(from);
  ASN1_TIME_free(to);
  ASN1_TIME_free(revoked);
  OCSP_basic_sign(basic.get(), signer, key, EVP_sha256(), nullptr, 0);
  const Owned<OCSP_RESPONSE> response(OCSP_response_create(answer.response_status, basic.get()));
  std::string der(static_cast<size_t>(i2d_OCSP_RESPONSE(response.get(), nullptr)), '\0');
  unsigned char* to_bytes = bytes_of(der);
  i2d_OCSP_RESPONSE(response.get(), &to_bytes);
  return der;
}

class Ocsp : public testing::Test {
 protected:
  std::string by_issuer(const Answer& answer) const {
    return respond(issued_, authority(), authority().certificate(), authority().key(), answer);
  }
  std::string outcome(const std::string& response) const {
    const auto facts = check_ocsp(response, chain_, now_);
    return facts ? "" : facts.error().detail;
  }
  const Issued issued_ = authority().issue({});
  const std::string chain_ = issued_.pem() + authority().pem();
  const int64_t now_ = time(nullptr);
};

TEST_F(Ocsp, AsksAboutTheCertificate) {
  const auto request = ocsp_request(chain_);
  ASSERT_TRUE(request);
  const unsigned char* from = bytes_of(std::string_view(*request));
  const Owned<OCSP_REQUEST> parsed(
      d2i_OCSP_REQUEST(nullptr, &from, static_cast<long>(request->size())));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(OCSP_request_onereq_count(parsed.get()), 1);
  const auto alone = ocsp_request(issued_.pem());
  ASSERT_FALSE(alone);
  EXPECT_EQ(alone.error().detail,
            "OCSP needs the certificate of the issuer behind the certificate in its file");
}

TEST_F(Ocsp, BelievesTheIssuer) {
  const auto facts = check_ocsp(by_issuer({}), chain_, now_);
  ASSERT_TRUE(facts) << facts.error().detail;
  EXPECT_NEAR(static_cast<double>(facts->this_update), static_cast<double>(now_ - 60), 5);
  EXPECT_NEAR(static_cast<double>(facts->next_update), static_cast<double>(now_ + 3600), 5);
  Answer no_end;
  no_end.to = 0;
  EXPECT_EQ(check_ocsp(by_issuer(no_end), chain_, now_)->next_update, 0);
}

TEST_F(Ocsp, BelievesADelegate) {
  Wish wish;
  wish.names = {};
  wish.subject = {{"CN", "responder"}};
  wish.responder = true;
  const Issued delegate = authority().issue(wish);
  EXPECT_EQ(
      outcome(respond(issued_, authority(), delegate.certificate.get(), delegate.key.get(), {})),
      "");
  wish.responder = false;
  const Issued nobody = authority().issue(wish);
  EXPECT_NE(outcome(respond(issued_, authority(), nobody.certificate.get(), nobody.key.get(), {})),
            "");
}

TEST_F(Ocsp, SaysWhatIsWrong) {
  Answer revoked;
  revoked.status = V_OCSP_CERTSTATUS_REVOKED;
  Answer later;
  later.response_status = OCSP_RESPONSE_STATUS_TRYLATER;
  Answer old;
  old.from = -7200;
  old.to = -3600;
  Answer early;
  early.from = 3600;
  early.to = 7200;
  EXPECT_EQ(outcome(by_issuer(revoked)), "the OCSP response says that the certificate is revoked");
  EXPECT_EQ(outcome(by_issuer(later)), "the OCSP response says trylater");
  EXPECT_EQ(outcome(by_issuer(old)), "the OCSP response is too old");
  EXPECT_EQ(outcome(by_issuer(early)), "the OCSP response is from the future: is the clock right?");
  EXPECT_EQ(outcome("hello"), "the OCSP response is no DER as responders send it");
  EXPECT_EQ(outcome(""), "the OCSP response is no DER as responders send it");
  const Issued other = authority().issue({});
  EXPECT_EQ(outcome(respond(other, authority(), authority().certificate(), authority().key(), {})),
            "the OCSP response is about another certificate");
  const Authority stranger("Test CA");
  EXPECT_TRUE(outcome(respond(issued_, authority(), stranger.certificate(), stranger.key(), {}))
                  .starts_with("the OCSP response is not signed by the certificate's issuer: "));
}

TEST_F(Ocsp, TheFileIsExamined) {
  CertificateText text = issued_.text(authority().pem());
  text.ocsp = by_issuer({});
  EXPECT_TRUE(examine(text));
  text.ocsp = "hello";
  EXPECT_EQ(examine(text).error().detail,
            "server.pem: the OCSP response is no DER as responders send it");
}

// Cut short and changed anywhere, a response is refused or still says the same.
TEST_F(Ocsp, TakesNoForgery) {
  const std::string good = by_issuer({});
  for (size_t i = 0; i < good.size(); i += 3) {
    EXPECT_NE(outcome(good.substr(0, i)), "") << i;
    std::string forged = good;
    forged[i] = static_cast<char>(forged[i] ^ 0x41);
    (void)outcome(forged);
  }
}

// Accepts one connection and answers with these bytes.
class Responder {
 public:
  explicit Responder(std::string answer)
      : listener_(socket(AF_INET, SOCK_STREAM, 0)), answer_(std::move(answer)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int on = 1;
    setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    for (port_ = 24800; port_ < 24900; ++port_) {
      address.sin_port = htons(port_);
      const void* generic = &address;
      if (bind(listener_, static_cast<const sockaddr*>(generic), sizeof address) == 0) break;
    }
    listen(listener_, 1);
    thread_ = std::thread([this] { answer_one(); });
  }
  ~Responder() {
    shutdown(listener_, SHUT_RDWR);
    thread_.join();
    close(listener_);
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/ocsp"; }

 private:
  void answer_one() const {
    const int connection = accept(listener_, nullptr, nullptr);
    if (connection < 0) return;
    char request[4096];
    (void)!recv(connection, request, sizeof request, 0);
    for (size_t sent = 0; sent < answer_.size();) {
      const ssize_t more =
          send(connection, answer_.data() + sent, answer_.size() - sent, MSG_NOSIGNAL);
      if (more <= 0) break;
      sent += static_cast<size_t>(more);
    }
    shutdown(connection, SHUT_WR);
    (void)!recv(connection, request, sizeof request, 0);
    close(connection);
  }
  int listener_;
  uint16_t port_ = 0;
  std::string answer_;
  std::thread thread_;
};

std::string http(const std::string& body, const char* type = "application/ocsp-response") {
  return "HTTP/1.0 200 OK\r\nContent-Type: " + std::string(type) +
         "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

TEST_F(Ocsp, FetchesTheAnswer) {
  const std::string response = by_issuer({});
  const Responder responder(http(response));
  const auto fetched = fetch_ocsp(responder.url(), *ocsp_request(chain_), 5s);
  ASSERT_TRUE(fetched) << fetched.error().detail;
  EXPECT_EQ(*fetched, response);
  EXPECT_EQ(outcome(*fetched), "");
}

TEST_F(Ocsp, FetchesNothingElse) {
  const std::string huge = std::string("0\x83\x01\xff\xff", 5) + std::string(0x1ffff, 'x');
  const std::string answers[] = {
      "",         "HTTP/1.0 500 No\r\n\r\n", http("<html>", "text/html"), http("<html>"),
      http(huge), "nonsense\r\n\r\n",
  };
  for (const std::string& answer : answers) {
    const Responder responder(answer);
    const auto fetched = fetch_ocsp(responder.url(), *ocsp_request(chain_), 5s);
    ASSERT_FALSE(fetched) << answer.substr(0, 60);
    EXPECT_EQ(fetched.error().code, Errc::unavailable);
  }
  for (const char* url : {"https://127.0.0.1/", "ldap://127.0.0.1/", "", "http://"}) {
    EXPECT_FALSE(fetch_ocsp(url, "x", 1s)) << url;
  }
}

}  // namespace
}  // namespace openmmp::tls
