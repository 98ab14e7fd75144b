// Everything about a client's proof of who it is that no protocol differs in: which mechanisms it
// is offered, the SASL conversation, and what is checked here. A dialect brings the words around
// it.
//
// One for a session; what it is constructed from outlives it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/runtime/secret.h"
#include "ipc/runtime/task.h"
#include "workers/proxy/connection.h"
#include "workers/proxy/login.h"
#include "workers/proxy/services.h"
#include "workers/proxy/session_context.h"
#include "workers/sasl/mechanism.h"
#include "workers/sasl/scram_secret.h"

namespace openmmp::proxy {

class Authenticator {
 public:
  Authenticator(Connection& client, SessionContext& context, Services& services)
      : client_(client), context_(context), services_(services) {}

  // These change when TLS begins.
  std::vector<sasl::Mechanism> offered() const;
  // Whether a password may be said in the clear text of the protocol: LOGIN, USER and PASS.
  bool takes_passwords() const;
  bool offers_tls() const;

  // Returns when an attempt from this address may go on: whoever guesses guesses slowly.
  Task<> hold_back();

  // Says `go_ahead`, and the rest is TLS. Only where offers_tls().
  Task<> start_tls(std::string go_ahead);
  // Of a peer that may speak for its clients. Errc::refused: the client came too long a way.
  bool is_trusted() const { return context_.trusted; }
  Result<> believe(ForwardedClient said) { return proxy::believe(context_, std::move(said)); }

  // Who has logged in from this address by POP, as SharedState knows it.
  Task<std::optional<PopLogin>> find_login(std::string address) {
    return services_.shared.find_login(std::move(address));
  }

  // Why not this mechanism, or nothing.
  enum class Objection { none, unknown, needs_tls };
  Objection objection(std::string_view mechanism) const;

  // A SASL conversation: `initial` is the base64 of the command, if it had any (empty for "="), and
  // `prompt` what stands before a challenge: "+ ". Errors that the client is to be told, by
  // `detail` where it is about the client: protocol (malformed or cancelled), refused, unavailable.
  // Others end the session; a client that was refused too often has Errc::limit.
  Task<Login> converse(std::string mechanism, std::optional<Secret> initial, const char* prompt);
  // The same errors for a name and a password.
  Task<Login> take_password(std::string user, Secret password);
  // POP3's APOP: what the greeting must have in it, empty when it is not offered; and the answer.
  std::string apop_challenge();
  Task<Login> take_apop(Secret answer);

  // A challenge of a store that has refused a token, passed on; what the client says to it is of
  // no interest.
  Task<> pass_challenge(std::string base64, const char* prompt);

 private:
  Seconds badness() const;
  Task<Login> run(sasl::Mechanism mechanism, std::optional<Secret> initial);
  Task<Secret> first_message(std::optional<Secret> initial);
  Task<Secret> ask(std::string challenge);
  Task<Login> plain(std::optional<Secret> initial);
  Task<Login> login(std::optional<Secret> initial);
  Task<Login> external(std::optional<Secret> initial);
  Task<Login> oauth(sasl::Mechanism mechanism, std::optional<Secret> initial);
  Task<Login> cram_md5();
  Task<Login> check_apop(Secret answer);
  Task<Login> scram(sasl::Mechanism mechanism, std::optional<Secret> initial);
  Task<std::vector<Secret>> find_passwords(std::string user);
  Task<Secret> find_clear_password(std::string user);
  Task<sasl::ScramSecret> find_scram_secret(std::string user);
  bool has_certificate() const;
  // Logs and counts it; Errc::limit when that was one too many.
  Error noted(Error error);

  Connection& client_;
  SessionContext& context_;
  Services& services_;
  const char* prompt_ = "";
  std::string apop_challenge_;
  int refused_ = 0;
};

}  // namespace openmmp::proxy
