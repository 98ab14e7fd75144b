#include "workers/state/state_reply.h"

#include <fmt/format.h>

#include <algorithm>

#include "ipc/runtime/address.h"
#include "ipc/runtime/text.h"
#include "workers/proxy/state_messages.h"

namespace openmmp::state {

namespace {

Result<HostPort> parse_name(const std::string& name, const char* what) {
  const bool plain = std::none_of(name.begin(), name.end(), is_control);
  const Result<HostPort> parsed = plain ? parse_host_port(name) : fail(Errc::protocol);
  if (parsed && !parsed->host.empty() && name.size() <= proxy::max_store_name) return *parsed;
  return fail(Errc::protocol, fmt::format("'{}' is no {}: expected HOST or HOST:PORT",
                                          one_line(name.substr(0, proxy::max_store_name)), what));
}

}  // namespace

void refuse(proto::StateReply& reply, std::string reason) {
  reply.set_ok(false);
  reply.set_message(std::move(reason));
}

uint64_t seconds(Millis time) {
  return static_cast<uint64_t>(std::max(time, Millis(0)).count() / 1000);
}

Result<std::vector<std::string>> names_meant(const std::string& name, const char* what,
                                             const std::vector<std::string>& known) {
  const Result<HostPort> wanted = parse_name(name, what);
  if (!wanted) return fail(wanted.error());
  std::vector<std::string> meant;
  for (const std::string& item : known) {
    const auto there = parse_host_port(item);
    if (there && equals_ignoring_case(there->host, wanted->host) &&
        (wanted->port == 0 || wanted->port == there->port)) {
      meant.push_back(item);
    }
  }
  if (!meant.empty()) return meant;
  if (wanted->port != 0) return std::vector<std::string>{wanted->to_string()};
  return fail(Errc::protocol,
              fmt::format("no {} {} has been used yet: say {}:PORT", what, name, name));
}

}  // namespace openmmp::state
