// Takes connections from listening sockets that other workers share, as long as there are
// descriptors for the sessions that will come of them. Out of descriptors it looks away from the
// listeners for a moment: the kernel keeps the clients waiting, and nothing spins.
#pragma once

#include <cstddef>
#include <functional>
#include <list>
#include <vector>

#include "ipc/runtime/address.h"
#include "ipc/runtime/log.h"
#include "ipc/runtime/loop.h"
#include "ipc/runtime/poll_handle.h"
#include "ipc/runtime/unique_fd.h"

namespace openmmp::proxy {

class Acceptor {
 public:
  // Called with each new connection, and which of the listeners it came by.
  using Handler = std::function<void(UniqueFd socket, const SocketAddress& peer, size_t listener)>;
  // True while there is room for one more.
  using HasRoom = std::function<bool()>;

  Acceptor(Loop& loop, Log& log, HasRoom has_room, Handler handler);

  void listen_on(UniqueFd listener);
  // No more connections, for good. What waits in the listeners' queues is another worker's.
  void close();

 private:
  struct Listener {
    Listener(Acceptor& a, size_t i, Loop& loop, UniqueFd fd)
        : acceptor(a), index(i), socket(loop, std::move(fd)) {}
    Acceptor& acceptor;
    size_t index;  // in the order of listen_on()
    PollHandle socket;
  };

  void accept_from(Listener& listener);
  void pause(const char* why);
  void resume();

  Loop& loop_;
  Log& log_;
  HasRoom has_room_;
  Handler handler_;
  std::list<Listener> listeners_;
  Timer pause_;
  bool complained_ = false;  // of the shortage that lasts
};

// How many sessions fit under this process's descriptor limit, which is raised as far as it goes.
size_t session_limit();

}  // namespace openmmp::proxy
