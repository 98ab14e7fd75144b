#include "workers/proxy/login_policy.h"

#include <fmt/format.h>

namespace openmmp::proxy {

namespace {

PolicyQuestion question_for(const Login& login, const Connection& client,
                            const SessionContext& context, const Services& services) {
  PolicyQuestion question;
  question.login = context.directory().canonical_name(login.user);
  question.remote = context.client.ip();
  if (login.proof == Proof::password) {
    question.pwhash = services.policy.pwhash_of(question.login, login.password);
  }
  question.tls = is_private(client, context);
  question.protocol = services.protocol.name;
  if (question.tls) question.protocol += 's';
  return question;
}

}  // namespace

Task<> ask_policy(const Login& login, const Connection& client, const SessionContext& context,
                  Services& services) {
  PolicyQuestion question = question_for(login, client, context, services);
  const PolicyVerdict verdict = co_await services.policy.allow(question);
  if (!verdict.allow) {
    services.policy.report(std::move(question), false, true);
    co_await fail(Errc::refused,
                  fmt::format("PolicyServer does not allow it: {}", verdict.message));
  }
  Sleep hold(services.loop, verdict.delay);
  co_await hold;
}

void report_login(const Login& login, const Connection& client, const SessionContext& context,
                  Services& services, bool success) {
  services.policy.report(question_for(login, client, context, services), success, false);
}

}  // namespace openmmp::proxy
