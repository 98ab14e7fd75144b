#include "ipc/tls/server_names.h"

#include <algorithm>
#include <array>

#include "ipc/runtime/text.h"

namespace openmmp::tls {

namespace {

constexpr size_t longest_name = 255;

std::string wildcard_of(std::string_view name) {
  const size_t dot = name.find('.');
  return dot == name.npos ? std::string() : "*" + std::string(name.substr(dot));
}

bool has(const CertificateFacts& certificate, std::string_view name) {
  const auto& names = certificate.names;
  return !name.empty() && std::find(names.begin(), names.end(), name) != names.end();
}

// For each key type the first certificate with the name itself, else the first with a wildcard.
ServerNames::Set set_for(const std::vector<CertificateFacts>& certificates,
                         const std::string& name) {
  const std::string wildcard = wildcard_of(name);
  ServerNames::Set set;
  for (const KeyType type : {KeyType::ed25519, KeyType::ecdsa, KeyType::rsa}) {
    const auto find = [&](std::string_view wanted) {
      return std::find_if(certificates.begin(), certificates.end(), [&](const auto& certificate) {
        return certificate.key_type == type && has(certificate, wanted);
      });
    };
    auto found = find(name);
    if (found == certificates.end()) found = find(wildcard);
    if (found != certificates.end()) {
      set.push_back(static_cast<size_t>(found - certificates.begin()));
    }
  }
  return set;
}

}  // namespace

ServerNames::ServerNames(const std::vector<CertificateFacts>& certificates) {
  const auto& names = certificates.front().names;
  Set first = names.empty() ? Set{0} : set_for(certificates, names.front());
  if (std::find(first.begin(), first.end(), 0) == first.end()) first = {0};
  add_set(std::move(first));
  for (const CertificateFacts& certificate : certificates) {
    for (const std::string& name : certificate.names) {
      if (!by_name_.contains(name)) by_name_[name] = add_set(set_for(certificates, name));
    }
  }
}

size_t ServerNames::add_set(Set set) {
  const auto same = std::find(sets_.begin(), sets_.end(), set);
  if (same != sets_.end()) return static_cast<size_t>(same - sets_.begin());
  sets_.push_back(std::move(set));
  return sets_.size() - 1;
}

std::optional<size_t> ServerNames::look_up(std::string_view name) const {
  const auto found = by_name_.find(name);
  if (found == by_name_.end()) return std::nullopt;
  return found->second;
}

std::optional<size_t> ServerNames::find(std::string_view name) const {
  if (name.ends_with('.')) name.remove_suffix(1);
  if (name.empty() || name.size() > longest_name) return std::nullopt;
  std::array<char, longest_name> buffer;
  std::transform(name.begin(), name.end(), buffer.begin(), lower);
  const std::string_view low(buffer.data(), name.size());
  if (const auto exact = look_up(low)) return exact;
  const size_t dot = low.find('.');
  if (dot == 0 || dot == low.npos) return std::nullopt;
  buffer[dot - 1] = '*';  // the first label is not needed any more
  return look_up(low.substr(dot - 1));
}

}  // namespace openmmp::tls
