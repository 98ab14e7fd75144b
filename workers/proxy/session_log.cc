#include "workers/proxy/session_log.h"

namespace openmmp::proxy {
namespace {

constexpr size_t max_name = 256;
constexpr size_t max_reason = 512;

std::string name_in_log(std::string_view name) { return excerpt(name, max_name); }
std::string reason_in_log(const Error& error) { return excerpt(error.detail, max_reason); }

}  // namespace

Refusal refusal_for(Stage stage, const Error& error) {
  if (stage == Stage::connect) return Refusal::store_down;
  if (error.code == Errc::refused) return Refusal::credentials;
  if (stage == Stage::directory) return Refusal::unavailable;
  if (error.code == Errc::limit && stage == Stage::seat) return Refusal::too_many;
  const bool is_held = error.code == Errc::unavailable || stage == Stage::permission;
  return is_held ? Refusal::held : Refusal::store_down;
}

void log_steps(const SessionContext& context, const directory::Steps& steps) {
  for (const directory::Step& step : steps) {
    log_detail(context, "look-up: {}: {}", step.what, excerpt(step.value, max_reason));
  }
}

void log_pre_authenticated(const SessionContext& context, const LoginRecord& record,
                           const SocketAddress& local) {
  context.log.write_compiled(LogLevel::notice, context.id,
                             FMT_COMPILE("user {} pre-authenticated - client {}, server {}"),
                             name_in_log(record.user), context.client.ip(), local.ip());
}

void log_login(const SessionContext& context, LoginRecord& record, Millis now) {
  record.since = now;
  context.log.write_compiled(
      LogLevel::notice, context.id, FMT_COMPILE("user {} logged in - client {}, server {}"),
      name_in_log(record.user), context.client_name, name_in_log(record.server));
}

void log_failure(const SessionContext& context, const LoginRecord& record, const Error& error) {
  context.log.write(
      LogLevel::notice, context.id, "login of user {} failed - client {}, server {}: {}",
      name_in_log(record.user), context.client_name,
      record.server.empty() ? "none" : name_in_log(record.server), reason_in_log(error));
}

void log_end(const SessionContext& context, const LoginRecord& record, const RelayEnd& end,
             Millis now) {
  context.log.write_compiled(
      LogLevel::notice, context.id,
      FMT_COMPILE("session of user {} ended - client {}, server {}, {} bytes in, {} "
                  "bytes out, {:.3f} s: {}"),
      name_in_log(record.user), context.client_name, name_in_log(record.server), end.from_client,
      end.from_backend, std::chrono::duration<double>(now - record.since).count(), end.reason);
}

void log_refused(const SessionContext& context, const Error& error) {
  context.log.write(LogLevel::notice, context.id, "login failed - client {}: {}",
                    context.client_name, reason_in_log(error));
}

void log_tls(const SessionContext& context, const tls::Stream& stream) {
  const bool is_wanted = context.log.wants(LogLevel::info);
  if (!is_wanted && !context.debugs("tls")) return;
  const tls::Facts facts = stream.facts();
  context.log.write_always(
      is_wanted ? LogLevel::info : LogLevel::debug, context.id, "TLS with client {}: {} {}{}{}{}",
      context.client_name, facts.version, facts.cipher, facts.resumed ? ", resumed" : "",
      facts.server_name.empty() ? "" : ", server name ", excerpt(facts.server_name, max_name));
}

// A client that changes its mind during the handshake is no event; the rest may be an attack, or a
// certificate that clients do not like.
void log_tls_failure(const SessionContext& context, const Error& error) {
  const LogLevel level = error.code == Errc::protocol ? LogLevel::warning : LogLevel::info;
  context.log.write(level, context.id, "SSL negotiation failed for IP {}: {}", context.client.ip(),
                    reason_in_log(error));
}

// In clear, where TLS comes first, it would be no word that the client understands.
bool is_for_client(const Error& error, const SessionContext& context) {
  return error.code == Errc::limit && !context.tls_at_connect;
}

void log_no_login(const SessionContext& context, const Error& error) {
  context.log.write(LogLevel::info, context.id, "no login - client {}: {}", context.client_name,
                    reason_in_log(error));
}

std::string excerpt(std::string_view text, size_t most) {
  if (text.size() <= most) return std::string(text);
  // Not in the middle of a UTF-8 sequence.
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xC0) == 0x80) --most;
  return std::string(text.substr(0, most)) + "...";
}

}  // namespace openmmp::proxy
