// An LDAP server that behaves as badly as a test wants, on a thread of its own. The first bind on a
// connection is its owner's and always good; further ones are users' and are treated like searches.
#pragma once

#include <atomic>
#include <string>
#include <thread>

#include "ipc/runtime/unique_fd.h"

namespace openmmp::directory {

class StubServer {
 public:
  enum class Manner {
    answers,         // any search with uid=joe,o=x, whose mailHost is "stub"
    mute,            // takes the connection and never says a word
    mute_on_search,  // answers binds only
    half_answer,     // the first bytes of an answer, then nothing
    dies_on_search,  // closes the connection instead of an answer
    dies_once,       // closes the first connection that asks, answers the next ones
    garbage,         // bytes that are no LDAP
    two_entries,
    refers,           // every search to another server
    answers_in_part,  // as `answers` does, and refers to another server for the rest
    refuses,          // every search with "busy"
    denies,           // every bind of a user with "invalid credentials"
  };
  explicit StubServer(Manner manner);
  ~StubServer();
  StubServer(const StubServer&) = delete;
  StubServer& operator=(const StubServer&) = delete;

  std::string url() const;
  int connections() const { return connections_; }
  int binds() const { return binds_; }
  int searches() const { return searches_; }
  int user_binds() const { return user_binds_; }
  int abandons() const { return abandons_; }
  // From now on searches and users' binds are kept until release(), then answered in the reverse
  // order.
  void hold() { holding_ = true; }
  void release();

 private:
  void serve();
  // All return false when the connection is to be closed.
  bool read_from(struct StubConnection& connection);
  bool handle(struct StubConnection& connection, const std::string& message);
  bool take(struct StubConnection& connection, const std::string& id);
  bool answer(struct StubConnection& connection, const std::string& id);

  const Manner manner_;
  int port_;
  UniqueFd listener_;
  UniqueFd wake_read_;
  UniqueFd wake_write_;
  std::atomic<int> connections_{0};
  std::atomic<int> binds_{0};
  std::atomic<int> searches_{0};
  std::atomic<int> user_binds_{0};
  std::atomic<int> abandons_{0};
  std::atomic<bool> holding_{false};
  std::atomic<bool> stopping_{false};
  bool died_ = false;
  std::thread thread_;
};

}  // namespace openmmp::directory
