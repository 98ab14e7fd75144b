#include "workers/state/fleet_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace openmmp::state {

namespace {

using Kind = RedisReply::Kind;

constexpr const char* page_size = "500";
constexpr size_t max_cursor = 20;  // digits of 64 bits
constexpr size_t max_time = 12;    // digits of seconds
constexpr std::string_view members = "member:";

Failure unexpected(const char* command) {
  return fail(Errc::protocol, fmt::format("a reply to {} that is none", command));
}

std::optional<int64_t> digits_of(const RedisReply& reply) {
  if (reply.kind != Kind::text || reply.text.empty() || reply.text.size() > max_time) return {};
  int64_t number = 0;
  for (const char c : reply.text) {
    if (c < '0' || c > '9') return {};
    number = number * 10 + (c - '0');
  }
  return number;
}

// For MATCH, which takes a pattern.
std::string quoted(const std::string& prefix) {
  std::string pattern;
  for (const char c : prefix) {
    if (std::string_view("*?[]\\^-").find(c) != std::string_view::npos) pattern += '\\';
    pattern += c;
  }
  return pattern;
}

std::string hex(const std::string& bytes) {
  std::string text;
  for (const char c : bytes) text += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return text;
}

}  // namespace

FleetStore::FleetStore(Loop& loop, RedisConnection connection, const FleetIdentity& identity,
                       FleetClock& clock)
    : loop_(loop), connection_(std::move(connection)), identity_(identity), clock_(clock) {}

std::string FleetStore::key_of_member() const {
  return fmt::format("{}{}{}", identity_.prefix, members, hex(identity_.member));
}

Task<> FleetStore::join() {
  const RedisConnection::Words words{"SET", key_of_member(), "1", "PX",
                                     std::to_string(membership.count())};
  const RedisConnection::Words time{"TIME"};
  connection_.add(time);
  connection_.add(words);
  const Millis asked = loop_.now();
  co_await connection_.send();
  co_await read_time(asked);
  co_await connection_.read();
}

// Seconds and microseconds.
Task<> FleetStore::read_time(Millis asked) {
  const RedisReply reply = co_await connection_.read();
  if (reply.kind != Kind::list || reply.items.size() != 2) co_await unexpected("TIME");
  const auto seconds = digits_of(reply.items[0]);
  const auto micros = digits_of(reply.items[1]);
  if (!seconds || !micros) co_await unexpected("TIME");
  clock_.note(asked, loop_.now(), Millis(*seconds * 1000 + *micros / 1000));
}

Task<bool> FleetStore::beat() {
  const RedisConnection::Words renew{"PEXPIRE", key_of_member(),
                                     std::to_string(membership.count())};
  const RedisConnection::Words publish{"PUBLISH", identity_.channel(), message(Facts())};
  const RedisConnection::Words time{"TIME"};
  connection_.add(time);
  connection_.add(renew);
  connection_.add(publish);
  const Millis asked = loop_.now();
  co_await connection_.send();
  co_await read_time(asked);
  const RedisReply renewed = co_await connection_.read();
  co_await connection_.read();
  if (renewed.kind != Kind::integer) co_return unexpected("PEXPIRE");
  co_return renewed.integer == 1;
}

std::string FleetStore::message(const Facts& facts) const {
  proto::FleetMessage message;
  message.set_sender(identity_.member);
  message.set_clock(clock_.to_server(loop_.now()).count());
  for (const auto& [name, fact] : facts) write_fact(fact, loop_.now(), *message.add_facts());
  return message.SerializeAsString();
}

Task<> FleetStore::put(Facts facts) {
  size_t commands = 1;
  for (const auto& [name, fact] : facts) {
    proto::FleetFact value;
    write_fact(fact, loop_.now(), value);
    if (value.left() <= 0) continue;
    // A moment and not a time from now on: a server that was stopped takes this when it goes on.
    const Millis end = clock_.to_server(loop_.now() + Millis(value.left()));
    const RedisConnection::Words set{"SET", identity_.prefix + name, value.SerializeAsString(),
                                     "PXAT", std::to_string(end.count())};
    connection_.add(set);
    ++commands;
  }
  const RedisConnection::Words publish{"PUBLISH", identity_.channel(), message(facts)};
  connection_.add(publish);
  co_await connection_.send();
  for (; commands > 0; --commands) co_await connection_.read();
}

