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

enum class Stage { directory, connect, login };

// How far the last login attempt of a session got, and with whom.
struct LoginRecord {
  void begin(const std::string& typed) {
    stage = Stage::directory;
    user = typed;
    server.clear();
  }
  Stage stage = Stage::directory;
  std::string user;    // as typed, then as the directory knows it
  std::string server;  // host:port, once one has been chosen
  Millis since{0};     // when the relay began, on the loop's clock
};

// What the client may know of an attempt that failed like this.
Refusal refusal_for(Stage stage, const Error& error);

void log_login(const SessionContext& context, LoginRecord& record, Millis now);
void log_failure(const SessionContext& context, const LoginRecord& record, const Error& error);
void log_end(const SessionContext& context, const LoginRecord& record, const RelayEnd& end,
             Millis now);
// A login that was refused before the directory was asked.
void log_refused(const SessionContext& context, const Error& error);
// TLS with the client, and why there is none.
void log_tls(const SessionContext& context, const tls::Stream& stream);
void log_tls_failure(const SessionContext& context, const Error& error);
// A session that ended before anybody was logged in.
void log_no_login(const SessionContext& context, const Error& error);

// `text`, or its first `most` bytes and "...": what a peer can make us write has an end.
std::string excerpt(std::string_view text, size_t most);

}  // namespace openmmp::proxy
