#include "ipc/runtime/socket_calls.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cerrno>
#include <string>
#include <vector>

#include "ipc/runtime/unique_fd.h"

namespace openmmp {
namespace {

struct Pair {
  Pair() {
    int ends[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    ours = UniqueFd(ends[0]);
    theirs = UniqueFd(ends[1]);
  }
  UniqueFd ours;
  UniqueFd theirs;
};

SocketCall receive(const UniqueFd& from, std::string& to) {
  SocketCall call{SocketCall::Kind::receive, from.get()};
  call.bytes = to.data();
  call.size = to.size();
  return call;
}

SocketCall send(const UniqueFd& to, std::string& text) {
  SocketCall call{SocketCall::Kind::send, to.get()};
  call.bytes = text.data();
  call.size = text.size();
  return call;
}

// Together and one by one: true and false.
class Calls : public testing::TestWithParam<bool> {
 protected:
  Calls() {
    EXPECT_EQ(GetParam() && calls.join(), GetParam());
    EXPECT_EQ(calls.together(), GetParam());
  }
  SocketCalls calls;
};

TEST_P(Calls, HaveTheOutcomeOfSystemCalls) {
  Pair a;
  Pair b;
  Pair gone;
  gone.theirs.reset();
  const UniqueFd epoll(epoll_create1(EPOLL_CLOEXEC));
  ASSERT_EQ(::send(b.theirs.get(), "hello", 5, 0), 5);
  std::string text = "words";
  std::string room(100, '\0');
  std::string small(2, '\0');
  std::string nothing(100, '\0');
  std::vector<SocketCall> batch = {send(a.ours, text),    receive(b.ours, small),
                                   receive(b.ours, room), receive(b.ours, nothing),
                                   send(gone.ours, text), receive(gone.ours, nothing)};
  SocketCall watch{SocketCall::Kind::watch, a.theirs.get()};
  watch.epoll = epoll.get();
  watch.event.events = EPOLLIN;
  watch.event.data.u64 = 77;
  batch.push_back(watch);
  batch.push_back(watch);
  batch.push_back(SocketCall{SocketCall::Kind::close, gone.ours.release()});
  batch.push_back(SocketCall{SocketCall::Kind::close, -1});
  calls.make(batch);
  const int expected[] = {5, 2, 3, -EAGAIN, -EPIPE, 0, 0, -EEXIST, 0, -EBADF};
  for (size_t i = 0; i < std::size(expected); ++i) EXPECT_EQ(batch[i].result, expected[i]) << i;
  EXPECT_EQ(small, "he");
  EXPECT_EQ(room.substr(0, 3), "llo");
  epoll_event event = {};
  ASSERT_EQ(epoll_wait(epoll.get(), &event, 1, 0), 1);
  EXPECT_EQ(event.data.u64, 77u);
}

TEST_P(Calls, AreMadeInTheirOrderHoweverMany) {
  constexpr size_t many = 250;  // more than a ring has, and less than a socket queues
  Pair pair;
  std::string letters = "abcdefghijklmnopqrstuvwxyz";
  std::vector<SocketCall> batch;
  std::string expected;
  for (size_t i = 0; i < many; ++i) {
    SocketCall call{SocketCall::Kind::send, pair.ours.get()};
    call.bytes = letters.data() + i % letters.size();
    call.size = 1;
    expected += letters[i % letters.size()];
    batch.push_back(call);
  }
  batch.push_back(SocketCall{SocketCall::Kind::close, pair.ours.release()});
  calls.make(batch);
  for (const SocketCall& call : batch) EXPECT_GE(call.result, 0);
  std::string got(2 * many, '\0');
  size_t size = 0;
  for (ssize_t more; (more = recv(pair.theirs.get(), got.data() + size, got.size() - size, 0)) > 0;)
    size += static_cast<size_t>(more);
  EXPECT_EQ(got.substr(0, size), expected);
}

TEST_P(Calls, NoneAreMade) { calls.make({}); }

INSTANTIATE_TEST_SUITE_P(Ways, Calls, testing::Bool(), [](const auto& way) {
  return way.param ? std::string("Together") : std::string("OneByOne");
});

}  // namespace
}  // namespace openmmp
