#include "ipc/tls/ocsp.h"

#include <openssl/err.h>
#include <openssl/http.h>
#include <openssl/ocsp.h>
#include <openssl/x509v3.h>

#include <ctime>

#include "ipc/tls/credentials.h"
#include "ipc/tls/openssl.h"

namespace openmmp::tls {

namespace {

constexpr size_t largest_response = 64 * 1024;
// Clocks of responders are not ours.
constexpr int64_t allowed_skew = 300;

struct Pair {
  Owned<STACK_OF(X509)> chain;
  Owned<OCSP_CERTID> id;
};

Result<Pair> pair_of(const std::string& chain) {
  Result<Owned<STACK_OF(X509)>> certificates = load_certificates("OCSP", chain);
  if (!certificates) return fail(certificates.error());
  if (sk_X509_num(certificates->get()) < 2) {
    return fail(Errc::refused,
                "OCSP needs the certificate of the issuer behind the certificate in its file");
  }
  Pair pair;
  pair.chain = std::move(*certificates);
  pair.id.reset(OCSP_cert_to_id(nullptr, sk_X509_value(pair.chain.get(), 0),
                                sk_X509_value(pair.chain.get(), 1)));
  if (!pair.id) return fail(Errc::refused, "OCSP: " + take_error());
  return pair;
}

// The issuer of the certificate is whom we believe, whether it is a root or not.
bool is_signed_by_issuer(OCSP_BASICRESP* basic, STACK_OF(X509) * chain) {
  const Owned<X509_STORE> store(X509_STORE_new());
  X509_STORE_add_cert(store.get(), sk_X509_value(chain, 1));
  X509_STORE_set_flags(store.get(), X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_NO_CHECK_TIME);
  return OCSP_basic_verify(basic, chain, store.get(), 0) == 1;
}

int64_t seconds_of(const ASN1_GENERALIZEDTIME* time) {
  tm parts{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) return 0;
  return static_cast<int64_t>(timegm(&parts));
}

Result<OcspFacts> find_status(OCSP_BASICRESP* basic, OCSP_CERTID* id) {
  int status = 0;
  int reason = 0;
  ASN1_GENERALIZEDTIME* this_update = nullptr;
  ASN1_GENERALIZEDTIME* next_update = nullptr;
  if (OCSP_resp_find_status(basic, id, &status, &reason, nullptr, &this_update, &next_update) !=
      1) {
    return fail(Errc::refused, "the OCSP response is about another certificate");
  }
  if (status != V_OCSP_CERTSTATUS_GOOD) {
    return fail(Errc::refused, std::string("the OCSP response says that the certificate is ") +
                                   OCSP_cert_status_str(status));
  }
  return OcspFacts{seconds_of(this_update), seconds_of(next_update)};
}

// The parts of a URL, as OpenSSL allocates them.
struct Place {
  explicit Place(const std::string& url) {
    OSSL_HTTP_parse_url(url.c_str(), &tls, nullptr, &host, &port, nullptr, &path, nullptr, nullptr);
  }
  ~Place() {
    OPENSSL_free(host);
    OPENSSL_free(port);
    OPENSSL_free(path);
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  bool usable() const { return tls == 0 && host != nullptr && *host != '\0'; }

  int tls = 0;
  char* host = nullptr;
  char* port = nullptr;
  char* path = nullptr;
};

}  // namespace

Result<std::string> ocsp_request(const std::string& chain) {
  Result<Pair> pair = pair_of(chain);
  if (!pair) return fail(pair.error());
  const Owned<OCSP_REQUEST> request(OCSP_REQUEST_new());
  if (!request || OCSP_request_add0_id(request.get(), pair->id.get()) == nullptr) {
    return fail(Errc::internal, "OCSP: " + take_error());
  }
  (void)pair->id.release();  // the request has it now
  std::string der(static_cast<size_t>(i2d_OCSP_REQUEST(request.get(), nullptr)), '\0');
  unsigned char* to = bytes_of(der);
  i2d_OCSP_REQUEST(request.get(), &to);
  return der;
}

Result<OcspFacts> ocsp_facts(const std::string& response, const std::string& chain) {
  ERR_clear_error();
  const unsigned char* from = bytes_of(std::string_view(response));
  const Owned<OCSP_RESPONSE> parsed(
      d2i_OCSP_RESPONSE(nullptr, &from, static_cast<long>(response.size())));
  if (!parsed) {
    ERR_clear_error();
    return fail(Errc::refused, "the OCSP response is no DER as responders send it");
  }
  const int status = OCSP_response_status(parsed.get());
  if (status != OCSP_RESPONSE_STATUS_SUCCESSFUL) {
    return fail(Errc::refused,
                std::string("the OCSP response says ") + OCSP_response_status_str(status));
  }
  const Owned<OCSP_BASICRESP> basic(OCSP_response_get1_basic(parsed.get()));
  if (!basic) {
    ERR_clear_error();
    return fail(Errc::refused, "the OCSP response has no basic response in it");
  }
  const Result<Pair> pair = pair_of(chain);
  if (!pair) return fail(pair.error());
  Result<OcspFacts> facts = find_status(basic.get(), pair->id.get());
  if (facts && !is_signed_by_issuer(basic.get(), pair->chain.get())) {
    facts = fail(Errc::refused,
                 "the OCSP response is not signed by the certificate's issuer: " + take_error());
  }
  ERR_clear_error();
  return facts;
}

Result<OcspFacts> check_ocsp(const std::string& response, const std::string& chain, int64_t now) {
  Result<OcspFacts> facts = ocsp_facts(response, chain);
  if (!facts) return facts;
  if (facts->this_update > now + allowed_skew) {
    return fail(Errc::refused, "the OCSP response is from the future: is the clock right?");
  }
  if (facts->next_update != 0 && facts->next_update < now - allowed_skew) {
    return fail(Errc::refused, "the OCSP response is too old");
  }
  return facts;
}

Result<std::string> fetch_ocsp(const std::string& url, const std::string& request,
                               std::chrono::seconds timeout) {
  ERR_clear_error();
  const Place place(url);
  if (!place.usable()) {
    ERR_clear_error();
    return fail(Errc::unavailable, "OCSP responder \"" + url + "\": no http:// URL");
  }
  const Owned<BIO> body = reader(request);
  const Owned<BIO> answer(OSSL_HTTP_transfer(
      nullptr, place.host, place.port, place.path, 0, nullptr, nullptr, nullptr, nullptr, nullptr,
      nullptr, 0, nullptr, "application/ocsp-request", body.get(), "application/ocsp-response", 1,
      largest_response, static_cast<int>(timeout.count()), 0));
  if (!answer) return fail(Errc::unavailable, "OCSP responder \"" + url + "\": " + take_error());
  std::string response(largest_response, '\0');
  size_t size = 0;
  for (size_t got = 0; size < response.size(); size += got) {
    if (BIO_read_ex(answer.get(), response.data() + size, response.size() - size, &got) != 1) break;
  }
  response.resize(size);
  ERR_clear_error();
  return response;
}

}  // namespace openmmp::tls
