#include "config/ssl_ports.h"

#include <fmt/format.h>

#include <algorithm>

#include "config/service_list.h"

namespace openmmp::config {

Result<std::vector<HostPort>> parse_ssl_ports(std::string_view text) {
  std::vector<HostPort> ports;
  while (!text.empty()) {
    const size_t bar = std::min(text.find('|'), text.size());
    Result<HostPort> port = parse_listener(text.substr(0, bar));
    if (!port) return fail(std::move(port.error()));
    if (!port->host.empty()) {
      const auto address = SocketAddress::parse(port->host, port->port);
      if (!address) {
        return fail(Errc::protocol,
                    fmt::format("'{}' is no address; accepted: [IP:]PORT", port->host));
      }
      port->host = address->ip();
    }
    ports.push_back(std::move(*port));
    text.remove_prefix(bar);
    if (text == "|") return fail(Errc::protocol, "nothing behind '|'; accepted: [IP:]PORT");
    text.remove_prefix(std::min<size_t>(1, text.size()));
  }
  return ports;
}

bool is_ssl_port(const std::vector<HostPort>& ports, const SocketAddress& local) {
  return std::any_of(ports.begin(), ports.end(), [&](const HostPort& port) {
    return port.port == local.port() && (port.host.empty() || port.host == local.ip());
  });
}

}  // namespace openmmp::config
