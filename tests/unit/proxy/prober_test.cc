#include "workers/proxy/prober.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include "ipc/runtime/socket.h"

namespace openmmp::proxy {
namespace {

// A store that has gone down once, and a prober whose interval the loop's own clock reaches soon.
class ProberTest : public testing::Test {
 protected:
  ProberTest() : log("Test") {
    log.set_level(0);
    // Where no other test begins that runs at the same time: one of them closes its port again.
    for (auto port = static_cast<uint16_t>(22000 + getpid() % 8000); !listener; ++port) {
      Result<UniqueFd> socket = listen_tcp(*SocketAddress::parse("127.0.0.1", port));
      if (socket) listener = std::move(*socket);
    }
    name = local_address(listener.get()).to_string();
  }
  void start(const config::Pairs& pairs = {}, ProbeStore probe = read_greeting) {
    auto made = Stores::create(pairs, {}, {}, Stores::Protocol(143, "imap"), log);
    ASSERT_TRUE(made);
    stores.emplace(std::move(*made));
    SharedState::Options options;
    options.stores.failures = 1;
    options.stores.probe_interval = Millis(8);
    shared.emplace(loop, log, std::move(options));
    prober.emplace(loop, log, resolver, *stores, *shared, std::move(probe));
    shared->store_failed(name, "refused");
  }
  static Task<> read_greeting(Connection& store, const StoreAccess&) {
    const std::string line = co_await store.read_line(100);
    if (line != "well") co_await fail(Errc::protocol, "it says " + line);
  }
  template <class Condition>
  void run_until(Condition condition) {
    while (!condition()) loop.run_turn();
  }
  bool is_up() { return !shared->stores().objection(name); }
  std::string reason() { return shared->stores().rows().front().reason; }
  // The next connection that comes to the store.
  UniqueFd accept() {
    UniqueFd socket;
    run_until([&] {
      SocketAddress peer;
      Result<UniqueFd> accepted = accept_tcp(listener.get(), peer);
      if (accepted) socket = std::move(*accepted);
      return static_cast<bool>(socket);
    });
    return socket;
  }
  void say(const UniqueFd& socket, const std::string& text) {
    ASSERT_EQ(::send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }
  std::string hear(const UniqueFd& socket, size_t size) {
    std::string text;
    run_until([&] {
      char byte = 0;
      while (text.size() < size && ::recv(socket.get(), &byte, 1, MSG_DONTWAIT) == 1) text += byte;
      return text.size() == size;
    });
    return text;
  }

  Loop loop;
  Log log;
  Resolver resolver{loop};
  UniqueFd listener;
  std::string name;
  std::optional<Stores> stores;
  std::optional<SharedState> shared;
  std::optional<Prober> prober;
};

TEST_F(ProberTest, BringsAStoreUp) {
  start();
  EXPECT_FALSE(is_up());
  const UniqueFd socket = accept();
  say(socket, "well\r\n");
  run_until([&] { return is_up(); });
  EXPECT_TRUE(shared->stores().most_at_once(name, 10, loop.now()));
}

TEST_F(ProberTest, TriesAgainUntilItIsWell) {
  start();
  for (const char* answer : {"busy\r\n", "sick\r\n"}) {
    const UniqueFd socket = accept();
    say(socket, answer);
    const std::string expected = std::string("it says ") + std::string(answer, 4);
    run_until([&] { return reason() == expected; });
    EXPECT_FALSE(is_up());
  }
  { const UniqueFd closed_at_once = accept(); }
  const UniqueFd socket = accept();
  say(socket, "well\r\n");
  run_until([&] { return is_up(); });
}

TEST_F(ProberTest, SaysWhyItCannotConnect) {
  listener.reset();
  start();
  run_until([&] { return shared->stores().rows().front().failures >= 3; });
  EXPECT_EQ(reason(), name + ": Connection refused");
}

TEST_F(ProberTest, ComesForItself) {
  start({{"ForwardClient", "proxy1"}});
  const UniqueFd socket = accept();
  const std::string header = "PROXY UNKNOWN\r\n";
  EXPECT_EQ(hear(socket, header.size()), header);
  say(socket, "well\r\n");
  run_until([&] { return is_up(); });
}

TEST_F(ProberTest, ProbesOneStoreOnceAtATime) {
  int probes = 0;
  start({}, [&probes](Connection& store, const StoreAccess& access) {
    ++probes;
    return read_greeting(store, access);
  });
  const UniqueFd socket = accept();
  const Millis since = loop.now();
  // Some intervals in which the store says nothing.
  run_until([&] { return loop.now() > since + Millis(40); });
  EXPECT_EQ(probes, 1);
  say(socket, "well\r\n");
  run_until([&] { return is_up(); });
}

TEST_F(ProberTest, LeavesAStoreAloneThatTheOperatorTookOut) {
  start();
  StoreEvent out;
  out.kind = StoreEvent::Kind::disabled;
  out.store = name;
  out.at = loop.now();
  shared->stores().apply(out);
  EXPECT_FALSE(shared->stores().next_due(0));
  out.kind = StoreEvent::Kind::enabled;
  shared->stores().apply(out);
  const UniqueFd socket = accept();
  say(socket, "well\r\n");
  run_until([&] { return is_up(); });
}

TEST_F(ProberTest, MayEndDuringAProbe) {
  start();
  const UniqueFd socket = accept();
  prober.reset();
  for (int i = 0; i < 5; ++i) loop.run_turn();
  bool ended = false;
  run_until([&] {
    char byte = 0;
    ended = ::recv(socket.get(), &byte, 1, MSG_DONTWAIT) == 0;
    return ended;
  });
  EXPECT_FALSE(is_up());
}

}  // namespace
}  // namespace openmmp::proxy
