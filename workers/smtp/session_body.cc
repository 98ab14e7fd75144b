#include <fmt/compile.h>

#include <utility>

#include "ipc/runtime/text.h"
#include "workers/smtp/session.h"

namespace openmmp::smtp {

namespace {

constexpr std::string_view too_large = "552 5.3.4 The message is too large.";

Answer made_up(std::string_view reply) {
  Answer answer;
  answer.code = (reply[0] - '0') * 100 + (reply[1] - '0') * 10 + (reply[2] - '0');
  answer.text.append(reply).append("\r\n");
  return answer;
}

}  // namespace

BodyRules Session::body_rules() const {
  BodyRules rules;
  if (settings().bare_newline == "normalize") rules.bare_newline = BareNewline::normalize;
  rules.max_size = max_size();
  rules.client_time = settings().timeout;
  rules.relay_time = services_.settings.relay_timeout;
  return rules;
}

// What a relay that has gone said before, if that was a refusal; never its yes to what it has not
// had. Drops the relay.
Answer Session::last_words(std::string_view instead) {
  Answer answer = made_up(instead);
  if (relay_) {
    const Result<std::optional<Reply>> found = find_reply(relay_->connection.buffered());
    if (found && *found && !(*found)->is_positive()) answer = Answer(**found);
  }
  drop_relay();
  return answer;
}

// The relay's reply to all that it has got, or ours where it has not got it.
Task<Answer> Session::hear_verdict(const BodyOutcome& outcome) {
  if (outcome.end == BodyEnd::too_large) {
    drop_relay();
    co_return made_up(too_large);
  }
  if (outcome.end == BodyEnd::relay_lost) co_return last_words(relay_lost);
  Result<Answer> answer =
      co_await attempt(read_answer(relay_->connection, services_.settings.relay_timeout));
  if (!answer) co_return last_words(relay_lost);
  const bool has_all = !outcome.spoken_early && !relay_->connection.has_lost_words();
  const bool is_early = !has_all && answer->is_positive();
  const bool is_none = answer->code >= 300 && answer->code < 400;
  if (is_early || is_none) {
    drop_relay();
    co_return made_up(relay_lost);
  }
  co_return std::move(*answer);
}

Task<> Session::take_data() {
  co_await flush();
  BodyRules rules = body_rules();
  const BodyOutcome outcome = co_await pass_data(client_, relay_->connection, std::move(rules));
  if (outcome.end == BodyEnd::bare_newline) {
    drop_relay();
    co_await fail(part("521 5.5.2 A line ends with CR LF, and nothing else does.",
                       "a bare CR or LF, or NUL, in a message"));
  }
  const Answer answer = co_await hear_verdict(outcome);
  transaction_.clear();
  note_message(answer, outcome.size);
  co_await flush();  // a client that hears of its message late sends it again
  if (answer.code == 421) co_await fail(Errc::closed, "the relay ends the session");
  if (outcome.draining) co_await fail(Errc::draining, "the service is going down");
}

void Session::note_message(const Answer& answer, uint64_t size) {
  reply_all(answer.text);
  const bool is_accepted = answer.code < 300;
  if (is_accepted) {
    ++totals_.messages;
    totals_.octets += size;
    commands_ = renewals_ = 0;
  }
  context_.log.write_compiled(
      LogLevel::notice, context_.id,
      FMT_COMPILE("message of user {} {} - client {}, relay {}, {} bytes: {}"), user(),
      is_accepted ? "accepted" : "refused", context_.client_name, record_.server, size,
      answer.summary());
}

// Why the relay is not to have this chunk, or nothing. Its octets come in any case.
std::string Session::objection_to_chunk(const Chunk& chunk) const {
  if (!greeted_ || !relay_) return "503 5.5.1 EHLO comes first.";
  if (!transaction_.begun()) return "503 5.5.1 MAIL comes first.";
  if (!transaction_.obstacle().empty()) return transaction_.obstacle();
  if (!relay_->extensions.chunking) return "502 5.5.1 CHUNKING is not offered.";
  if (transaction_.recipients() == 0) return "554 5.5.1 No valid recipients.";
  const uint64_t most = max_size();
  if (most == 0) return {};
  const bool fits = chunk.size <= most && transaction_.octets() <= most - chunk.size;
  return fits ? std::string() : std::string(too_large);
}

// Of a message that has lost a part. The first reason counts.
void Session::refuse_rest() {
  transaction_.add_chunk(0);
  if (!transaction_.obstacle().empty()) return;
  transaction_.give_up("503 5.5.1 A part of the message was refused.");
}

Task<> Session::take_bdat(const Command& command) {
  const Result<Chunk> chunk = parse_bdat(command);
  std::string line(command.line);
  drop_line();
  // Nobody knows where the next command would begin.
  if (!chunk) co_await fail(part(chunk.error().detail, "a BDAT that cannot be understood"));
  const std::string objection = objection_to_chunk(*chunk);
  if (objection.empty()) co_return co_await pass_bdat(std::move(line), *chunk);
  // What is read for nothing must not hold a session that nobody has logged in to.
  if (!may_send() && !transaction_.begun()) {
    co_await fail(part(objection, "a chunk from somebody who may not send"));
  }
  BodyRules rules = body_rules();
  const BodyOutcome outcome = co_await drop_chunk(client_, chunk->size, std::move(rules));
  reply_bad(objection);
  // RFC 3030 section 2: after a chunk that was refused the message is to be given up.
  if (transaction_.begun()) refuse_rest();
  if (chunk->last) {
    if (!relay_is_well()) transaction_.clear();
    co_await reset_relay();
  }
  if (outcome.draining) co_await fail(Errc::draining, "the service is going down");
}

Task<> Session::pass_bdat(std::string line, Chunk chunk) {
  BodyRules rules = body_rules();
  const BodyOutcome outcome =
      co_await pass_chunk(client_, relay_->connection, std::move(line), chunk, std::move(rules));
  const Answer answer = co_await hear_verdict(outcome);
  const uint64_t size = transaction_.octets() + chunk.size;
  if (chunk.last) {
    transaction_.clear();
    note_message(answer, size);
    co_await flush();
  } else {
    reply_all(answer.text);
    transaction_.add_chunk(chunk.size);
    if (!relay_) transaction_.give_up(relay_lost);
    if (answer.code >= 300) refuse_rest();
  }
  if (answer.code == 421) co_await fail(Errc::closed, "the relay ends the session");
  if (outcome.draining) co_await fail(Errc::draining, "the service is going down");
}

}  // namespace openmmp::smtp
