#include "workers/proxy/remembered_login.h"

#include <utility>

namespace openmmp::proxy {

namespace {

// A mechanism that was gone through here, and a certificate, are checked before PreAuth is asked.
bool is_pre_authenticated(const Login& login, const LoginRecord& record,
                          const SessionContext& context) {
  const bool is_proved = login.proof == Proof::checked || login.proof == Proof::certificate;
  return record.pre_authenticated || (is_proved && context.settings().pre_auth);
}

}  // namespace

void remember_login(const Login& login, const LoginRecord& record, const SessionContext& context,
                    Services& services) {
  if (!login.actor.empty() || !is_pre_authenticated(login, record, context)) return;
  PopLogin remembered;
  remembered.address = context.client.ip();
  remembered.user = record.user;
  remembered.at = services.loop.now();
  remembered.expires = remembered.at + Seconds(context.settings().auth_service_ttl);
  services.shared.record_login(std::move(remembered));
}

}  // namespace openmmp::proxy
