// The socket calls we use, as functions that own what they return.
#pragma once

#include <optional>

#include "ipc/runtime/address.h"
#include "ipc/runtime/result.h"
#include "ipc/runtime/unique_fd.h"

namespace openmmp {

// Bound and listening, non-blocking, close-on-exec, SO_REUSEADDR; IPv6 sockets are v6-only, so that
// "[::]:143" and "0.0.0.0:143" can stand side by side. TCP_NODELAY and SO_KEEPALIVE are set here
// because accepted sockets inherit them. Errc::refused names the address and the reason.
Result<UniqueFd> listen_tcp(const SocketAddress& address);

// Non-blocking, close-on-exec. Errc::unavailable: nothing there to accept, or the connection died
// in the queue; Errc::limit: out of descriptors or memory, stop accepting for a while.
Result<UniqueFd> accept_tcp(int listener, SocketAddress& peer);

// Starts to connect: the socket is writable when it is done; a read says what went wrong. From
// `source`, if there is one, an address of the same family; its port 0 is shared by as many
// connections as differ in the other end (IP_BIND_ADDRESS_NO_PORT).
Result<UniqueFd> start_connect(const SocketAddress& address,
                               const std::optional<SocketAddress>& source = std::nullopt);

// The local end of a connected or bound socket, and the other one of a connected socket.
SocketAddress local_address(int fd);
SocketAddress peer_address(int fd);

}  // namespace openmmp
