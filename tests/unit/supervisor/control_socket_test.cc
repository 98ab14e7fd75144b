#include "supervisor/control_socket.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <thread>

#include "supervisor/control/client.h"

namespace openmmp::supervisor {
namespace {

Task<proto::ControlReply> echo(proto::ControlRequest request) {
  proto::ControlReply reply;
  reply.set_ok(true);
  reply.add_messages(request.lookup().user());
  co_return reply;
}

class ControlSocketTest : public testing::Test {
 protected:
  ControlSocketTest() : path_("/tmp/openmmp-control-" + std::to_string(::getpid()) + ".sock") {}
  // The client blocks, so it has a thread of its own, and stops the loop when it is done.
  template <class Function>
  void with_client(Function function) {
    Result<UniqueFd> listener = ControlSocket::listen_on(path_.c_str());
    ASSERT_TRUE(listener) << listener.error().detail;
    const ControlSocket socket(loop_, path_.c_str(), std::move(*listener), echo);
    std::atomic<bool> done = false;
    std::thread client([&] {
      function();
      done = true;
    });
    while (!done) loop_.run_turn();
    client.join();
  }

  Loop loop_;
  const std::string path_;
};

proto::ControlRequest request_for(const std::string& user) {
  proto::ControlRequest request;
  request.mutable_lookup()->set_user(user);
  return request;
}

TEST_F(ControlSocketTest, OneRequestOneReply) {
  with_client([this] {
    for (const std::string& user : {std::string("joe"), std::string(100'000, 'x')}) {
      const auto reply = control::ask(path_, request_for(user));
      ASSERT_TRUE(reply) << reply.error().detail;
      EXPECT_EQ(reply->messages(0), user);
    }
  });
}

TEST_F(ControlSocketTest, NotForOthersAndGoneAfterwards) {
  with_client([this] {
    struct stat status {};
    ASSERT_EQ(::stat(path_.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u);
  });
  EXPECT_EQ(control::ask(path_, request_for("joe")).error().code, Errc::closed);
}

TEST_F(ControlSocketTest, MoreClientsThanConnections) {
  with_client([this] {
    std::vector<std::thread> clients;
    std::atomic<int> answered = 0;
    for (int i = 0; i < 40; ++i) {
      clients.emplace_back([&] {
        if (control::ask(path_, request_for("joe"))) ++answered;
      });
    }
    for (std::thread& client : clients) client.join();
    EXPECT_EQ(answered, 40);
  });
}

TEST_F(ControlSocketTest, WhatADeadSupervisorLeftIsReplaced) {
  const std::string command = "touch " + path_;
  ASSERT_EQ(::system(command.c_str()), 0);
  with_client([this] { EXPECT_TRUE(control::ask(path_, request_for("joe"))); });
}

}  // namespace
}  // namespace openmmp::supervisor
