// Connections and relays with TLS on them, against peers that read as slowly as they like.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cerrno>
#include <optional>

#include "ipc/runtime/task.h"
#include "tests/unit/proxy/sockets.h"
#include "tests/unit/tls/fixture.h"
#include "workers/proxy/relay.h"

namespace openmmp::proxy {
namespace {

constexpr const char* farewell = "* BYE\r\n";

// The other end of a socket of ours, on TLS.
class Peer {
 public:
  Peer(UniqueFd fd, tls::Stream stream) : fd_(std::move(fd)), stream_(std::move(stream)) {}

  void say(const std::string& text) {
    ASSERT_TRUE(stream_.write(text));
    push();
  }
  // Sends what it can, and takes at most `limit` bytes off the socket.
  void pump(size_t limit = 1 << 20) {
    push();
    room_ = limit;
    if (!shaken_) {
      const auto progress = stream_.handshake(transport());
      ASSERT_TRUE(progress) << progress.error().detail;
      shaken_ = *progress == tls::Stream::Progress::done;
      push();
    }
    char buffer[65536];
    while (shaken_ && !ended) {
      const ssize_t got = stream_.read(transport(), buffer, sizeof buffer);
      if (got > 0) heard.append(buffer, static_cast<size_t>(got));
      if (got == 0) ended = true;
      if (got < 0 && errno != EAGAIN) lost = stream_.error();
      if (got <= 0) break;
    }
    push();
  }
  void close() {
    stream_.close();
    push();
  }
  void vanish() { fd_.reset(); }
  bool shaken() const { return shaken_; }
  bool has_unsent() const { return !unsent_.empty() || !stream_.output().empty(); }

  std::string heard;
  std::string lost;
  bool ended = false;

 private:
  tls::Transport transport() {
    return {this, [](void* self, char* to, size_t room) {
              auto& peer = *static_cast<Peer*>(self);
              const size_t wanted = std::min(room, peer.room_);
              if (wanted == 0) {
                errno = EAGAIN;
                return ssize_t{-1};
              }
              const ssize_t got = ::recv(peer.fd_.get(), to, wanted, MSG_DONTWAIT);
              if (got > 0) peer.room_ -= static_cast<size_t>(got);
              return got;
            }};
  }
  void push() {
    unsent_ += stream_.output();
    stream_.output().clear();
    const ssize_t sent =
        ::send(fd_.get(), unsent_.data(), unsent_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent > 0) unsent_.erase(0, static_cast<size_t>(sent));
  }