Task<FleetStore::Page> FleetStore::read_page(std::string cursor) {
  const RedisConnection::Words scan{"SCAN",  cursor,   "MATCH", quoted(identity_.prefix) + "*",
                                    "COUNT", page_size};
  RedisReply reply = co_await connection_.ask(scan);
  if (reply.kind != Kind::list || reply.items.size() != 2 || reply.items[0].kind != Kind::text ||
      reply.items[0].text.size() > max_cursor || reply.items[1].kind != Kind::list) {
    co_return unexpected("SCAN");
  }
  const std::string own = identity_.prefix + std::string(members);
  std::vector<std::string> keys;
  for (RedisReply& item : reply.items[1].items) {
    if (item.text.starts_with(identity_.prefix) && !item.text.starts_with(own)) {
      keys.push_back(std::move(item.text));
    }
  }
  Page page;
  if (!keys.empty()) page = co_await read_facts(std::move(keys));
  page.cursor = reply.items[0].text;
  page.last = page.cursor == "0";
  co_return std::move(page);
}

// The lifetime that is left says how long ago the value was put there.
Task<FleetStore::Page> FleetStore::read_facts(std::vector<std::string> keys) {
  RedisConnection::Words get{"MGET"};
  get.insert(get.end(), keys.begin(), keys.end());
  connection_.add(get);
  for (const std::string& key : keys) {
    const RedisConnection::Words ask{"PTTL", key};
    connection_.add(ask);
  }
  co_await connection_.send();
  const RedisReply values = co_await connection_.read();
  if (values.kind != Kind::list || values.items.size() != keys.size()) {
    co_return unexpected("MGET");
  }
  Page page;
  for (size_t i = 0; i < keys.size(); ++i) {
    const RedisReply left = co_await connection_.read();
    // It may have gone between SCAN and now.
    if (values.items[i].kind != Kind::text || left.integer <= 0) continue;
    const Result<Fact> fact = read_value(keys[i], values.items[i], left);
    if (fact) page.facts.insert_or_assign(name_of(*fact), *fact);
    if (!fact) ++odd_;
  }
  co_return std::move(page);
}

Result<Fact> FleetStore::read_value(const std::string& key, const RedisReply& value,
                                    const RedisReply& left) const {
  proto::FleetFact said;
  if (!said.ParseFromString(value.text)) return fail(Errc::protocol, "no fact");
  const int64_t gone = std::max<int64_t>(said.left(), 0) - left.integer;
  const Millis elapsed(std::clamp<int64_t>(gone, 0, longest_life.count()));
  const Result<Fact> fact = read_fact(said, loop_.now() - elapsed, loop_.now());
  if (fact && identity_.prefix + name_of(*fact) != key) {
    return fail(Errc::protocol, "a fact under another's name");
  }
  return fact;
}

Task<> subscribe(RedisConnection& connection, std::string channel) {
  const RedisConnection::Words words{"SUBSCRIBE", channel};
  const RedisReply reply = co_await connection.ask(words);
  if (reply.kind != Kind::list || reply.items.size() != 3 || reply.items[0].text != "subscribe") {
    co_await unexpected("SUBSCRIBE");
  }
}

Task<proto::FleetMessage> next_message(RedisConnection& connection) {
  const RedisReply reply = co_await connection.read();
  if (reply.kind != Kind::list || reply.items.size() != 3 || reply.items[0].text != "message") {
    co_return fail(Errc::protocol, "something else than a message on a channel");
  }
  proto::FleetMessage message;
  // One that cannot be read is like one that says nothing.
  if (!message.ParseFromString(reply.items[2].text)) message.Clear();
  co_return std::move(message);
}

}  // namespace openmmp::state
