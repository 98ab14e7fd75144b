// PolicyServer: weakforced's allow and report commands, JSON over HTTP. It is asked before each
// login and told how each one ended. Away, slow or not understood, it is as if it had said yes.
#pragma once

#include <string>

#include "ipc/runtime/log.h"
#include "ipc/runtime/secret.h"
#include "ipc/runtime/task.h"
#include "ipc/runtime/task_set.h"
#include "workers/proxy/http_exchange.h"

namespace openmmp::proxy {

// One login attempt, as weakforced is told.
struct PolicyQuestion {
  std::string login;     // canonical name
  std::string remote;    // client's IP
  std::string pwhash;    // see pwhash_of(); empty: there was no password
  std::string protocol;  // "imap", "imaps", "pop3", "pop3s"
  bool tls = false;
};

struct PolicyVerdict {
  bool allow = true;
  Seconds delay{0};  // hold the attempt so long, at most a minute
  std::string message;
};

// Loop, log and resolver outlive it, and it outlives the tasks of allow().
class Policy {
 public:
  // Reports under way; what comes on top is dropped and counted.
  static constexpr size_t most_reports = 64;

  // `url` "http://host:port" as the option has it, empty: never asks. `password`: HTTP Basic, user
  // "wforce".
  Policy(Loop& loop, Log& log, Resolver& resolver, const std::string& url, Secret password,
         Millis time);

  bool enabled() const { return !server_.host.empty(); }
  // Never fails.
  Task<PolicyVerdict> allow(PolicyQuestion question);
  // In the background.
  void report(PolicyQuestion question, bool success, bool policy_reject);
  uint64_t dropped_reports() const { return dropped_; }

  // 12 bits of a hash of name and password under the key that PolicyPassword is: enough to tell a
  // user who mistypes from one who guesses, and alike in all workers and hosts of a site.
  std::string pwhash_of(const std::string& login, const Secret& password) const;

 private:
  HttpRequest request_for(const char* command, std::string body) const;
  Task<> send_report(std::string body);
  // Logs the first failure of a row of them, and the success that ends it.
  void note(const Error* error);

  Loop& loop_;
  Log& log_;
  Resolver& resolver_;
  HostPort server_;
  std::string path_;
  Secret key_;
  Secret authorization_;  // the header's value; empty: none
  Millis time_;
  bool is_away_ = false;
  uint64_t dropped_ = 0;
  TaskSet reports_;  // last: they refer to the others
};

}  // namespace openmmp::proxy
