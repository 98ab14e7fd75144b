// Servers for the tests of the fleet: a real redis-server, and one that says what a test wants. On
// 127.0.0.1, and ports below the ephemeral ones.
#pragma once

#include <sys/types.h>

#include <list>
#include <map>
#include <string>
#include <vector>

#include "ipc/runtime/unique_fd.h"

namespace openmmp::state {

// A port that nobody listens on.
int free_port();

// A real server that keeps nothing on disk; it ends with this object.
class RedisServer {
 public:
  explicit RedisServer(std::vector<std::string> options = {});
  ~RedisServer();
  RedisServer(const RedisServer&) = delete;
  RedisServer& operator=(const RedisServer&) = delete;

  void start();  // returns when it accepts connections
  void kill();
  void pause();
  void resume();
  std::string url() const;
  int port() const { return port_; }
  // By redis-cli; what it prints.
  std::string ask(std::vector<std::string> words) const;

 private:
  const int port_;
  const std::vector<std::string> options_;
  std::string folder_;
  pid_t pid_ = -1;
};

// Answers as a healthy and empty server would, unless told what to say to a command. It lives by
// turn(), which a test calls.
class StubRedis {
 public:
  StubRedis();

  // Raw bytes, from now on; with "" it says nothing to this command, nor to any later one.
  void say(const std::string& command, const std::string& reply) { replies_[command] = reply; }
  // Right now, to whoever has subscribed.
  void say_to_subscribers(const std::string& bytes);
  void turn();
  std::string url() const;
  // How often a command has come, and connections.
  int heard(const std::string& command) const;
  int connections() const { return connections_; }

 private:
  struct Client {
    UniqueFd fd;
    std::string input;
    std::string output;
    bool subscribed = false;
    bool mute = false;
  };
  void answer(Client& client, const std::vector<std::string>& words);

  const int port_;
  UniqueFd listener_;
  std::list<Client> clients_;
  std::map<std::string, std::string> replies_;
  std::map<std::string, int> heard_;
  int connections_ = 0;
};

// RESP as a server writes it: a text, and a list of them.
std::string resp(const std::string& text);
std::string resp_list(const std::vector<std::string>& items);

}  // namespace openmmp::state
