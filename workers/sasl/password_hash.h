// Whether a password is the one that a directory keeps, whichever way it keeps it: clear, hashed as
// OpenLDAP, Directory Server and Dovecot spell it, by crypt(3), or as a SCRAM secret. Pure.
#pragma once

#include <string_view>

#include "ipc/runtime/result.h"
#include "ipc/runtime/secret.h"

namespace openmmp::sasl {

// `stored` is a value of userPassword: clear text, or one of
//   {CLEAR} {CLEARTEXT} {PLAIN}                    the password itself
//   {SHA} {SHA256} {SHA512} {MD5}                  base64 of its digest
//   {SSHA} {SSHA256} {SSHA512} {SMD5}              base64 of a digest and the salt behind it
//   {CRYPT}, {SHA512-CRYPT} and its like           crypt(3): DES, $1$, $2a$ $2b$ $2y$, $5$, $6$,
//   $y$ {SCRAM-SHA-256}, SCRAM-SHA-256$                see scram_secret.h
// Errc::unavailable: a scheme that is none of these, that this host does not have, or a value that
// is malformed or would take longer than anybody waits. `detail` names the scheme alone. An empty
// password is wrong, whatever is stored.
Result<bool> verify_password(std::string_view stored, const Secret& password);

// Takes milliseconds or more, on purpose: run verify_password() on a thread.
bool is_slow(std::string_view stored);

}  // namespace openmmp::sasl
