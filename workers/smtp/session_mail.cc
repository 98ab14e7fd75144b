#include <utility>

#include "workers/smtp/session.h"

namespace openmmp::smtp {

namespace {

// More would have all their replies in memory at once, and limits looked at too late.
constexpr size_t most_together = 500;

}  // namespace

// Takes as many commands as may go together. Nothing waits here.
void Session::gather() {
  group_.clear();
  expects_mail_ = transaction_.begun();
  expects_recipients_ = transaction_.recipients();
  const std::string_view bytes = client_.buffered();
  size_t used = 0;
  while (!group_.is_closed() && group_.size() < most_together) {
    const size_t end = bytes.find('\n', used);
    if (end == bytes.npos) break;
    std::string_view line = bytes.substr(used, end - used);
    if (line.size() >= line_limit(line)) break;
    if (line.ends_with('\r')) line.remove_suffix(1);
    const Command command = parse_command(line);
    if (stands_alone(command)) break;
    // Before a relay has been chosen, or when it takes one at a time.
    const bool one_by_one = relay_ && !relay_->extensions.pipelining;
    if (one_by_one && group_.awaited() > 0) break;
    ++commands_;
    plan(command);
    used = end + 1;
  }
  client_.consume(used);
}

void Session::refuse(std::string_view text) {
  group_.answer(text);
  ++bad_commands_;
}

void Session::plan(const Command& command) {
  switch (command.verb) {
    case Verb::mail:
      return plan_mail(command);
    case Verb::rcpt:
      return plan_rcpt(command);
    case Verb::data:
      return plan_data(command);
    case Verb::rset:
      expects_mail_ = false;
      expects_recipients_ = 0;
      if (relay_) return group_.forward(Verb::rset, command.line);
      return group_.answer("250 2.0.0 Ok");
    case Verb::noop:
      if (relay_) return group_.forward(Verb::noop, command.line);
      return group_.answer("250 2.0.0 Ok");
    case Verb::quit:
      group_.answer("221 2.0.0 " + shared_.host_name + " Bye.");
      has_quit_ = true;
      return group_.close();
    case Verb::vrfy:
    case Verb::expn:
    case Verb::help:
    case Verb::etrn:
      return plan_query(command);
    default:
      return refuse("500 5.5.2 Unknown command.");
  }
}

std::string Session::objection_to_mail(const Command& command) const {
  if (!greeted_ || !relay_) return "503 5.5.1 EHLO comes first.";
  if (expects_mail_) return "503 5.5.1 A message is under way already.";
  if (!may_send()) return "530 5.7.0 Authentication is required.";
  const Result<MailParameters> parameters = parse_mail(command);
  if (!parameters) return parameters.error().detail;
  const Extensions& relay = relay_->extensions;
  if (max_size() != 0 && parameters->size.value_or(0) > max_size()) {
    return "552 5.3.4 The message is too large.";
  }
  if (parameters->utf8 && !relay.has("SMTPUTF8")) return "555 5.5.4 SMTPUTF8 is not offered.";
  if (parameters->has_auth && relay.mechanisms.empty()) return "555 5.5.4 AUTH= is not offered.";
  return {};
}

void Session::plan_mail(const Command& command) {
  // It has ended between two messages: the relay must not go on in the belief that it holds.
  if (pop_claimed_ && !authenticated_ && !pop_login_holds()) {
    group_.answer("421 4.7.0 The POP login is too long ago: log in again.");
    has_quit_ = true;
    return group_.close();
  }
  const std::string objection = objection_to_mail(command);
  if (!objection.empty()) return refuse(objection);
  expects_mail_ = true;
  group_.forward(Verb::mail, command.line);
}

void Session::plan_rcpt(const Command& command) {
  if (!expects_mail_) return refuse("503 5.5.1 MAIL comes first.");
  if (!transaction_.obstacle().empty()) return group_.answer(transaction_.obstacle());
  const Result<> good = check_rcpt(command);
  if (!good) return refuse(good.error().detail);
  if (transaction_.has_chunks()) return refuse("503 5.5.1 The message has begun.");
  if (expects_recipients_ >= static_cast<size_t>(settings().max_recipients)) {
    return group_.answer("452 4.5.3 Too many recipients.");
  }
  ++expects_recipients_;
  group_.forward(Verb::rcpt, command.line);
}

void Session::plan_data(const Command& command) {
  group_.close();
  if (!command.argument.empty()) return refuse("501 5.5.4 DATA takes no argument.");
  if (!expects_mail_) return refuse("503 5.5.1 MAIL comes first.");
  if (transaction_.has_chunks()) return refuse("503 5.5.1 The message came by BDAT so far.");
  if (!transaction_.obstacle().empty()) {
    group_.answer(transaction_.obstacle());
    return transaction_.clear();
  }
  if (expects_recipients_ == 0) return refuse("554 5.5.1 No valid recipients.");
  group_.forward(Verb::data, command.line);
}

// The relay knows its users, and does not tell everybody.
void Session::plan_query(const Command& command) {
  group_.close();
  if (!relay_) return refuse("503 5.5.1 EHLO comes first.");
  if (command.verb != Verb::help && !may_send())
    return refuse("530 5.7.0 Authentication is required.");
  if (command.verb == Verb::etrn && !relay_->extensions.has("ETRN")) {
    return refuse("502 5.5.1 ETRN is not offered.");
  }
  group_.forward(command.verb, command.line);
}

// The group's commands to the relay and all the replies to out_. A relay that is lost meanwhile is
// replaced where that can be done without a promise being broken.
Task<> Session::exchange() {
  for (;;) {
    const Result<> heard = co_await attempt(send_and_hear());
    if (heard) co_return;
    context_.log.write(LogLevel::info, context_.id, "relay {} is lost: {}", record_.server,
                       heard.error().detail);
    drop_relay();
    if (is_over_) co_await fail(Errc::closed, "the relay ends the session");
    co_await renew_relay();
    // This one may not know whose client that is, and would judge by our address.
    if (group_.awaited() > 0 && !may_send()) {
      co_await fail(part("421 4.3.0 The connection to the relay is lost.", "the relay was lost"));
    }
    const std::string obstacle = transaction_.obstacle();
    if (!obstacle.empty() && group_.give_up(obstacle)) transaction_.clear();
  }
}

Task<> Session::send_and_hear() {
  const Millis time = services_.settings.relay_timeout;
  const bool together = relay_ && relay_->extensions.pipelining;
  if (together && group_.awaited() > 0) {
    relay_->connection.deadline(time, "room for commands");
    co_await relay_->connection.write(group_.awaited_lines());
  }
  while (!group_.is_answered()) {
    const CommandGroup::Slot slot = group_.front();
    if (slot.is_ours) {
      reply(slot.text);
      group_.pop();
      continue;
    }
    proxy::Connection& relay = relay_->connection;
    relay.deadline(time, "answer from the relay");  // each has its own time
    if (!together) {
      if (relay.has_buffered_input()) co_await fail(Errc::protocol, "it answers unasked");
      std::string line(slot.text);
      line += "\r\n";
      co_await relay.write(std::move(line));
    }
    std::optional<Reply> found = co_await find_reply(relay.buffered());
    while (!found) {
      co_await relay.more_input();
      found = co_await find_reply(relay.buffered());
    }
    co_await note(slot, *found);
    reply_all(found->text);
    relay.consume(found->text.size());
    group_.pop();
    if (is_over_) co_await fail(Errc::closed, "it says 421");
  }
  if (relay_) relay_->connection.rest();
}

// What a reply means for what may come next. Errc::protocol: it cannot be the answer.
Result<> Session::note(const CommandGroup::Slot& slot, const Reply& reply) {
  is_over_ = reply.code == 421;
  if (slot.verb == Verb::data) return note_data(reply);
  if (reply.code >= 300 && reply.code < 400) return fail(Errc::protocol, "it asks for more");
  if (reply.code >= 300) return {};
  if (slot.verb == Verb::mail) transaction_.begin(slot.text);
  if (slot.verb == Verb::rcpt) {
    transaction_.add_recipient(slot.text);
    --commands_;
  }
  if (slot.verb == Verb::rset) transaction_.clear();
  return {};
}

Result<> Session::note_data(const Reply& reply) {
  if (reply.code < 400 && reply.code != 354) {
    return fail(Errc::protocol, "it takes a message that it has not got");
  }
  has_go_ahead_ = reply.code == 354;
  return {};
}

}  // namespace openmmp::smtp
