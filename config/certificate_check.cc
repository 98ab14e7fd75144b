#include "config/certificate_check.h"

#include <fmt/format.h>
#include <time.h>

#include <algorithm>

#include "config/certificates.h"
#include "config/instance_files.h"
#include "config/service_files.h"

namespace openmmp::config {
namespace {

constexpr size_t max_pem = 1024 * 1024;
constexpr int64_t soon = 14 * 24 * 3600;

// Those that are read here; the others are for the workers to understand.
constexpr std::string_view checked_options[] = {
    "LdapCaFile",       "SSLCertFile", "SSLKeyFile",    "SSLOcspFile", "SSLClientCaFile",
    "SSLKeyPasswdFile", "StoreCaFile", "StoreCertFile", "StoreKeyFile"};

class Checker {
 public:
  Checker(const Section& section, int64_t now, Service& service, Diagnostics& out)
      : section_(section), now_(now), service_(service), out_(out) {}

  void read() {
    for (const ServiceFile& file : service_.files) {
      if (std::count(std::begin(checked_options), std::end(checked_options), file.option) == 0) {
        continue;
      }
      Result<std::string> text = read_file(file.path, max_pem);
      if (text) {
        files_.emplace_back(file, Secret(std::move(*text)));
      } else {
        out_.error(place(file), fmt::format("{}: {}", file.path, text.error().detail));
      }
    }
  }

  void check_parts() {
    for (const FileText& one : files_) {
      if (one.file.option == "SSLKeyPasswdFile") {
        complain(one.file, check_passwords(one.text.reveal()));
      }
      if (!one.file.option.ends_with("CaFile")) continue;
      const auto count = tls::examine_authorities(one.text.reveal_string());
      if (!count) complain(one.file, fail(count.error()));
    }
  }

  void check_server() {
    for (const tls::CertificateText& text : server_certificates(service_.settings, files_)) {
      const auto named = std::find_if(files_.begin(), files_.end(), [&](const FileText& one) {
        return one.file.option == "SSLCertFile" && one.file.path == text.name;
      });
      const auto facts =
          check(place(named->file), text,
                path_of_key("SSLKeyFile", named->file.store_group, named->file.index));
      if (!facts) continue;
      if (service_.settings.ssl_ocsp_fetch && facts->ocsp_url.empty()) {
        out_.warning(place_of(service_, section_, "SSLOcspFetch"),
                     fmt::format("{} names no responder to fetch from", text.name));
      }
    }
  }

  void check_stores() {
    check_store(service_.settings, {});
    for (const StoreGroup& group : service_.store_groups) {
      check_store(settings_from(service_.pairs, group.overrides), group.name);
    }
  }

 private:
  Place place(const ServiceFile& file) const {
    if (!file.store_group.empty()) return {service_.settings.store_file, 0, file.option};
    // What a nickname stands for is not written anywhere.
    const bool nickname = section_.find(file.option) == nullptr;
    return place_of(service_, section_, nickname ? "SSLCertNicknames" : file.option);
  }

  void complain(const ServiceFile& file, const Result<>& result) {
    if (result) return;
    out_.error(place(file), fmt::format("{}: {}", file.path, result.error().detail));
  }

  // A group that has no file of its own shows the service's certificate, which is checked once.
  void check_store(const Settings& settings, const std::string& group) {
    const bool own = std::any_of(files_.begin(), files_.end(), [&](const FileText& one) {
      return one.file.store_group == group &&
             (one.file.option == "StoreCertFile" || one.file.option == "StoreKeyFile");
    });
    const auto text = store_certificate(settings, files_, group);
    if (!own || !text) return;
    check(group.empty() ? place_of(service_, section_, "StoreCertFile")
                        : Place{service_.settings.store_file, 0, "StoreCertFile"},
          *text, path_of_key("StoreKeyFile", group, 0));
  }

  // Empty when the key is in the file of its certificate.
  std::string path_of_key(std::string_view option, const std::string& group, uint32_t index) const {
    const auto key = std::find_if(files_.begin(), files_.end(), [&](const FileText& one) {
      return one.file.option == option && one.file.store_group == group && one.file.index == index;
    });
    return key == files_.end() ? std::string() : key->file.path;
  }

  std::optional<tls::CertificateFacts> check(const Place& where, const tls::CertificateText& text,
                                             const std::string& key) {
    Result<tls::CertificateFacts> facts = tls::examine(text);
    if (!facts) {
      const std::string hint = key.empty() ? "" : fmt::format("; the key is in {}", key);
      out_.error(where, facts.error().detail + hint);
      return std::nullopt;
    }
    if (facts->not_before > now_) {
      out_.warning(
          where, fmt::format("{} is not valid before {}", text.name, date_text(facts->not_before)));
    } else if (facts->not_after <= now_) {
      out_.warning(where, fmt::format("{} expired on {}", text.name, date_text(facts->not_after)));
    } else if (facts->not_after - now_ < soon) {
      out_.warning(where, fmt::format("{} expires on {}", text.name, date_text(facts->not_after)));
    }
    service_.certificates.push_back({where.option, text.name, *facts});
    return std::move(*facts);
  }

  const Section& section_;
  const int64_t now_;
  Service& service_;
  Diagnostics& out_;
  std::vector<FileText> files_;
};

}  // namespace

std::string date_text(int64_t seconds) {
  const time_t time = seconds;
  struct tm parts {};
  char text[32] = "";
  if (::gmtime_r(&time, &parts) == nullptr) return text;
  return std::string(text, ::strftime(text, sizeof text, "%Y-%m-%d", &parts));
}

void check_certificates(const Section& section, int64_t now, Service& service, Diagnostics& out) {
  Checker checker(section, now, service, out);
  checker.read();
  checker.check_parts();
  checker.check_server();
  checker.check_stores();
}

}  // namespace openmmp::config
