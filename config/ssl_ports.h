// The SSLPorts option, [IP:]PORT|[IP:]PORT...: which listeners of a service speak TLS at once. A
// port alone is that port on every address. Pure.
#pragma once

#include <string_view>
#include <vector>

#include "ipc/runtime/address.h"
#include "ipc/runtime/result.h"

namespace openmmp::config {

// Errc::protocol says which part is none. Nothing in an empty text.
Result<std::vector<HostPort>> parse_ssl_ports(std::string_view text);

// Whether a connection to this local address is one of TLS.
bool is_ssl_port(const std::vector<HostPort>& ports, const SocketAddress& local);

}  // namespace openmmp::config
