#include "workers/proxy/session_set.h"

#include "workers/proxy/relay.h"

namespace openmmp::proxy {

Task<> SessionSet::run(Connection client, SessionContext context) {
  Member member(std::move(context));
  members_.push_back(member);
  co_await protocol_(std::move(client), member.context);
}

void SessionSet::start(Connection client, SessionContext context) {
  tasks_.start(run(std::move(client), std::move(context)));
}

void SessionSet::interrupt_all() {
  members_.for_each([](Member& member) {
    if (member.context.relaying != nullptr) {
      member.context.relaying->interrupt("server is going down");
    } else if (member.context.talking != nullptr) {
      member.context.talking->interrupt(Error(Errc::draining, "server is going down"));
    }
  });
}

}  // namespace openmmp::proxy
