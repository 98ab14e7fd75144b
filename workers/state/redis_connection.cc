#include "workers/state/redis_connection.h"

#include <fmt/format.h>
#include <hiredis/hiredis.h>
#include <string.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "ipc/runtime/check.h"
#include "ipc/runtime/secret.h"
#include "ipc/runtime/text.h"

namespace openmmp::state {

namespace {

constexpr size_t max_error = 200;

using Make = redisReplyObjectFunctions;

struct FreeReply {
  void operator()(void* reply) const { freeReplyObject(reply); }
};

const Make& usual_functions() {
  static const Make functions = [] {
    redisReader* reader = redisReaderCreate();
    CHECK(reader != nullptr);
    const Make usual = *reader->fn;
    redisReaderFree(reader);
    return usual;
  }();
  return functions;
}

// A list takes memory for all of its items as soon as their number is read. `Count` differs between
// versions of hiredis.
template <class Count>
void* make_list(const redisReadTask* task, Count count) {
  if (static_cast<size_t>(count) > RedisConnection::max_items) return nullptr;
  return usual_functions().createArray(task, count);
}

// Depth is bounded by hiredis.
RedisReply reply_of(const redisReply& from) {
  RedisReply reply;
  switch (from.type) {
    case REDIS_REPLY_STATUS:
      reply.kind = RedisReply::Kind::status;
      reply.text.assign(from.str, static_cast<size_t>(from.len));
      break;
    case REDIS_REPLY_STRING:
      reply.kind = RedisReply::Kind::text;
      reply.text.assign(from.str, static_cast<size_t>(from.len));
      break;
    case REDIS_REPLY_INTEGER:
      reply.kind = RedisReply::Kind::integer;
      reply.integer = from.integer;
      break;
    case REDIS_REPLY_ARRAY:
      reply.kind = RedisReply::Kind::list;
      for (size_t i = 0; i < static_cast<size_t>(from.elements); ++i) {
        reply.items.push_back(reply_of(*from.element[i]));
      }
      break;
    default:
      break;  // nil, and an error inside of a list
  }
  return reply;
}

}  // namespace

struct RedisConnection::Reader {
  Reader() : make(usual_functions()), hiredis(redisReaderCreate()) {
    CHECK(hiredis != nullptr);
    make.createArray = make_list;
    hiredis->fn = &make;
  }
  ~Reader() { redisReaderFree(hiredis); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  Make make;
  redisReader* hiredis;
  size_t fed = 0;  // since the last reply was complete
};

RedisConnection::RedisConnection(proxy::Connection connection, Millis patience)
    : connection_(std::move(connection)),
      patience_(patience),
      reader_(std::make_unique<Reader>()) {}
RedisConnection::RedisConnection(RedisConnection&& other) noexcept = default;
RedisConnection::~RedisConnection() { wipe(commands_); }

void RedisConnection::add(const Words& words) {
  std::vector<const char*> texts;
  std::vector<size_t> sizes;
  for (const std::string& word : words) {
    texts.push_back(word.data());
    sizes.push_back(word.size());
  }
  char* command = nullptr;
  const auto size =
      redisFormatCommandArgv(&command, static_cast<int>(words.size()), texts.data(), sizes.data());
  CHECK(size >= 0);
  commands_.append(command, static_cast<size_t>(size));
  explicit_bzero(command, static_cast<size_t>(size));  // it may be AUTH
  redisFreeCommand(command);
}

Task<> RedisConnection::send() {
  connection_.deadline(patience_, "room for a command");
  co_await connection_.write(std::exchange(commands_, std::string()));
}

// True: there was a whole one.
Result<bool> RedisConnection::take(RedisReply& reply) {
  redisReader& hiredis = *reader_->hiredis;
  const std::string_view bytes = connection_.buffered();
  if (!bytes.empty()) {
    reader_->fed += bytes.size();
    redisReaderFeed(&hiredis, bytes.data(), bytes.size());
    connection_.consume(bytes.size());
  }
  void* taken = nullptr;
  if (redisReaderGetReply(&hiredis, &taken) != REDIS_OK) {
    return fail(Errc::protocol, fmt::format("no reply of a Redis server: {}",
                                            one_line(static_cast<const char*>(hiredis.errstr))));
  }
  if (taken == nullptr) {
    if (reader_->fed <= max_reply) return false;
    return fail(Errc::limit, fmt::format("a reply of more than {} bytes", max_reply));
  }
  const std::unique_ptr<void, FreeReply> owned(taken);
  // What is left in the reader belongs to the next reply.
  reader_->fed = hiredis.len - hiredis.pos;
  const redisReply& from = *static_cast<const redisReply*>(taken);
  if (from.type == REDIS_REPLY_ERROR) {
    const std::string_view text(from.str, static_cast<size_t>(from.len));
    return fail(Errc::refused, one_line(text.substr(0, max_error)));
  }
  reply = reply_of(from);
  return true;
}

Task<RedisReply> RedisConnection::read() {
  connection_.deadline(patience_, "reply");
  for (;;) {
    RedisReply reply;
    const bool whole = co_await take(reply);
    if (whole) {
      connection_.rest();
      co_return reply;
    }
    co_await connection_.more_input();
  }
}

Task<RedisReply> RedisConnection::ask(Words words) {
  add(words);
  for (std::string& word : words) wipe(word);
  co_await send();
  co_return co_await read();
}

}  // namespace openmmp::state
