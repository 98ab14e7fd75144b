// Where a dialog is played: the real session with a real Directory, Connection and Relay on a real
// Loop; the test is both its client and its store, on real sockets.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "tests/dialogs/script.h"
#include "workers/proxy/services.h"
#include "workers/proxy/session_set.h"

namespace openmmp::dialogs {

using MakeSession = std::function<Task<>(proxy::Connection client, proxy::SessionContext& context,
                                         proxy::Services& services)>;

// One end that the test holds.
class Peer {
 public:
  void open(UniqueFd socket);
  bool is_open() const { return static_cast<bool>(socket_); }
  void say(std::string text) { to_send_ += text; }
  void close() { socket_.reset(); }
  void shutdown();
  // Moves what can be moved now. True when anything was.
  bool pump();
  // The next line that came, without its line end.
  bool take_line(std::string& line);
  bool at_end() const { return ended_ && unread_.empty(); }
  bool drained() const { return to_send_.empty(); }
  const std::string& heard() const { return heard_; }

 private:
  UniqueFd socket_;
  std::string to_send_;
  std::string unread_;
  std::string heard_;  // everything, over all connections
  bool ended_ = false;
};

class Stage {
 public:
  Stage(const Script& script, MakeSession make_session);
  ~Stage();

  // One turn of the loop and of both peers. False when there is nothing left to do.
  bool turn();
  bool finished() const { return next_ == script_.steps.size() && failure_.empty(); }
  const std::string& failure() const { return failure_; }
  // Turns in which something happened.
  int turns() const { return turns_; }

  void destroy_session();
  // A peer goes without a word, and the proxy gets a few turns to notice.
  void hang_up(Side side);
  // What must hold at the end: nothing forbidden was said, everything expected was logged.
  std::string verdict();

 private:
  Peer& peer(Side side) { return side == Side::client ? client_ : backend_; }
  bool perform(const Step& step);
  bool take_expected(const Step& step);
  void accept_backend();
  std::string log_text() const;
  void fail_at(const Step& step, std::string why);

  const Script script_;
  Loop loop_;
  UniqueFd log_file_;
  Log log_;
  config::Settings settings_;
  UniqueFd store_;  // listening
  UniqueFd down_;   // bound, not listening
  std::unique_ptr<directory::Directory> directory_;
  std::unique_ptr<proxy::Services> services_;
  std::unique_ptr<proxy::SessionSet> sessions_;
  Peer client_;
  Peer backend_;
  Bindings bindings_;
  size_t next_ = 0;
  int turns_ = 0;
  int idle_turns_ = 0;
  std::string failure_;
};

}  // namespace openmmp::dialogs
