#include "tests/unit/directory/twin_fixture.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <csignal>

namespace openmmp::directory {

UniqueFd file_of(const std::string& text) {
  UniqueFd fd(memfd_create("file", MFD_CLOEXEC));
  EXPECT_EQ(::write(fd.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  return fd;
}

std::string text_of(const Error& error) {
  const bool refused = error.code == Errc::refused;
  EXPECT_TRUE(refused || error.code == Errc::unavailable) << error.detail;
  return (refused ? "refused: " : "unavailable: ") + error.detail;
}

std::string TwinTest::entries;
std::unique_ptr<Slapd> TwinTest::slapd;

void TwinTest::start_slapd(const std::string& ldif) {
  std::signal(SIGPIPE, SIG_IGN);
  entries = ldif;
  slapd = std::make_unique<Slapd>(free_port(), "o=example", ldif);
  slapd->start();
}

TwinTest::TwinTest() {
  log.set_level(7);
  log.set_file(UniqueFd(fcntl(log_file.get(), F_DUPFD_CLOEXEC, 0)));
}

TwinTest::~TwinTest() {
  if (never_logged.empty()) return;
  log.flush();
  std::string text(65536, '\0');
  const ssize_t size = ::pread(log_file.get(), text.data(), text.size(), 0);
  text.resize(size > 0 ? static_cast<size_t>(size) : 0);
  EXPECT_EQ(text.find(never_logged), std::string::npos) << text;
}

Result<> TwinTest::open(const std::string& url) {
  settings.ldap_url = {url};
  Files files;
  files.ldif = file_of(entries);
  if (!certmap.empty()) files.cert_map = file_of(certmap);
  auto result = Directory::create(loop, settings, log, std::move(files));
  if (!result) return fail(result.error());
  directory = std::move(*result);
  return {};
}

}  // namespace openmmp::directory
