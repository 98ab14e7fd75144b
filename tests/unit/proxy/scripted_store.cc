#include "tests/unit/proxy/scripted_store.h"

#include <sys/socket.h>

#include "tests/unit/proxy/sockets.h"

namespace openmmp::proxy {

Played play_store(const std::function<Task<>(Connection& store, const StoreAccess& access)>& talk,
                  const StoreLines& lines) {
  Loop loop;
  auto [ours, theirs] = tcp_pair();
  Connection connection(loop, std::move(ours));
  connection.deadline(Seconds(20), "answer of the test");
  const Store store;
  const HostPort host("store1", 0);
  const StoreAccess access(store, host, StoreCredentials());
  Task<> task = talk(connection, access);
  task.start();
  std::string all, since;
  bool ended = false;
  for (size_t next = 0; !task.finished();) {
    loop.run_turn();
    since += receive_some(theirs.get(), ended);
    if (next < lines.size() && since.ends_with(lines[next].first)) {
      const std::string& text = lines[next++].second;
      std::ignore = ::send(theirs.get(), text.data(), text.size(), MSG_NOSIGNAL);
      all += std::exchange(since, {});
    } else if (next == lines.size()) {
      ::shutdown(theirs.get(), SHUT_WR);
    }
  }
  all += since + receive_some(theirs.get(), ended);
  return {task.result(), all};
}

}  // namespace openmmp::proxy
