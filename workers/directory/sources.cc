#include "workers/directory/sources.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace openmmp::directory {

namespace {

// libldap wants a name to open. The name of our descriptor would do, were it not that the file may
// be one that only its owner may open again: so it gets a copy of our own.
Result<UniqueFd> copy_of(const UniqueFd& file) {
  const Result<std::string> text = read_all(file);
  if (!text) return fail(text.error());
  UniqueFd copy(memfd_create("ca_file", MFD_CLOEXEC));
  const ssize_t written = ::write(copy.get(), text->data(), text->size());
  if (written != static_cast<ssize_t>(text->size())) {
    return fail(Errc::unavailable, fmt::format("cannot be copied: {}", std::strerror(errno)));
  }
  return copy;
}

LdapPoolOptions pool_options(const config::Settings& settings, const LdapUrl& url,
                             const UniqueFd& ca_file) {
  LdapPoolOptions options;
  options.access.servers = url.servers;
  options.access.bind_dn = settings.bind_dn;
  options.access.bind_pass = Secret::copy_of(settings.bind_pass.reveal());
  options.access.start_tls = settings.ldap_start_tls;
  options.access.verify = settings.ldap_verify;
  options.access.ca_file =
      ca_file ? fmt::format("/proc/self/fd/{}", ca_file.get()) : settings.ldap_ca_file;
  options.access.timeout = settings.ldap_timeout;
  options.size = static_cast<size_t>(settings.ldap_pool_size);
  options.refresh = std::max(settings.ldap_refresh_interval, Seconds(1));
  return options;
}

}  // namespace

Result<std::string> read_all(const UniqueFd& file) {
  std::string text;
  char buffer[65536];
  for (;;) {
    // From the start whatever was read before: workers may share one open file.
    const ssize_t count =
        ::pread(file.get(), buffer, sizeof buffer, static_cast<off_t>(text.size()));
    if (count == 0) return text;
    if (count > 0) {
      text.append(buffer, static_cast<size_t>(count));
    } else if (errno != EINTR) {
      return fail(Errc::unavailable, fmt::format("cannot be read: {}", std::strerror(errno)));
    }
  }
}

Result<Source*> Sources::open_file(const LdapUrl& url, const UniqueFd& file) {
  for (const Item& item : items_) {
    if (item.file == url.ldif_file) return item.source.get();
  }
  Result<std::string> text = read_all(file);
  if (!text) return fail(text.error());
  Result<EmbeddedDirectory> embedded = EmbeddedDirectory::from_ldif(std::move(*text));
  if (!embedded) return fail(embedded.error());
  Item& item = items_.emplace_back();
  item.file = url.ldif_file;
  item.source = std::make_unique<Source>(url.ldif_file, std::move(*embedded));
  return item.source.get();
}

Source* Sources::open_nothing() {
  Item& item = items_.emplace_back();
  item.source = std::make_unique<Source>("no LdapUrl", EmbeddedDirectory());
  return item.source.get();
}

Result<Source*> Sources::open_servers(Loop& loop, const LdapUrl& url,
                                      const config::Settings& settings, const UniqueFd& ca_file,
                                      Log& log) {
  for (const Item& item : items_) {
    if (item.servers == url.servers && item.bind_dn == settings.bind_dn &&
        item.bind_pass.equals(settings.bind_pass.reveal())) {
      return item.source.get();
    }
  }
  UniqueFd copy;
  if (ca_file) {
    Result<UniqueFd> copied = copy_of(ca_file);
    if (!copied) return fail(copied.error());
    copy = std::move(*copied);
  }
  if (!settings.ldap_verify) {
    log.write(LogLevel::warning, 0, "directory: LdapVerify is no: any certificate is taken");
  }
  LdapPoolOptions options = pool_options(settings, url, copy);
  Item& item = items_.emplace_back();
  item.servers = url.servers;
  item.bind_dn = settings.bind_dn;
  item.bind_pass = Secret::copy_of(settings.bind_pass.reveal());
  item.source = std::make_unique<Source>(loop, std::move(options), std::move(copy), log);
  return item.source.get();
}

}  // namespace openmmp::directory
