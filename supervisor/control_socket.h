// run/control.sock: mmpctl asks, the supervisor answers. One request and one reply a connection.
// Only the user that mmpd runs as (and root) may connect.
//
// The Loop and whatever the handler uses must outlive it.
#pragma once

#include <functional>
#include <list>
#include <optional>

#include "ipc/channel.h"
#include "proto/control.pb.h"

namespace openmmp::supervisor {

class ControlSocket {
 public:
  using Handler = std::function<Task<proto::ControlReply>(proto::ControlRequest)>;

  // A socket on `path`; one that a dead supervisor left there is removed.
  static Result<UniqueFd> listen_on(const char* path);

  // `listener` is from listen_on(path), and the path goes when this does.
  ControlSocket(Loop& loop, const char* path, UniqueFd listener, Handler handler);
  ControlSocket(const ControlSocket&) = delete;
  ControlSocket& operator=(const ControlSocket&) = delete;
  ~ControlSocket();

 private:
  // Further clients wait in the kernel's queue.
  static constexpr size_t max_connections = 16;
  // For the request to arrive, and for the reply to be taken.
  static constexpr Millis patience{10'000};

  struct Connection {
    Connection(Loop& loop, UniqueFd socket) : channel(loop, std::move(socket)), deadline(loop) {}
    ipc::Channel<proto::ControlReply, proto::ControlRequest> channel;
    Timer deadline;
    bool done = false;
    std::optional<Task<>> talk;
  };

  void accept();
  Task<> talk(Connection& connection);
  void expect(Connection& connection);
  void reap();

  Loop& loop_;
  const char* path_;
  PollHandle listener_;
  Handler handler_;
  std::list<Connection> connections_;
  BeforeWait each_turn_;
};

}  // namespace openmmp::supervisor
