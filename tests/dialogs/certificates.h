// The certificates that those on a stage show each other, by name, made when the first dialog needs
// them. They live until the process ends, as do the contexts.
//   proxy      what the service shows to clients, for mail.example.com
//   store      of a store that is who it should be
//   renamed, expired, stranger   the same for another name, of last year, of an unknown authority
//   joe, admin, nobody           of clients: UID and O of an entry, or of none
//   two, nameless                of clients: two UIDs that differ, no subject at all
#pragma once

#include <string>

#include "ipc/tls/certificate.h"
#include "ipc/tls/client_context.h"
#include "ipc/tls/server_context.h"

namespace openmmp::dialogs {

// PEM of who has issued them, but for "stranger".
std::string authority_pem();
tls::CertificateText certificate_text(const std::string& name);
// SHA-256 of the certificate in hexadecimal.
std::string fingerprint(const std::string& name);

// For a store that shows the certificate, and for a client that does, or, with "", shows none.
const tls::ServerContext& store_context(const std::string& name);
const tls::ClientContext& client_context(const std::string& name);

}  // namespace openmmp::dialogs
