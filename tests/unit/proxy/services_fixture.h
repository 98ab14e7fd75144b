// The Services of a worker, made of options as the supervisor would hand them over.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "ipc/handover.h"
#include "workers/proxy/connection.h"
#include "workers/proxy/services.h"
#include "workers/proxy/session_context.h"

namespace openmmp::proxy {

SocketAddress address(const std::string& ip);
// Of "uid" and further lines of the entry, below o=example.
std::string ldif_user(const std::string& uid, const std::string& attributes);

class ServicesFixture : public testing::Test {
 protected:
  ServicesFixture();

  // Before make(). The file of LdapUrl has `users`.
  void set(const std::string& option, const std::string& value);
  void add_domain(const std::string& name, std::vector<std::string> addresses,
                  config::Pairs overrides);
  void add_file(const std::string& option, const std::string& text, const std::string& domain = {});
  Result<> try_make(const Stores::Protocol& protocol = {143, "imap"});
  Services& make(const Stores::Protocol& protocol = {143, "imap"});

  SessionContext context_of(const std::string& client_ip);

  template <class T>
  Result<T> run(Task<T> task) {
    task.start();
    while (!task.finished()) loop_.run_turn();
    return std::move(task.result());
  }

  Loop loop_;
  Log log_{"Test"};
  ipc::Birthright birth_;
  std::unique_ptr<Services> services_;
  uint64_t sessions_ = 0;
};

}  // namespace openmmp::proxy
