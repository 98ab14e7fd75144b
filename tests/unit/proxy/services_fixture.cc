#include "tests/unit/proxy/services_fixture.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

namespace openmmp::proxy {

SocketAddress address(const std::string& ip) { return *SocketAddress::parse(ip, 4711); }

std::string ldif_user(const std::string& uid, const std::string& attributes) {
  return fmt::format("dn: uid={0},o=example\nobjectClass: inetOrgPerson\nuid: {0}\n{1}\n", uid,
                     attributes);
}

ServicesFixture::ServicesFixture() {
  log_.set_level(0);
  birth_.service = "Test";
  set("LdapUrl", "ldif:users.ldif");
  set("HostedDomains", "no");
  set("BGPenalty", "0");
}

void ServicesFixture::set(const std::string& option, const std::string& value) {
  birth_.settings.emplace_back(option, value);
}

void ServicesFixture::add_domain(const std::string& name, std::vector<std::string> addresses,
                                 config::Pairs overrides) {
  config::VirtualDomain& domain = birth_.virtual_domains.emplace_back();
  domain.name = name;
  domain.addresses = std::move(addresses);
  domain.overrides = std::move(overrides);
}

void ServicesFixture::add_file(const std::string& option, const std::string& text,
                               const std::string& domain) {
  UniqueFd file(::memfd_create("test", MFD_CLOEXEC));
  EXPECT_EQ(::write(file.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  ::lseek(file.get(), 0, SEEK_SET);
  ipc::NamedFile& named = birth_.files.emplace_back(option, std::move(file));
  named.path = option;
  named.virtual_domain = domain;
}

Result<> ServicesFixture::try_make(const Stores::Protocol& protocol) {
  auto made = make_services(loop_, log_, birth_, protocol);
  if (!made) return fail(std::move(made.error()));
  services_ = std::move(*made);
  return {};
}

Services& ServicesFixture::make(const Stores::Protocol& protocol) {
  const Result<> made = try_make(protocol);
  EXPECT_TRUE(made) << made.error().detail;
  return *services_;
}

SessionContext ServicesFixture::context_of(const std::string& client_ip) {
  return SessionContext(++sessions_, address(client_ip), services_->domains.others(), log_);
}

}  // namespace openmmp::proxy
