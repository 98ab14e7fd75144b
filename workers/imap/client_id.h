// What IMAP's ID (RFC 2971) says of a client: to a store the fields by which Dovecot and its kin
// learn from a trusted proxy who the client is, followed by what the client said of itself; from a
// trusted proxy before us the same fields. Pure.
#pragma once

#include <string>

#include "ipc/runtime/result.h"
#include "workers/imap/command.h"
#include "workers/proxy/forwarded_client.h"

namespace openmmp::imap {

// The argument of ID, "NIL" or a list. A field that speaks for a proxy is never taken from `own`,
// which the client made up; nor is a name that is no atom. A value that cannot be quoted becomes
// NIL. What goes beyond 30 fields or a line of 8000 bytes is left out.
std::string forwarded_id(const IdList& own, const proxy::ForwardedClient& facts);

// What a trusted proxy says. Errc::protocol: a value is malformed; the text may be sent to it.
Result<proxy::ForwardedClient> read_forwarded(const IdList& list);

}  // namespace openmmp::imap