  UniqueFd fd_;
  mutable tls::Stream stream_;
  std::string unsent_;
  size_t room_ = 0;
  bool shaken_ = false;
};

Task<RelayEnd> relay_between(Loop& loop, RelayPool& pool, const tls::ServerContext& server,
                             const tls::ClientContext* to_store, Connection client,
                             Connection backend) {
  client.deadline(Seconds(10), "handshake");
  co_await client.begin_tls(server.accept(), true);
  co_await client.write("* OK ready\r\n");
  if (to_store != nullptr) {
    const HostPort store("mail.example.com", 143);
    co_await backend.begin_tls(to_store->connect(store), false);
  }
  Relay relay(loop, pool, std::move(client), std::move(backend), Seconds(1800), farewell);
  RelayEnd end = co_await relay;
  co_return std::move(end);
}

class TlsRelayTest : public testing::TestWithParam<bool> {
 protected:
  // With the parameter the store speaks TLS, too.
  void SetUp() override {
    ASSERT_TRUE(loop.join_calls(1));
    auto [client_end, client_ours] = tcp_pair();
    auto [store_end, store_ours] = tcp_pair();
    client.emplace(std::move(client_end), clients->connect({"mail.example.com", 143}));
    if (GetParam()) {
      tls_store.emplace(std::move(store_end), server->accept());
    } else {
      store = std::move(store_end);
    }
    task.emplace(relay_between(loop, pool, *server, GetParam() ? clients.get() : nullptr,
                               Connection(loop, std::move(client_ours)),
                               Connection(loop, std::move(store_ours))));
    task->start();
    while (client->heard != "* OK ready\r\n") turn();
    while (tls_store && !tls_store->shaken()) turn();
    client->heard.clear();
  }
  void turn(size_t limit = 1 << 20) {
    loop.run_turn();
    client->pump(limit);
    if (tls_store) tls_store->pump(limit);
  }
  void store_says(const std::string& text) {
    if (tls_store) {
      tls_store->say(text);
      return;
    }
    for (size_t sent = 0; sent < text.size();) {
      const ssize_t count =
          ::send(store.get(), text.data() + sent, text.size() - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
      if (count > 0) sent += static_cast<size_t>(count);
      turn();
    }
  }
  std::string& store_heard() {
    if (tls_store) return tls_store->heard;
    bool ended = false;
    plain_heard += receive_some(store.get(), ended);
    store_ended = store_ended || ended;
    return plain_heard;
  }
  void store_closes() {
    if (tls_store) {
      tls_store->close();
      tls_store->vanish();
    } else {
      store.reset();
    }
  }

  Loop loop;
  RelayPool pool;
  std::unique_ptr<tls::ServerContext> server = tls::make_server(tls::simple_server());
  std::unique_ptr<tls::ClientContext> clients = tls::make_client(tls::simple_client());
  std::optional<Peer> client;
  std::optional<Peer> tls_store;
  UniqueFd store;
  std::string plain_heard;
  bool store_ended = false;
  std::optional<Task<RelayEnd>> task;
};

TEST_P(TlsRelayTest, BulkArrivesByteForByteWhateverThePace) {
  const std::string text = pattern(3 << 20);
  for (const size_t pace : {size_t{1} << 20, size_t{7919}}) {
    client->heard.clear();
    store_says(text);
    while (client->heard.size() < text.size()) turn(pace);
    EXPECT_TRUE(client->heard == text) << pace;
    store_heard().clear();
    client->say(text);
    while (store_heard().size() < text.size()) turn(pace);
    EXPECT_TRUE(store_heard() == text) << pace;
  }
}

TEST_P(TlsRelayTest, BothWaysAtOnce) {
  const std::string text = pattern(2 << 20);
  client->say(text);
  store_says(text);
  while (client->heard.size() < text.size() || store_heard().size() < text.size()) turn(65536);
  EXPECT_TRUE(client->heard == text);
  EXPECT_TRUE(store_heard() == text);
}

TEST_P(TlsRelayTest, PassesTheEndOn) {
  client->say("a LOGOUT\r\n");
  while (store_heard() != "a LOGOUT\r\n") turn();
  store_says("* BYE\r\na OK\r\n");
  store_closes();
  while (!client->ended) turn();
  EXPECT_EQ(client->heard, "* BYE\r\na OK\r\n");
  EXPECT_EQ(client->lost, "") << "TLS was ended by a close_notify";
  while (!task->finished()) turn();
  EXPECT_EQ(task->result()->from_backend, 13u);
  EXPECT_EQ(task->result()->reason, "server closed");
}

TEST_P(TlsRelayTest, OfAClientThatVanishesTheStoreHears) {
  client->vanish();
  for (bool ended = false; !ended; ended = tls_store ? tls_store->ended : store_ended) {
    loop.run_turn();
    if (tls_store) tls_store->pump();
    store_heard();
  }
  store_closes();
  while (!task->finished()) loop.run_turn();
  EXPECT_EQ(task->result()->reason, "client closed");
}

TEST_P(TlsRelayTest, ASlowReaderStopsTheSource) {
  const std::string chunk = pattern(1 << 20);
  size_t offered = 0;
  for (int i = 0; i < 200; ++i) {
    if (tls_store) {
      if (!tls_store->has_unsent()) {
        tls_store->say(chunk);
        offered += chunk.size();
      }
      tls_store->pump();
    } else {
      const ssize_t count =
          ::send(store.get(), chunk.data(), chunk.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (count > 0) offered += static_cast<size_t>(count);
    }
    loop.run_turn();
  }
  EXPECT_LT(offered, size_t{64} << 20);
  while (client->heard.size() < offered) turn();
  EXPECT_EQ(client->heard.size(), offered);
}

// It answers one command after the other: it takes no more before its answer is taken.
TEST_P(TlsRelayTest, AStoreThatDoesNotReadIsReadFromNevertheless) {
  client->say(pattern(32 << 20));
  for (int i = 0; i < 300; ++i) {
    loop.run_turn();
    client->pump();
  }
  ASSERT_TRUE(client->has_unsent());
  const std::string answer = pattern(100'000);
  if (tls_store) {
    tls_store->say(answer);
  } else {
    ASSERT_EQ(::send(store.get(), answer.data(), answer.size(), MSG_DONTWAIT | MSG_NOSIGNAL),
              static_cast<ssize_t>(answer.size()));
  }
  for (int i = 0; i < 300 && client->heard.size() < answer.size(); ++i) {
    loop.run_turn();
    client->pump();
  }
  EXPECT_TRUE(client->heard == answer) << client->heard.size();
}

INSTANTIATE_TEST_SUITE_P(Store, TlsRelayTest, testing::Bool(),
                         [](const auto& store) { return store.param ? "tls" : "plain"; });

}  // namespace
}  // namespace openmmp::proxy
