#include "workers/smtp/relay_login.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "workers/sasl/credentials.h"
#include "workers/sasl/plain.h"
#include "workers/smtp/relay_dialogue.h"

namespace openmmp::smtp {

namespace {

bool takes_plain(const Extensions& extensions) {
  const auto& offered = extensions.mechanisms;
  return std::find(offered.begin(), offered.end(), "PLAIN") != offered.end();
}

// By what the relay is told of the client.
bool can_be_told(const RelayConnection& relay, const std::string& user, const std::string& wanted) {
  const bool any = wanted == "auto";
  if (relay.told == Told::xproxyehlo) return any || wanted == "xproxyehlo";
  const std::vector<std::string>& offered = relay.extensions.xclient;
  const bool has_login = std::find(offered.begin(), offered.end(), "LOGIN") != offered.end();
  const bool takes_login = has_login && xtext(user).size() <= longest_xclient_value;
  return relay.told == Told::xclient && takes_login && (any || wanted == "xclient");
}

// What the option asks for, or the first way that there is.
Result<HandedOn> way_for(const RelayConnection& relay, const std::string& user, bool has_password,
                         const config::Settings& settings) {
  const std::string& wanted = relay.store->relay.login;
  if (can_be_told(relay, user, wanted)) return HandedOn::by_telling;
  const bool any = wanted == "auto";
  if (takes_plain(relay.extensions)) {
    const bool has_admin = !settings.store_admin.empty();
    if (has_admin && (any || wanted == "admin")) return HandedOn::by_admin;
    if (has_password && (any || wanted == "password")) return HandedOn::by_password;
  }
  return fail(Errc::unavailable,
              "RelayLogin " + wanted + ": this relay can be told of no user in such a way");
}

Task<> authenticate(RelayConnection& relay, Secret message, Millis time) {
  std::string command;
  command.reserve(message.reveal().size() + 64);
  command.append("AUTH PLAIN ").append(message.reveal());
  const Answer answer = co_await ask(relay.connection, std::move(command), time);
  if (answer.code == 235) co_return;
  co_await fail(Errc::unavailable, "the relay answers AUTH with " + answer.summary());
}

}  // namespace

Task<HandedOn> hand_on_login(RelayConnection& relay, ClientFacts& facts, std::string user,
                             const Secret* password, const proxy::SessionContext& context,
                             Shared& shared, proxy::Services& services) {
  const config::Settings& settings = context.settings();
  // Refused is what a relay says; this is no reply.
  const Result<> good = sasl::check_name(user);
  if (!good) co_await fail(Errc::unavailable, good.error().detail);
  HandedOn way = co_await way_for(relay, user, password != nullptr, settings);
  if (way == HandedOn::by_telling) facts.login = user;
  if (relay.waits_for_login || way == HandedOn::by_telling) {
    co_await tell_login(relay, facts, context, shared, services);
  }
  if (way == HandedOn::by_telling && relay.told == Told::nothing) {  // it did not take that
    facts.login.clear();
    way = co_await way_for(relay, user, password != nullptr, settings);
  }
  const Millis time = services.settings.relay_timeout;
  if (way == HandedOn::by_telling) co_return way;
  if (way == HandedOn::by_admin) {
    Secret message(
        sasl::plain_response(user, settings.store_admin, settings.store_admin_pass.reveal()));
    co_await authenticate(relay, std::move(message), time);
  } else {
    Secret message(sasl::plain_response(user, password->reveal()));
    co_await authenticate(relay, std::move(message), time);
  }
  co_return way;
}

}  // namespace openmmp::smtp
