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
  std::string pwhash;    // see pwhash_of()
  std::string protocol;  // "imap", "imaps", "pop3", "pop3s"
  bool tls = false;
};

struct PolicyVerdict {
  bool allow = true;
  Seconds delay{0};  // hold the attempt so long
  std::string message;
};

class Policy {
 public:
  // `url` "http://host:port" as the option has it, empty: never asks. `password`: HTTP Basic, user
  // "wforce".
  Policy(Loop& loop, Log& log, Resolver& resolver, const std::string& url, Secret password,
         Millis time);

  bool enabled() const;
  // Never fails.
  Task<PolicyVerdict> allow(PolicyQuestion question);
  // In the background; at most so many at a time, and what is too many is dropped and counted.
  void report(PolicyQuestion question, bool success, bool policy_reject);
  // A few bits of a hash of name and password, with a key of the site's: enough to tell a user who
  // mistypes from one who guesses.
  static std::string pwhash_of(const std::string& login, const Secret& password);
};

}  // namespace openmmp::proxy
