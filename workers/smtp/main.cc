#include <unistd.h>

#include <optional>
#include <utility>

#include "workers/proxy/worker.h"
#include "workers/smtp/smtp_session.h"

int main() {
  using namespace openmmp;
  std::optional<smtp::Shared> shared;
  auto make_session = [&shared](proxy::Connection client, proxy::SessionContext& context,
                                proxy::Services& services) {
    // The process number is as good as any to spread the workers over the relays.
    if (!shared) shared.emplace(services, static_cast<size_t>(::getpid()));
    return smtp::smtp_session(std::move(client), context, *shared, services);
  };
  return proxy::run_worker({proxy::Stores::Protocol(25, "smtp", true), make_session, {}});
}
