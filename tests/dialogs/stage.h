// Where a dialog is played: the real session with a real Directory, Connection and Relay on a real
// Loop; the test is both its client and its store, on real sockets.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/dialogs/peer.h"
#include "tests/dialogs/script.h"
#include "workers/proxy/services.h"
#include "workers/proxy/session_set.h"

namespace openmmp::dialogs {

using MakeSession = std::function<Task<>(proxy::Connection client, proxy::SessionContext& context,
                                         proxy::Services& services)>;

// How the session's system calls are made: see SocketCalls.
enum class Calls { together, one_by_one };

class Stage {
 public:
  Stage(const Script& script, MakeSession make_session, proxy::Stores::Protocol protocol,
        Calls calls = Calls::together);
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
  Result<> raise(const proxy::Stores::Protocol& protocol);
  proxy::SessionContext client_context();
  Result<> take_seats();
  void remember_logins();
  uint16_t connect_client();
  bool perform(const Step& step);
  bool take_expected(const Step& step);
  bool take_bytes(const Step& step);
  bool shake_hands(const Step& step);
  void show_proof(const Step& step);
  void accept_backend();
  std::string log_text() const;
  void fail_at(const Step& step, std::string why);

  const Script script_;
  Loop loop_;
  UniqueFd log_file_;
  Log log_;
  UniqueFd store_;      // listening
  UniqueFd down_;       // bound, not listening
  UniqueFd their_end_;  // of the client's connection, until it is theirs
  UniqueFd our_end_;
  const config::Pairs pairs_;
  const config::Settings settings_;
  std::unique_ptr<proxy::Services> services_;
  std::optional<proxy::SessionContext> somebody_;  // else, with seats
  std::vector<proxy::Seat> taken_;
  std::unique_ptr<proxy::SessionSet> sessions_;
  Peer client_;
  Peer backend_;
  std::string certificates_[2];  // what the peers show in their next handshake
  Bindings bindings_;
  size_t next_ = 0;
  int turns_ = 0;
  int idle_turns_ = 0;
  int pauses_ = 0;
  std::string failure_;
};

}  // namespace openmmp::dialogs
