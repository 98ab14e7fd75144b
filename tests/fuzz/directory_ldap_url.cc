// The LdapUrl option.
#include <fmt/format.h>

#include "config/cfg_file.h"
#include "tests/fuzz/fuzz.h"
#include "workers/directory/dn.h"
#include "workers/directory/ldap_url.h"

namespace openmmp::fuzz {
namespace {

std::string percent_encoded(std::string_view text) {
  std::string result;
  for (const char c : text) result += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  return result;
}

// The value as we would write it, in words.
std::vector<std::string> render(const directory::LdapUrl& url) {
  const std::string base = percent_encoded(url.base);
  if (url.is_embedded()) return config::split_words("ldif:" + url.ldif_file + "?" + base);
  std::vector<std::string> words;
  for (const std::string& server : url.servers) words.push_back(server + "/" + base);
  return words;
}

}  // namespace

void check_input(std::string_view input) {
  const auto url = directory::parse_ldap_url(config::split_words(input));
  if (!url) return;
  CHECK(url->is_embedded() == url->servers.empty());
  CHECK(directory::Dn::parse(url->base).has_value());
  const auto again = directory::parse_ldap_url(render(*url));
  CHECK(again && again->ldif_file == url->ldif_file && again->servers == url->servers);
  CHECK(again->base == url->base);
}

}  // namespace openmmp::fuzz
