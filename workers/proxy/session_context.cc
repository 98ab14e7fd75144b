#include "workers/proxy/session_context.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "ipc/runtime/socket.h"
#include "workers/proxy/connection.h"

namespace openmmp::proxy {

bool SessionContext::debugs(std::string_view key) const {
  const config::Words& keys = settings().debug_keys;
  return log.wants(LogLevel::debug) || std::find(keys.begin(), keys.end(), key) != keys.end();
}

Result<> believe(SessionContext& context, ForwardedClient said) {
  if (said.ttl && *said.ttl <= 1) {
    context.in_loop = true;
    return fail(Errc::refused, "too many proxies, they seem to form a loop");
  }
  if (said.client) {
    context.log.write(LogLevel::info, context.id, "client {} says it is here for {}{}{}",
                      context.client_name, said.client->to_string(),
                      said.session_id.empty() ? "" : ", session ", said.session_id);
    context.client = *said.client;
    context.client_name = context.client.to_string();
  }
  context.forwarded = std::make_unique<ForwardedClient>(std::move(said));
  return {};
}

SocketAddress local_of(const Connection& client, const SessionContext& context) {
  const ForwardedClient* said = context.forwarded.get();
  if (said != nullptr && said->local) return *said->local;
  const SocketAddress* listener = context.listener;
  return listener != nullptr && !listener->is_any() ? *listener : local_address(client.fd());
}

bool is_private(const Connection& client, const SessionContext& context) {
  return client.tls() != nullptr || (context.forwarded && context.forwarded->tls.value_or(false));
}

ForwardedClient introduce_client(const Connection& client, const SessionContext& context) {
  ForwardedClient facts;
  const ForwardedClient* said = context.forwarded.get();
  facts.client = context.client;
  facts.local = local_of(client, context);
  // As our own log has it: the number in brackets, and the id.
  facts.session_id = said != nullptr && !said->session_id.empty()
                         ? said->session_id
                         : fmt::format("{}.{}", ::getpid(), context.id);
  const auto hops = static_cast<unsigned>(context.settings().max_proxy_hops);
  facts.ttl = std::min(said != nullptr && said->ttl ? *said->ttl - 1 : hops, hops);
  facts.tls = is_private(client, context);
  return facts;
}

}  // namespace openmmp::proxy
