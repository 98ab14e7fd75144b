#include "config/certificates.h"

#include <fmt/format.h>

#include <algorithm>

namespace openmmp::config {
namespace {

constexpr std::string_view token = "Internal (Software) Token";

const FileText* find_file(std::span<const FileText> files, std::string_view option,
                          const std::string& store_group, uint32_t index) {
  const auto found = std::find_if(files.begin(), files.end(), [&](const FileText& one) {
    return one.file.option == option && one.file.store_group == store_group &&
           one.file.index == index;
  });
  return found == files.end() ? nullptr : &*found;
}

const FileText* find_for_store(std::span<const FileText> files, std::string_view option,
                               const std::string& store_group) {
  const FileText* const own = find_file(files, option, store_group, 0);
  return own != nullptr ? own : find_file(files, option, {}, 0);
}

std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

// Calls `use` with each line's number and text until it says no.
template <class Use>
void each_line(std::string_view text, Use use) {
  for (int number = 1; !text.empty(); ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || line.front() == '#') continue;
    if (!use(number, line)) return;
  }
}

tls::CertificateText put_together(const FileText& certificate, const FileText* key,
                                  std::string_view passwords, std::string nickname) {
  tls::CertificateText result;
  result.name = certificate.file.path;
  result.chain = certificate.text.reveal();
  std::vector<std::string> names{base_name(certificate.file.path)};
  if (!nickname.empty()) names.push_back(std::move(nickname));
  if (key != nullptr) {
    result.key = Secret::copy_of(key->text.reveal());
    names.push_back(base_name(key->file.path));
  }
  result.password = find_password(passwords, names);
  return result;
}

}  // namespace

std::vector<tls::CertificateText> server_certificates(const Settings& settings,
                                                      std::span<const FileText> files) {
  std::vector<tls::CertificateText> result;
  const std::string_view passwords = file_text(files, "SSLKeyPasswdFile");
  const bool nicknamed = settings.ssl_cert_file.empty();
  const size_t count =
      nicknamed ? settings.ssl_cert_nicknames.size() : settings.ssl_cert_file.size();
  for (uint32_t index = 0; index < count; ++index) {
    const FileText* const certificate = find_file(files, "SSLCertFile", {}, index);
    if (certificate == nullptr) continue;
    result.push_back(put_together(*certificate, find_file(files, "SSLKeyFile", {}, index),
                                  passwords,
                                  nicknamed ? settings.ssl_cert_nicknames[index] : std::string()));
    const FileText* const ocsp = find_file(files, "SSLOcspFile", {}, index);
    if (ocsp != nullptr) result.back().ocsp = ocsp->text.reveal();
  }
  return result;
}

// A key goes with its certificate: the service's is not for the certificate of a group.
std::optional<tls::CertificateText> store_certificate(const Settings& settings,
                                                      std::span<const FileText> files,
                                                      const std::string& store_group) {
  if (settings.store_cert_file.empty()) return std::nullopt;
  const FileText* const certificate = find_for_store(files, "StoreCertFile", store_group);
  if (certificate == nullptr) return std::nullopt;
  const FileText* key = nullptr;
  if (!settings.store_key_file.empty()) {
    key = find_file(files, "StoreKeyFile", store_group, 0);
    const bool of_service = certificate->file.store_group.empty();
    if (key == nullptr && of_service) key = find_file(files, "StoreKeyFile", {}, 0);
  }
  return put_together(*certificate, key, file_text(files, "SSLKeyPasswdFile"), {});
}

// A group may go back to the system's authorities by an empty value.
std::string_view store_authorities(const Settings& settings, std::span<const FileText> files,
                                   const std::string& store_group) {
  if (settings.store_ca_file.empty()) return {};
  const FileText* const file = find_for_store(files, "StoreCaFile", store_group);
  return file == nullptr ? std::string_view() : file->text.reveal();
}

std::string_view file_text(std::span<const FileText> files, std::string_view option) {
  const FileText* const file = find_file(files, option, {}, 0);
  return file == nullptr ? std::string_view() : file->text.reveal();
}

// The line is not repeated: it is a password, or most of one.
Result<> check_passwords(std::string_view text) {
  Result<> good;
  each_line(text, [&](int number, std::string_view line) {
    if (line.find(':') != std::string_view::npos) return true;
    good = fail(Errc::protocol, fmt::format("line {} is not NAME:PASSWORD", number));
    return false;
  });
  return good;
}

Secret find_password(std::string_view text, std::span<const std::string> names) {
  std::vector<std::string_view> wanted(names.begin(), names.end());
  wanted.push_back(token);
  for (const std::string_view name : wanted) {
    Secret found;
    each_line(text, [&](int, std::string_view line) {
      const size_t colon = line.find(':');
      if (colon == std::string_view::npos || line.substr(0, colon) != name) return true;
      found = Secret::copy_of(line.substr(colon + 1));
      return false;
    });
    if (!found.empty()) return found;
  }
  return {};
}

}  // namespace openmmp::config
