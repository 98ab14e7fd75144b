// Keeps the OCSP responses that a worker staples: fetches them from the responders that the
// certificates name (SSLOcspFetch), again at half of their life, and takes away what has expired,
// also of files (SSLOcspFile). One for a service in a worker, each of which fetches for itself; the
// context, loop and log outlive it. It may be destroyed at any time, also while a fetch goes on.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "ipc/runtime/log.h"
#include "ipc/runtime/loop.h"
#include "ipc/runtime/task.h"
#include "ipc/tls/server_context.h"

namespace openmmp::proxy {

// When to fetch again after a response that is good until `good_until` (0: it has no end), and
// after so many failures in a row. Times are seconds since 1970 here and below. Pure.
int64_t refetch_at(int64_t good_until, int64_t now);
int64_t retry_at(int failures, int64_t now);

class Stapler {
 public:
  // Where time and responses come from: the system and the network, or a test.
  struct Sources {
    Sources();  // the system and the network
    std::function<int64_t()> clock;
    // Blocks, on a thread of the pool, and may still do so when the Stapler is gone.
    std::function<Result<std::string>(const std::string& url, const std::string& request)> fetch;
    int64_t spread = 3;  // seconds; workers start together, so each waits for some part of it
    Millis longest_nap = Seconds(60);  // somebody may set the clock meanwhile
  };

  // `certificates` as `context` was made of.
  Stapler(Loop& loop, Log& log, tls::ServerContext& context,
          const std::vector<tls::CertificateText>& certificates, bool fetch,
          Sources sources = Sources());

 private:
  struct Subject {  // a certificate
    size_t index;
    std::string name;     // in messages: the file
    std::string chain;    // without the key
    std::string url;      // of the responder
    std::string request;  // empty: nothing is fetched
    int64_t fetch_at;
    int64_t drop_at;  // when what is stapled expires
    int failures = 0;
    std::string complaint;  // the failure that the log has already
    bool announced = false;
  };

  void add(size_t index, const tls::CertificateText& text, bool fetch);
  void add_file(Subject& subject, const std::string& response);
  void add_responder(Subject& subject, const tls::CertificateText& text);
  Task<> keep();
  int64_t next_event() const;
  void take(Subject& subject, const Result<std::string>& fetched);
  Result<> staple(Subject& subject, const std::string& response, int64_t now);
  void complain(Subject& subject, const Error& error);
  void drop_expired(int64_t now);

  Loop& loop_;
  Log& log_;
  tls::ServerContext& context_;
  const Sources sources_;
  std::vector<Subject> subjects_;
  Task<> keeping_;  // last: it refers to all the others
};

}  // namespace openmmp::proxy
