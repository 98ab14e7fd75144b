#include "workers/smtp/relay_dialogue.h"

#include <optional>

#include "ipc/runtime/secret.h"
#include "ipc/runtime/text.h"
#include "workers/proxy/session_log.h"

namespace openmmp::smtp {

namespace {
constexpr size_t max_logged = 200;
}  // namespace

std::string Answer::summary() const {
  return proxy::excerpt(one_line(last_line(reply())), max_logged);
}

Task<Answer> read_answer(proxy::Connection& relay, Millis time, const char* what) {
  relay.deadline(time, what);
  for (;;) {
    const std::optional<Reply> reply = co_await find_reply(relay.buffered());
    if (reply) {
      Answer answer(*reply);
      relay.consume(answer.text.size());
      relay.rest();
      co_return std::move(answer);
    }
    co_await relay.more_input();
  }
}

Task<Answer> ask(proxy::Connection& relay, std::string command, Millis time) {
  if (relay.has_buffered_input()) {
    wipe(command);
    co_return fail(Errc::protocol, "the relay answers before it is asked");
  }
  // In one block: there may be a password in it.
  std::string line;
  line.reserve(command.size() + 64);
  line.append(command).append("\r\n");
  wipe(command);
  relay.deadline(time, "room for a command");
  co_await relay.write(std::move(line));
  co_return co_await read_answer(relay, time);
}

}  // namespace openmmp::smtp
