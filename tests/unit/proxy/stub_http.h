// An HTTP server that says what a test wants, on a thread of its own, on 127.0.0.1 and a port below
// the ephemeral ones.
#pragma once

#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "ipc/runtime/address.h"
#include "ipc/runtime/unique_fd.h"

namespace openmmp::proxy {

class StubHttp {
 public:
  enum class Manner {
    closes,      // after the answer
    stays,       // and waits for the client to close
    resets,      // after the answer, as one does that has crashed
    drips,       // byte by byte, then closes
    says_little  // half of the answer, and waits
  };
  // The first connection gets the first answer, and so on; the last is for all that follow.
  explicit StubHttp(std::vector<std::string> answers, Manner manner = Manner::closes);
  explicit StubHttp(std::string answer, Manner manner = Manner::closes)
      : StubHttp(std::vector<std::string>{std::move(answer)}, manner) {}
  ~StubHttp();
  StubHttp(const StubHttp&) = delete;
  StubHttp& operator=(const StubHttp&) = delete;

  HostPort server() const { return HostPort("127.0.0.1", address_.port()); }
  std::string url() const { return "http://" + server().to_string(); }
  // What has been asked so far, one text a connection.
  std::vector<std::string> requests();

 private:
  void serve();
  void serve_one(UniqueFd client, const std::string& answer);
  bool wait_for(int fd);  // false: the test is over

  const std::vector<std::string> answers_;
  const Manner manner_;
  SocketAddress address_;
  UniqueFd listener_;
  UniqueFd wake_read_;
  UniqueFd wake_write_;
  std::mutex mutex_;
  std::vector<std::string> requests_;
  std::thread thread_;
};

}  // namespace openmmp::proxy
