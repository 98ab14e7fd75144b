#include "tests/unit/directory/slapd.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <vector>

#include "ipc/runtime/socket.h"

extern char** environ;

namespace openmmp::directory {

namespace {

constexpr const char* configuration = R"(
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
# mailHost of misc.schema takes one value only.
attributetype ( 1.3.6.1.4.1.4203.666.1.1 NAME 'mailHost' EQUALITY caseIgnoreMatch
  SUBSTR caseIgnoreSubstringsMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
objectclass ( 1.3.6.1.4.1.4203.666.1.2 NAME 'mailUser' AUXILIARY MAY mailHost )
{2}modulepath /usr/lib/ldap
moduleload back_mdb
# For its attribute memberOf alone: the values are those of the LDIF.
moduleload memberof
pidfile {0}/slapd.pid
TLSCertificateFile {0}/certificate.pem
TLSCertificateKeyFile {0}/key.pem
database mdb
suffix "{1}"
rootdn "cn=admin,{1}"
rootpw secret
directory {0}/db
index uid,mail eq
)";

// Of the schema of hosted domains. What has them is an extensibleObject, which may have any.
constexpr const char* domain_attributes[] = {
    "sunPreferredDomain",       "inetCanonicalDomainName", "inetDomainSearchFilter",
    "domainUidSeparator",       "inetDomainStatus",        "mailDomainStatus",
    "inetUserStatus",           "mailUserStatus",          "mailDomainAllowedServiceAccess",
    "mailAllowedServiceAccess", "mailAccessProxyReplay",   "mailAccessProxyPreAuth",
    "inetDomainBaseDN",
};

std::string domain_schema() {
  std::string text;
  int number = 10;
  for (const char* name : domain_attributes) {
    text += fmt::format(
        "attributetype ( 1.3.6.1.4.1.4203.666.99.{} NAME '{}' EQUALITY caseIgnoreMatch\n"
        "  SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )\n",
        number++, name);
  }
  for (const char* name : {"inetDomain", "inetDomainAlias"}) {
    text += fmt::format("objectclass ( 1.3.6.1.4.1.4203.666.99.{} NAME '{}' AUXILIARY )\n",
                        number++, name);
  }
  return text;
}

// What the program says goes to `output`.
pid_t run(std::vector<std::string> words, const std::string& output) {
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 1, output.c_str(), O_WRONLY | O_CREAT | O_APPEND,
                                   0600);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  pid_t pid = -1;
  EXPECT_EQ(posix_spawn(&pid, arguments[0], &actions, nullptr, arguments.data(), environ), 0);
  posix_spawn_file_actions_destroy(&actions);
  return pid;
}

bool accepts(int port) {
  const SocketAddress address = *SocketAddress::parse("127.0.0.1", static_cast<uint16_t>(port));
  const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return ::connect(fd.get(), address.get(), address.size()) == 0;
}

}  // namespace

int free_port() {
  // Each test program starts elsewhere, so that several can run at once.
  static int next = 20000 + static_cast<int>(getpid()) * 37 % 11900;
  for (;;) {
    const int port = next++;
    if (next >= 32000) next = 20000;
    if (listen_tcp(*SocketAddress::parse("127.0.0.1", static_cast<uint16_t>(port)))) return port;
  }
}

Slapd::Slapd(int port, const std::string& suffix, const std::string& ldif)
    : port_(port), tls_port_(free_port()) {
  char folder[] = "/tmp/openmmp-slapd-XXXXXX";
  folder_ = mkdtemp(folder);
  std::filesystem::create_directory(folder_ + "/db");
  std::ofstream(folder_ + "/slapd.conf")
      << fmt::format(configuration, folder_, suffix, domain_schema());
  std::ofstream(folder_ + "/data.ldif") << ldif;
  run_to_end({"/usr/bin/openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
              "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost",
              "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", folder_ + "/key.pem", "-out",
              certificate_file()});
  run_to_end(
      {"/usr/sbin/slapadd", "-q", "-f", folder_ + "/slapd.conf", "-l", folder_ + "/data.ldif"});
}

void Slapd::run_to_end(std::vector<std::string> words) {
  int status = -1;
  waitpid(run(std::move(words), folder_ + "/output"), &status, 0);
  EXPECT_EQ(status, 0) << output();
}

std::string Slapd::output() const {
  std::ifstream file(folder_ + "/output");
  return std::string(std::istreambuf_iterator<char>(file), {});
}

Slapd::~Slapd() {
  stop();
  std::filesystem::remove_all(folder_);
}

void Slapd::start() {
  // With a debug level slapd stays in the foreground and is our child.
  pid_ = run(
      {"/usr/sbin/slapd", "-d", "0", "-f", folder_ + "/slapd.conf", "-h", url() + " " + tls_url()},
      folder_ + "/output");
  while (!accepts(port_) || !accepts(tls_port_)) {
    if (waitpid(pid_, nullptr, WNOHANG) != 0) {
      ADD_FAILURE() << "slapd has ended: " << output();
      pid_ = -1;
      return;
    }
    usleep(1000);
  }
}

void Slapd::stop() {
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

std::string Slapd::tls_url() const { return fmt::format("ldaps://127.0.0.1:{}", tls_port_); }

std::string Slapd::url() const { return fmt::format("ldap://127.0.0.1:{}", port_); }

}  // namespace openmmp::directory
