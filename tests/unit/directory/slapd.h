// Servers for the tests, on 127.0.0.1 and ports below the ephemeral ones.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace openmmp::directory {

// A port below 32768 that nobody listens on.
int free_port();

// A real slapd with a database of its own, made of `ldif`; it ends with this object.
class Slapd {
 public:
  Slapd(int port, const std::string& suffix, const std::string& ldif);
  ~Slapd();
  Slapd(const Slapd&) = delete;
  Slapd& operator=(const Slapd&) = delete;

  void start();  // returns when it accepts connections
  void stop();
  std::string url() const;
  std::string tls_url() const;
  // The server's certificate, which nobody else has signed.
  std::string certificate_file() const { return folder_ + "/certificate.pem"; }

 private:
  void run_to_end(std::vector<std::string> words);
  std::string output() const;

  int port_;
  int tls_port_;
  std::string folder_;
  pid_t pid_ = -1;
};

}  // namespace openmmp::directory
