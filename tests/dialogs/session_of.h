// How a Stage is told which protocol to play.
#pragma once

#include <memory>

#include "tests/dialogs/stage.h"
#include "workers/proxy/proxy_session.h"

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

}  // namespace openmmp::dialogs
