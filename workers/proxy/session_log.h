// What the log says of sessions: one line for each login, each failed login and each end.
#pragma once

#include <string>
#include <string_view>

#include "ipc/runtime/loop.h"
#include "ipc/tls/stream.h"
#include "workers/proxy/login.h"
#include "workers/proxy/relay.h"
#include "workers/proxy/session_context.h"

namespace openmmp::proxy {

enum class Stage { policy, directory, permission, connect, login, seat };

// How far the last login attempt of a session got, and with whom.
struct LoginRecord {
  void begin(const std::string& typed) {
    stage = Stage::policy;
    user = typed;
    server.clear();
    ++attempt;
    pre_authenticated = false;
  }
  Stage stage = Stage::policy;
  int attempt = 0;                 // of this session
  bool pre_authenticated = false;  // the password was checked here, and is right
  bool last = false;               // no further attempt is wanted
  std::string user;                // as typed, then as the directory knows it
  std::string server;              // host:port, once one has been chosen
  Millis since{0};                 // when the relay began, on the loop's clock
};

// What the client may know of an attempt that failed like this.
Refusal refusal_for(Stage stage, const Error& error);

// A line for context.debugs().
template <class... Args>
void log_detail(const SessionContext& context, fmt::format_string<Args...> format, Args&&... args) {
  context.log.write_always(LogLevel::debug, context.id, format, std::forward<Args>(args)...);
}
// How a name became a store.
void log_steps(const SessionContext& context, const directory::Steps& steps);

// The password is right, says who was asked before the store.
void log_pre_authenticated(const SessionContext& context, const LoginRecord& record,
                           const SocketAddress& local);
void log_login(const SessionContext& context, LoginRecord& record, Millis now);
void log_failure(const SessionContext& context, const LoginRecord& record, const Error& error);
void log_end(const SessionContext& context, const LoginRecord& record, const RelayEnd& end,
             Millis now);
// A login that was refused before the directory was asked.
void log_refused(const SessionContext& context, const Error& error);
// TLS with the client, and why there is none.
void log_tls(const SessionContext& context, const tls::Stream& stream);
void log_tls_failure(const SessionContext& context, const Error& error);
// Whether a client may hear why it was not let in.
bool is_for_client(const Error& error, const SessionContext& context);
// A session that ended before anybody was logged in.
void log_no_login(const SessionContext& context, const Error& error);

// `text`, or its first `most` bytes and "...": what a peer can make us write has an end.
std::string excerpt(std::string_view text, size_t most);

}  // namespace openmmp::proxy
