#include "tests/dialogs/certificates.h"

#include <map>
#include <memory>

#include "ipc/runtime/check.h"
#include "tests/unit/tls/fixture.h"
#include "workers/sasl/digest.h"

namespace openmmp::dialogs {

namespace {

tls::Wish store_wish() {
  tls::Wish wish;
  wish.names = {"IP:127.0.0.1"};
  return wish;
}

tls::Wish client_wish(std::vector<std::pair<std::string, std::string>> subject) {
  tls::Wish wish;
  wish.names = {};
  wish.subject = std::move(subject);
  return wish;
}

std::map<std::string, tls::Issued> issue_all() {
  const tls::Authority& us = tls::authority();
  std::map<std::string, tls::Issued> all;
  all.emplace("proxy", us.issue({}));
  all.emplace("store", us.issue(store_wish()));
  all.emplace("renamed", us.issue({}));
  tls::Wish expired = store_wish();
  expired.from_days = -365;
  expired.to_days = -1;
  all.emplace("expired", us.issue(expired));
  all.emplace("stranger", tls::Authority("Somebody").issue(store_wish()));
  for (const char* uid : {"joe", "admin", "nobody"}) {
    all.emplace(uid, us.issue(client_wish({{"O", "example"}, {"UID", uid}})));
  }
  all.emplace("two", us.issue(client_wish({{"O", "example"}, {"UID", "joe"}, {"UID", "jane"}})));
  all.emplace("nameless", us.issue(client_wish({})));
  return all;
}

const tls::Issued& issued(const std::string& name) {
  static const std::map<std::string, tls::Issued> all = issue_all();
  const auto found = all.find(name);
  CHECK(found != all.end());
  return found->second;
}

}  // namespace

std::string authority_pem() { return tls::authority().pem(); }

tls::CertificateText certificate_text(const std::string& name) { return issued(name).text(); }

std::string fingerprint(const std::string& name) {
  return sasl::hex(sasl::sha256(issued(name).der()));
}

const tls::ServerContext& store_context(const std::string& name) {
  static std::map<std::string, std::unique_ptr<tls::ServerContext>> made;
  std::unique_ptr<tls::ServerContext>& context = made[name];
  if (!context) {
    tls::ServerOptions options;
    options.certificates.push_back(certificate_text(name));
    context = tls::make_server(std::move(options));
  }
  return *context;
}

const tls::ClientContext& client_context(const std::string& name) {
  static std::map<std::string, std::unique_ptr<tls::ClientContext>> made;
  std::unique_ptr<tls::ClientContext>& context = made[name];
  if (!context) {
    tls::ClientOptions options;
    options.authorities = authority_pem();
    if (!name.empty()) options.certificate = certificate_text(name);
    context = tls::make_client(std::move(options));
  }
  return *context;
}

}  // namespace openmmp::dialogs
