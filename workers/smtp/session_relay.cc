#include <utility>

#include "config/ssl_ports.h"
#include "ipc/runtime/text.h"
#include "workers/smtp/session.h"

namespace openmmp::smtp {

namespace {

// Relays that greet and then vanish must not keep a session busy for ever.
constexpr int most_renewals = 10;

std::string tls_of(const proxy::Connection& client) {
  if (client.tls() == nullptr) return {};
  const tls::Facts facts = client.tls()->facts();
  return facts.version + ' ' + facts.cipher;
}

}  // namespace

// A relay that says something unasked says 421, or is none.
bool Session::relay_is_well() const {
  return relay_ && !relay_->connection.has_buffered_input() && !relay_->connection.has_ended() &&
         relay_->connection.present();
}

void Session::describe_client() {
  facts_.client = context_.client;
  facts_.local = proxy::local_of(client_, context_);
  facts_.name.reset();
  if (context_.name && !context_.name->is_false && !context_.name->name.empty()) {
    facts_.name = context_.name->name;
  }
  facts_.name_unknown_for_now = context_.name && context_.name->is_unknown;
  facts_.tls = tls_of(client_);
  facts_.login.clear();
  facts_.channel = pop_login_ ? settings().pop_before_smtp_kludge_channel : std::string();
  const auto open = config::parse_ssl_ports(settings().open_ports);
  is_open_port_ = open && config::is_ssl_port(*open, facts_.local);
}

// What the next words are from may be somebody else.
void Session::forget_client() {
  drop_relay();
  transaction_.clear();
  greeted_ = authenticated_ = bound_ = false;
  handed_on_.clear();
  pop_asked_ = false;
  pop_login_.reset();
}

Task<> Session::reach_relay() {
  drop_relay();
  describe_client();
  pop_claimed_ = pop_as_user_ = false;
  // Until somebody logs in, a relay whom nobody may send mail need not know for whom it waits.
  const bool has_sender = !handed_on_.empty();
  const bool needs_login = settings().pre_auth && !is_open_port_ && !pop_login_;
  const TellWhen when = has_sender || needs_login ? TellWhen::with_login : TellWhen::at_once;
  auto reaching = smtp::reach_relay(facts_, when, client_, context_, shared_, services_);
  Result<RelayConnection> relay = co_await attempt(client_.while_present(std::move(reaching)));
  if (!relay && relay.error().code == Errc::refused) {
    co_await fail(part_refused(relay.error()));
  }
  if (!relay && relay.error().code == Errc::unavailable) {
    co_await fail(part("421 4.3.2 No relay is available, try again later.", relay.error().detail));
  }
  if (!relay) co_await fail(relay.error());
  relay_.emplace(std::move(*relay));
  record_.server = relay_->name;
  if (!handed_on_.empty()) {
    co_await hand_on_again();
  } else if (pop_login_) {
    co_await claim_pop_login();
  }
}

// In the relay's words.
Error Session::part_refused(const Error& verdict) {
  reply_all(verdict.detail);
  return Error(Errc::closed, "a relay refuses the client: " + one_line(verdict.detail));
}

// What another relay was told counts for nothing here.
Task<> Session::hand_on_again() {
  const Result<HandedOn> told = co_await attempt(
      hand_on_login(*relay_, facts_, handed_on_, nullptr, context_, shared_, services_));
  if (told) co_return;
  co_await fail(part("421 4.3.0 The connection to the relay is lost.",
                     "another relay does not take the user: " + told.error().detail));
}

// Somebody whom no relay knows yet may be served by any.
Task<> Session::renew_relay() {
  if (bound_ || ++renewals_ > most_renewals) {
    co_await fail(part("421 4.3.0 The connection to the relay is lost.", "the relay was lost"));
  }
  co_await reach_relay();
  if (transaction_.begun() && transaction_.obstacle().empty()) co_await replay();
}

// What the client has been promised must hold at the next relay, too, or the message will not go.
Task<> Session::replay() {
  if (transaction_.has_chunks() || !may_send()) co_return transaction_.give_up(relay_lost);
  const std::string& commands = transaction_.commands();
  for (size_t begin = 0; begin < commands.size();) {
    const size_t end = commands.find("\r\n", begin);
    const Result<Answer> answer = co_await attempt(ask_relay(commands.substr(begin, end - begin)));
    if (!answer || answer->code >= 300) {
      transaction_.give_up(relay_lost);
      const Result<Answer> reset = co_await attempt(ask_relay("RSET"));
      if (!reset || reset->code != 250) drop_relay();
      co_return;
    }
    begin = end + 2;
  }
}

// For a client that begins anew.
Task<> Session::reset_relay() {
  if (!transaction_.begun()) co_return;
  transaction_.clear();
  const Result<Answer> answer = co_await attempt(ask_relay("RSET"));
  if (answer && answer->code == 250) co_return;
  drop_relay();
  co_await renew_relay();
}

Task<Answer> Session::ask_relay(std::string command) {
  return ask(relay_->connection, std::move(command), services_.settings.relay_timeout);
}

// POP before SMTP: asked for once, at the first EHLO.
Task<> Session::remember_pop_login() {
  if (settings().pop_before_smtp_kludge_channel.empty() || authenticated_) co_return;
  if (std::exchange(pop_asked_, true)) co_return;
  pop_login_ = co_await client_.while_present(services_.shared.find_login(context_.client.ip()));
  if (!pop_login_) co_return;
  context_.log.write(LogLevel::info, context_.id, "client {} has logged in by POP as {}",
                     context_.client_name, proxy::excerpt(pop_login_->user, 256));
}

// A relay that has no channels takes the client for the user who has logged in.
Task<> Session::claim_pop_login() {
  pop_claimed_ = relay_->told == Told::xproxyehlo;
  if (pop_claimed_) co_return;
  const Result<HandedOn> told = co_await attempt(
      hand_on_login(*relay_, facts_, pop_login_->user, nullptr, context_, shared_, services_));
  pop_claimed_ = told.has_value();
  pop_as_user_ = told.has_value();
  if (told) co_return;
  context_.log.write(LogLevel::notice, context_.id,
                     "relay {} is not told of the POP login of user {}: {}", relay_->name,
                     proxy::excerpt(pop_login_->user, 256), one_line(told.error().detail));
}

bool Session::pop_login_holds() const {
  return pop_login_ && pop_claimed_ && services_.loop.now() < pop_login_->expires;
}

// Without a proof only where mail is taken from anybody, and only if it is the client's address and
// not ours that the relay judges by.
bool Session::may_send() const {
  if (authenticated_ || pop_login_holds()) return true;
  return is_open_port_ && relay_ && relay_->told != Told::nothing && !pop_claimed_;
}

}  // namespace openmmp::smtp
