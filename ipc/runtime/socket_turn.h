// What the sockets of a loop want from the kernel in one turn, gathered and done at once: their
// reads when the turn begins, their writes, closes and registrations when it ends. See SocketCalls.
#pragma once

#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "ipc/runtime/linked_list.h"
#include "ipc/runtime/socket_calls.h"
#include "ipc/runtime/watch.h"

namespace openmmp::detail {

class SocketTurn {
 public:
  explicit SocketTurn(int epoll) : epoll_(epoll) {}
  ~SocketTurn() { finish(); }

  bool join(size_t fewest_readers) {
    fewest_readers_ = fewest_readers;
    return calls_.join();
  }

  // Reads for those of `ready` that read ahead, if that saves anything.
  static constexpr size_t most_together = 32;
  void read_ahead(std::span<Watch* const> ready);
  void give_back(std::unique_ptr<ReadAhead> ahead);

  // To be registered with epoll(7) at the end of the turn, if it has not gone by then.
  void add(Watch& watch) { unregistered_.push_back(watch); }
  // To be sent then.
  Outgoing& outgoing_of(Watch& watch);
  // Sends now what there is, and settles it as if the turn had ended.
  void send_now(Watch& watch);
  // To be closed then, behind what the watch has to send. It must not be used any more.
  void close(Watch& watch);

  // Does all of it. Owners whose sockets are lost are called back, and those that want to be told
  // that everything has been sent; registrations that the kernel refuses stay in `refused`. True:
  // somebody was called back, and there may be more to do before the loop waits.
  bool finish(LinkedList<Watch>* refused = nullptr);

 private:
  struct Closing {
    UniqueFd fd;
    std::unique_ptr<Outgoing> last;
  };
  bool is_empty() const { return sending_.empty() && closing_.empty() && unregistered_.empty(); }
  void settle(Outgoing& outgoing, int result);
  void settle_sends();
  void settle_registrations(LinkedList<Watch>* refused);
  void discard(std::unique_ptr<Outgoing>& outgoing);
  bool tell();

  const int epoll_;
  SocketCalls calls_;
  size_t fewest_readers_ = 0;
  LinkedList<Watch> unregistered_;
  LinkedList<Outgoing> sending_;
  std::vector<Closing> closing_;
  // Of the calls under way, kept for their memory.
  std::vector<SocketCall> batch_;
  std::vector<Watch*> registering_;
  std::vector<Outgoing*> asked_;
  std::vector<std::pair<Watch*, int>> news_;  // callbacks that are due, and their events
  std::vector<std::unique_ptr<ReadAhead>> idle_ahead_;
  std::vector<std::unique_ptr<Outgoing>> idle_outgoing_;
};

}  // namespace openmmp::detail
