#include "workers/smtp/relay_access.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "workers/proxy/dial.h"
#include "workers/proxy/session_log.h"
#include "workers/proxy/store_access.h"
#include "workers/smtp/relay_dialogue.h"
#include "workers/smtp/xproxyehlo.h"

namespace openmmp::smtp {

using proxy::Services;
using proxy::SessionContext;

namespace {

// Errc::limit is for a relay that is not for this client, or cannot be told of it, whatever else it
// is good for.

// What is wrong is our command, not the client.
bool is_about_us(int code) { return (code >= 500 && code <= 504) || code == 535; }

Error verdict(Answer answer) { return Error(Errc::refused, std::move(answer.text)); }

// `speaks_for_client`: its answer is about the client.
Task<> say_hello(RelayConnection& relay, std::string name, bool speaks_for_client, Shared& shared,
                 Millis time) {
  Answer answer = co_await ask(relay.connection, "EHLO " + name, time);
  if (answer.code == 250) {
    relay.extensions = shared.extension_lists.parse(answer.reply());
    co_return;
  }
  relay.extensions = Extensions();
  if (is_about_us(answer.code)) answer = co_await ask(relay.connection, "HELO " + name, time);
  if (answer.code == 250) co_return;
  if (speaks_for_client) co_await fail(verdict(std::move(answer)));
  co_await fail(Errc::unavailable, "the relay answers EHLO with " + answer.summary());
}

// Whatever the relay has announced: one that does not start TLS now is no relay of ours.
Task<> start_tls(RelayConnection& relay, Millis time) {
  const Answer answer = co_await ask(relay.connection, "STARTTLS", time);
  if (answer.code != 220) {
    co_await fail(Errc::unavailable, "the relay does not start TLS: it says " + answer.summary());
  }
  relay.extensions = Extensions();
  relay.connection.deadline(time, "TLS handshake of the relay");
  co_await relay.connection.upgrade(relay.store->start_tls(relay.host), std::string());
}

Task<> tell_by_xclient(RelayConnection& relay, const ClientFacts& facts, Shared& shared,
                       Millis time) {
  static const std::vector<std::string> usual = {"NAME", "ADDR", "PORT", "PROTO", "HELO"};
  const std::vector<std::string>& offered = relay.extensions.xclient;
  const std::vector<std::string> commands =
      xclient_commands(facts, offered.empty() ? usual : offered);
  if (commands.empty()) co_return;
  for (const std::string& command : commands) {
    Answer answer = co_await ask(relay.connection, command, time);
    if (answer.code == 220) continue;
    if (answer.is_positive() || is_about_us(answer.code)) {
      co_await fail(Errc::limit, "it does not take XCLIENT: " + answer.summary());
    }
    co_await fail(verdict(std::move(answer)));
  }
  relay.told = Told::xclient;
  co_await say_hello(relay, facts.helo, true, shared, time);
}

// By the nonce, or as it is where nobody can listen or nobody minds.
Result<PasswordForm> password_form(const RelayConnection& relay) {
  const std::optional<std::string>& nonce = relay.extensions.xproxyehlo;
  if (nonce && !nonce->empty()) return PasswordForm::nonce;
  if (relay.connection.tls() != nullptr || relay.store->relay.password_in_clear) {
    return PasswordForm::clear;
  }
  return fail(Errc::limit, "it gives no nonce, and SmtpProxyPassword is not sent in clear");
}

Task<> tell_by_xproxyehlo(RelayConnection& relay, const ClientFacts& facts,
                          const SessionContext& context, Shared& shared, Millis time) {
  const Extensions before = relay.extensions;
  const std::string keyword =
      before.xproxyehlo_keyword.empty() ? "XPROXYEHLO" : before.xproxyehlo_keyword;
  const PasswordForm form = co_await password_form(relay);
  Result<std::string> command = xproxyehlo_command(
      facts, keyword, form, before.xproxyehlo.value_or(""), context.settings().smtp_proxy_password);
  if (!command) co_await fail(Errc::limit, command.error().detail);  // no verdict of the relay
  Answer answer = co_await ask(relay.connection, std::move(*command), time);
  if (answer.code == 250) {
    relay.told = Told::xproxyehlo;
    relay.extensions = shared.extension_lists.parse(answer.reply());
    if (relay.extensions.xproxyehlo) co_return;
    // Said once it holds for the connection.
    relay.extensions.xproxyehlo = before.xproxyehlo;
    relay.extensions.xproxyehlo_keyword = keyword;
    co_return;
  }
  if (answer.is_positive() || is_about_us(answer.code)) {
    co_await fail(Errc::limit, fmt::format("it does not take {}: {}", keyword, answer.summary()));
  }
  co_await fail(verdict(std::move(answer)));
}

// How this relay is to be told of the client, from what it announces if that decides.
Told way_to_tell(const RelayConnection& relay, const SessionContext& context) {
  const std::string& tell = relay.store->relay.tell;
  if (tell == "xclient") return Told::xclient;
  if (tell == "xproxyehlo") return Told::xproxyehlo;
  if (tell != "auto") return Told::nothing;
  const bool has_password = !context.settings().smtp_proxy_password.empty();
  if (relay.extensions.xproxyehlo && has_password && password_form(relay)) return Told::xproxyehlo;
  return relay.extensions.xclient.empty() ? Told::nothing : Told::xclient;
}

// One that does not may be another relay's turn.
bool announces(const RelayConnection& relay, Told way) {
  if (way == Told::xclient) return !relay.extensions.xclient.empty();
  return way == Told::xproxyehlo && relay.extensions.xproxyehlo.has_value();
}

Task<> tell_by(Told way, RelayConnection& relay, const ClientFacts& facts,
               const SessionContext& context, Shared& shared, Millis time) {
  if (way == Told::xclient) co_await tell_by_xclient(relay, facts, shared, time);
  if (way == Told::xproxyehlo) co_await tell_by_xproxyehlo(relay, facts, context, shared, time);
}

// Where nobody insists, a relay that cannot be told serves those who log in.
Task<> tell_first(Told way, RelayConnection& relay, const ClientFacts& facts,
                  const SessionContext& context, Shared& shared, Services& services) {
  const Millis time = services.settings.relay_timeout;
  const Result<> told = co_await attempt(tell_by(way, relay, facts, context, shared, time));
  if (told) co_return;
  const bool may_go_on = told.error().code == Errc::limit && relay.store->relay.tell == "auto";
  if (!may_go_on) co_await fail(told.error());
  context.log.write(LogLevel::notice, context.id, "relay {} is not told of client {}: {}",
                    relay.name, context.client_name, told.error().detail);
  relay.told = Told::nothing;
  co_await say_hello(relay, shared.host_name, false, shared, time);
}

Task<> tell(RelayConnection& relay, const ClientFacts& facts, TellWhen when,
            const SessionContext& context, Shared& shared, Services& services) {
  if (relay.told == Told::proxy_header) {
    co_return co_await say_hello(relay, facts.helo, true, shared,
                                 services.settings.failover_timeout);
  }
  const Told way = way_to_tell(relay, context);
  if (when == TellWhen::at_once || !announces(relay, way)) {
    co_return co_await tell_first(way, relay, facts, context, shared, services);
  }
  relay.told = way;
  relay.waits_for_login = true;
}

// What a relay that has had a PROXY header greets with instead of 220 is about the client: that its
// address is blocked, or has too many connections. It may not say more about the relay than that.
Error bad_greeting(Answer greeting, bool is_told) {
  if (is_told && greeting.code >= 500) return verdict(std::move(greeting));
  return Error(is_told ? Errc::limit : Errc::unavailable,
               "the relay greets with " + greeting.summary());
}

// From the connection to the relay's list of extensions. What fails here is the relay's fault,
// unless it is Errc::limit or refused; a relay told by a PROXY header is asked by tell().
Task<RelayConnection> greet_relay(HostPort host, const proxy::Connection& client,
                                  const SessionContext& context, Shared& shared,
                                  Services& services) {
  const proxy::Store& store = services.stores.find(host);
  const Millis time = services.settings.failover_timeout;
  const Millis greeting_by = services.loop.now() + time;
  if (context.debugs("connect")) {
    proxy::log_detail(context, "connects to relay {}", host.to_string());
  }
  proxy::Connection connection =
      co_await proxy::dial_through(services.loop, services.resolver, host, store,
                                   proxy::proxy_header_for(store, client, context));
  if (proxy::leads_to_us(connection, host.port, services)) {
    co_return fail(Errc::unavailable, "it is this multiplexor itself");
  }
  RelayConnection relay(std::move(connection), host, store);
  const Millis left = std::max(greeting_by - services.loop.now(), Millis(1));
  Answer greeting = co_await read_answer(relay.connection, left, "greeting from the relay");
  const bool is_told = store.forwarding.proxy_version != 0;
  if (greeting.code != 220) co_return fail(bad_greeting(std::move(greeting), is_told));
  if (store.tls == proxy::StoreTls::after_greeting) {
    co_await say_hello(relay, shared.host_name, is_told, shared, time);
    co_await start_tls(relay, time);
  }
  if (is_told) {
    relay.told = Told::proxy_header;
  } else {
    co_await say_hello(relay, shared.host_name, false, shared, time);
  }
  co_return std::move(relay);
}

}  // namespace

Task<RelayConnection> reach_relay(const ClientFacts& facts, TellWhen when,
                                  const proxy::Connection& client, const SessionContext& context,
                                  Shared& shared, Services& services) {
  const auto avoid_for = std::chrono::minutes(services.settings.failover_timeout.count());
  const std::vector<HostPort> order =
      shared.ring.take_turn(services.shared.relays(), services.loop.now());
  Error last(Errc::unavailable, "no relay");
  for (const HostPort& host : order) {
    const std::string name = host.to_string();
    Result<RelayConnection> relay =
        co_await attempt(greet_relay(host, client, context, shared, services));
    Result<> told;
    if (relay) {
      services.shared.relay_succeeded(name);
      relay->use = services.shared.use_relay(name);
      told = co_await attempt(tell(*relay, facts, when, context, shared, services));
      if (told) co_return std::move(*relay);
    }
    const Error& why = relay ? told.error() : relay.error();
    if (why.code == Errc::refused) co_return fail(why);
    last = Error(Errc::unavailable, fmt::format("{}: {}", name, why.detail));
    context.log.write(LogLevel::info, context.id, "relay {} fails: {}", name, why.detail);
    // By what it makes of one client a relay is not judged: each could have all of them avoided.
    const bool is_its_fault = !relay && why.code != Errc::limit;
    if (is_its_fault) services.shared.relay_failed(name, why.detail, avoid_for);
  }
  co_return fail(std::move(last));
}

Task<> tell_login(RelayConnection& relay, const ClientFacts& facts, const SessionContext& context,
                  Shared& shared, Services& services) {
  if (!relay.waits_for_login) {
    const Millis time = services.settings.relay_timeout;
    co_return co_await tell_by(relay.told, relay, facts, context, shared, time);
  }
  co_await tell_first(relay.told, relay, facts, context, shared, services);
  relay.waits_for_login = false;
}

}  // namespace openmmp::smtp
