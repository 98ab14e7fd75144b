#include "workers/smtp/message_body.h"

#include <algorithm>
#include <utility>

namespace openmmp::smtp {

namespace {

// For the rest of a message, once we are asked to leave.
constexpr Millis draining_time = Seconds(60);

// Waits for more from the client. A message under way is finished before we leave.
Task<> more_of(proxy::Connection& client, const BodyRules& rules, BodyOutcome& outcome) {
  client.deadline(outcome.draining ? draining_time : rules.client_time, "message");
  const Result<> more = co_await attempt(client.more_input());
  client.rest();
  if (more) co_return;
  if (more.error().code != Errc::draining) co_await fail(more.error());
  outcome.draining = true;
  client.allow_farewell(draining_time);
}

// False: the relay is lost.
Task<bool> send_to(proxy::Connection& relay, std::string piece, const BodyRules& rules) {
  relay.deadline(rules.relay_time, "room for the message");
  const Result<> sent = co_await attempt(relay.write(std::move(piece)));
  relay.rest();
  co_return sent.has_value();
}

BodyEnd standing_of(const DataScanner& scanner, const BodyRules& rules) {
  if (scanner.refused()) return BodyEnd::bare_newline;
  const bool too_large = rules.max_size != 0 && scanner.size() > rules.max_size;
  return too_large ? BodyEnd::too_large : BodyEnd::sent;
}

}  // namespace

Task<BodyOutcome> pass_data(proxy::Connection& client, proxy::Connection& relay, BodyRules rules) {
  BodyOutcome outcome;
  DataScanner scanner(rules.bare_newline);
  std::string made;
  for (bool ended = false; !ended;) {
    made.clear();
    DataScanner::Step step;
    if (client.has_buffered_input()) step = scanner.scan(client.buffered(), made);
    if (step.used == 0) {
      co_await more_of(client, rules, outcome);
      continue;
    }
    ended = step.ended;
    if (outcome.end == BodyEnd::sent) outcome.end = standing_of(scanner, rules);
    if (outcome.end == BodyEnd::sent && !step.clean.empty()) {
      if (ended) outcome.spoken_early = relay.has_buffered_input();
      std::string piece(step.clean);
      const bool sent = co_await send_to(relay, std::move(piece), rules);
      if (!sent) outcome.end = BodyEnd::relay_lost;
    }
    client.consume(step.used);
  }
  outcome.size = scanner.size();
  co_return outcome;
}

Task<BodyOutcome> pass_chunk(proxy::Connection& client, proxy::Connection& relay,
                             std::string command, Chunk chunk, BodyRules rules) {
  BodyOutcome outcome;
  outcome.size = chunk.size;
  std::string piece = std::move(command) + "\r\n";
  for (uint64_t left = chunk.size;;) {
    const size_t taken = std::min<uint64_t>(left, client.buffered().size());
    if (outcome.end == BodyEnd::sent) {
      piece.append(client.buffered().substr(0, taken));
      if (left == taken) outcome.spoken_early = relay.has_buffered_input();
      const bool sent = co_await send_to(relay, std::exchange(piece, {}), rules);
      if (!sent) outcome.end = BodyEnd::relay_lost;
    }
    client.consume(taken);
    left -= taken;
    if (left == 0) co_return outcome;
    co_await more_of(client, rules, outcome);
  }
}

Task<BodyOutcome> drop_chunk(proxy::Connection& client, uint64_t size, BodyRules rules) {
  BodyOutcome outcome;
  for (uint64_t left = size; left > 0;) {
    const size_t taken = std::min<uint64_t>(left, client.buffered().size());
    client.consume(taken);
    left -= taken;
    if (left > 0) co_await more_of(client, rules, outcome);
  }
  co_return outcome;
}

}  // namespace openmmp::smtp
