// The dialogue of a submission session, from greeting to goodbye.
//
//   session.cc        the round of commands, EHLO, STARTTLS, goodbye
//   session_relay.cc  its relay: which, who it thinks the client is, another when it is lost
//   session_mail.cc   the commands of transactions, in groups
//   session_body.cc   DATA and BDAT
//   session_auth.cc   AUTH
//
// One object a session. What it is constructed from outlives it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/runtime/task.h"
#include "workers/proxy/admission.h"
#include "workers/proxy/authenticator.h"
#include "workers/proxy/connection.h"
#include "workers/proxy/session_log.h"
#include "workers/smtp/command_group.h"
#include "workers/smtp/message_body.h"
#include "workers/smtp/relay_access.h"
#include "workers/smtp/relay_dialogue.h"
#include "workers/smtp/relay_login.h"
#include "workers/smtp/transaction.h"

namespace openmmp::smtp {

// Of a message whose relay is gone.
inline constexpr std::string_view relay_lost =
    "451 4.4.2 The connection to the relay was lost, try again later.";

class Session {
 public:
  Session(proxy::Connection& client, proxy::SessionContext& context, proxy::Seats& seats,
          Shared& shared, proxy::Services& services);

  // Ends with the reason why it is over.
  Task<> run();
  // The last words, for the errors that deserve some.
  Task<> farewell(const Error& error);

  struct Totals {
    uint64_t messages = 0;
    uint64_t octets = 0;
  };
  const Totals& totals() const { return totals_; }
  // Of the last login or its attempt.
  const proxy::LoginRecord& record() const { return record_; }
  bool authenticated() const { return authenticated_; }
  // Whose mail it is, for the log: a name that has not logged in is nobody's.
  std::string user() const;
  bool has_quit() const { return has_quit_; }

 private:
  // session.cc
  Result<> check_end() const;
  Task<> await_command();
  bool has_command() const;
  bool stands_alone(const Command& command) const;
  bool needs_relay(const Command& command) const;
  Task<> take_alone(const Command& command);
  Task<> say_hello(const Command& command);
  Task<> start_tls(const Command& command);
  Task<> take_xclient(const Command& command);
  Task<> pass_alone(const Command& command);
  void drop_line();
  void reply(std::string_view text);
  void reply_all(std::string_view lines) { out_ += lines; }
  void reply_bad(std::string_view text);
  Task<> flush();
  std::string greeting() const;
  std::string announcement() const;
  std::vector<std::string> mechanisms() const;
  const config::Settings& settings() const { return context_.settings(); }
  uint64_t max_size() const;

  // session_relay.cc
  bool relay_is_well() const;
  Task<> reach_relay();
  Task<> renew_relay();
  Task<> replay();
  Task<> reset_relay();
  Task<Answer> ask_relay(std::string command);
  void drop_relay() { relay_.reset(); }
  Task<> remember_pop_login();
  Task<> claim_pop_login();
  Task<> hand_on_again();
  bool pop_login_holds() const;
  bool may_send() const;
  void describe_client();
  void forget_client();
  Error part(std::string_view text, std::string why);
  Error part_refused(const Error& verdict);

  // session_mail.cc
  void gather();
  void plan(const Command& command);
  void plan_mail(const Command& command);
  void plan_rcpt(const Command& command);
  void plan_data(const Command& command);
  void plan_query(const Command& command);
  std::string objection_to_mail(const Command& command) const;
  void refuse(std::string_view text);
  Task<> exchange();
  Task<> send_and_hear();
  Result<> note(const CommandGroup::Slot& slot, const Reply& reply);
  Result<> note_data(const Reply& reply);

  // session_body.cc
  Task<> take_data();
  Task<> take_bdat(const Command& command);
  Task<> pass_bdat(std::string line, Chunk chunk);
  Task<Answer> hear_verdict(const BodyOutcome& outcome);
  void refuse_rest();
  Answer last_words(std::string_view instead);
  std::string objection_to_chunk(const Chunk& chunk) const;
  BodyRules body_rules() const;
  void note_message(const Answer& answer, uint64_t size);

  // session_auth.cc
  Task<> authenticate(const Command& command);
  std::string objection_to_auth() const;
  std::string objection_to_mechanism(std::string_view mechanism) const;
  Task<> check_here(AuthCommand command);
  Result<> refuse_proof(const Error& error);
  Task<> open_relay_for(proxy::Login& login);
  Task<> leave_relay(const Error& error);
  Task<> pass_auth(AuthCommand command);
  Task<> pass_answers(std::string unnamed, Answer& answer);
  Task<std::string> read_response();
  Task<> conclude_auth(const Answer& answer);
  void note_login();
  Task<> note_failed_login(const Error& error, bool is_for_credentials);

  proxy::Connection& client_;
  proxy::SessionContext& context_;
  proxy::Seats& seats_;
  Shared& shared_;
  proxy::Services& services_;
  proxy::Authenticator authenticator_;
  proxy::LoginRecord record_;

  std::string out_;       // replies that are not written yet
  bool between_ = false;  // neither plain text nor TLS: nothing can be said
  int commands_ = 0;      // since the last message
  int bad_commands_ = 0;
  Totals totals_;

  bool greeted_ = false;  // by EHLO or HELO
  ClientFacts facts_;
  std::optional<RelayConnection> relay_;
  Transaction transaction_;
  CommandGroup group_;
  bool has_quit_ = false;
  bool has_go_ahead_ = false;  // 354
  bool is_over_ = false;       // the relay has said 421
  // Of the group: what will be when the relay says yes to all of it.
  bool expects_mail_ = false;
  size_t expects_recipients_ = 0;

  bool authenticated_ = false;
  bool bound_ = false;     // to this relay: nobody else would know who has logged in
  std::string handed_on_;  // the user whom a relay is told, and another can be
  std::optional<proxy::PopLogin> pop_login_;
  bool pop_asked_ = false;
  bool pop_claimed_ = false;  // the relay has been told of it,
  bool pop_as_user_ = false;  // by an AUTH of ours or the name, which leaves no room for another
  bool is_open_port_ = false;
  int renewals_ = 0;  // of the relay since the last message
};

}  // namespace openmmp::smtp
