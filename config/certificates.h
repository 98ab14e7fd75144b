// Certificates put together out of the files that options name: by the supervisor to check them
// before anything starts, and by a worker, from the descriptors of its Birth, to use them. Pure.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "ipc/tls/certificate.h"

namespace openmmp::config {

// A file that an option names, and what is in it.
struct FileText {
  FileText(ServiceFile f, Secret t) : file(std::move(f)), text(std::move(t)) {}
  ServiceFile file;
  Secret text;
};

// The certificates to show to clients, in the order of SSLCertFile or SSLCertNicknames, with their
// keys, passwords and OCSP responses.
std::vector<tls::CertificateText> server_certificates(const Settings& settings,
                                                      std::span<const FileText> files);

// The one to show to the stores of a group, or with "" to all others. `settings` are the group's.
// The files of the group count, and where it has none those of the service.
std::optional<tls::CertificateText> store_certificate(const Settings& settings,
                                                      std::span<const FileText> files,
                                                      const std::string& store_group);

// StoreCaFile in the same way; empty: the system's authorities.
std::string_view store_authorities(const Settings& settings, std::span<const FileText> files,
                                   const std::string& store_group);

// The only file of an option of the service, such as SSLClientCaFile; empty when there is none.
std::string_view file_text(std::span<const FileText> files, std::string_view option);

// SSLKeyPasswdFile: lines NAME:PASSWORD. Errc::protocol names the first line that is none.
Result<> check_passwords(std::string_view text);
// The password of the first of `names` that has one, or that of the NSS token, which serves all.
Secret find_password(std::string_view text, std::span<const std::string> names);

}  // namespace openmmp::config
