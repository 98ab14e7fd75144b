#include "workers/proxy/session_log.h"

namespace openmmp::proxy {

Refusal refusal_for(Stage stage, const Error& error) {
  if (stage == Stage::connect) return Refusal::store_down;
  if (error.code == Errc::refused) return Refusal::credentials;
  if (error.code == Errc::unavailable || stage == Stage::directory) return Refusal::unavailable;
  return Refusal::store_down;
}

void log_login(const SessionContext& context, LoginRecord& record, Millis now) {
  record.since = now;
  context.log.write(LogLevel::notice, context.id, "user {} logged in - client {}, server {}",
                    record.user, context.client.to_string(), record.server);
}

void log_failure(const SessionContext& context, const LoginRecord& record, const Error& error) {
  context.log.write(LogLevel::notice, context.id,
                    "login of user {} failed - client {}, server {}: {}", record.user,
                    context.client.to_string(), record.server.empty() ? "none" : record.server,
                    error.detail);
}

void log_end(const SessionContext& context, const LoginRecord& record, const RelayEnd& end,
             Millis now) {
  context.log.write(
      LogLevel::notice, context.id,
      "session of user {} ended - client {}, server {}, {} bytes in, {} bytes out, {:.3f} s: {}",
      record.user, context.client.to_string(), record.server, end.from_client, end.from_backend,
      std::chrono::duration<double>(now - record.since).count(), end.reason);
}

void log_no_login(const SessionContext& context, const Error& error) {
  context.log.write(LogLevel::info, context.id, "no login - client {}: {}",
                    context.client.to_string(), error.detail);
}

}  // namespace openmmp::proxy
