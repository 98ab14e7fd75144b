// A connection to a Redis or Valkey server: commands out, replies in, in order, each exchange under
// a deadline. hiredis writes the commands and takes the replies apart; sockets, TLS and time are
// ours, so nothing blocks the loop.
//
// The server is not trusted: a reply has bounds in bytes, items and depth. One coroutine at a time
// uses it. After any Error the connection is of no use any more.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "ipc/runtime/task.h"
#include "workers/proxy/connection.h"

namespace openmmp::state {

struct RedisReply {
  enum class Kind { nothing, status, integer, text, list };
  Kind kind = Kind::nothing;
  int64_t integer = 0;
  std::string text;  // of text and status
  std::vector<RedisReply> items;
};

class RedisConnection {
 public:
  static constexpr size_t max_reply = 4 * 1024 * 1024;  // bytes
  static constexpr size_t max_items = 10'000;           // of one list
  using Words = std::vector<std::string>;

  // `patience` is what each send() and each read() may take; the connection is open.
  RedisConnection(proxy::Connection connection, Millis patience);
  RedisConnection(RedisConnection&& other) noexcept;
  ~RedisConnection();

  // One more command for the next send(). Binary words are welcome.
  void add(const Words& words);
  // All that was added, in one write.
  Task<> send();
  // The next reply. Errc::refused: the server said an error, which is the text. Errc::protocol,
  // Errc::limit: no server that we know would say this.
  Task<RedisReply> read();
  // add(), send() and read().
  Task<RedisReply> ask(Words words);

 private:
  struct Reader;  // hiredis' own, and what it may make of what it reads
  Result<bool> take(RedisReply& reply);

  proxy::Connection connection_;
  Millis patience_;
  std::string commands_;
  std::unique_ptr<Reader> reader_;
};

}  // namespace openmmp::state
