// How a Stage is told which protocol to play.
#pragma once

#include <memory>
#include <optional>

#include "tests/dialogs/stage.h"
#include "workers/proxy/proxy_session.h"
#include "workers/smtp/smtp_session.h"

namespace openmmp::dialogs {

template <class D>
MakeSession session_of() {
  // Shared by the sessions of one worker; here there is one session.
  auto shared = std::make_shared<typename D::Shared>();
  return [shared](proxy::Connection client, proxy::SessionContext& context,
                  proxy::Services& services) {
    return proxy::proxy_session<D>(std::move(client), context, *shared, services);
  };
}

// Submission has no dialect.
inline MakeSession smtp_session() {
  auto shared = std::make_shared<std::optional<smtp::Shared>>();
  return [shared](proxy::Connection client, proxy::SessionContext& context,
                  proxy::Services& services) {
    if (!*shared) shared->emplace(services, 0);
    return smtp::smtp_session(std::move(client), context, **shared, services);
  };
}

}  // namespace openmmp::dialogs
