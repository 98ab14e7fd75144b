// What a server keeps of a password for SCRAM-SHA-256: enough to check a proof and to prove itself,
// not enough to log in elsewhere. From the directory, from a clear password, or, for names that do
// not exist, made up. Pure; random bytes and keys come from the caller.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "ipc/runtime/result.h"
#include "ipc/runtime/secret.h"

namespace openmmp::sasl {

// Fewer are forbidden (RFC 7677); for more than these each login would cost the client a second.
inline constexpr int fewest_iterations = 4096;
inline constexpr int most_iterations = 1'000'000;

struct ScramSecret {
  ScramSecret(int i, std::string s, Secret stored, Secret server)
      : iterations(i),
        salt(std::move(s)),
        stored_key(std::move(stored)),
        server_key(std::move(server)) {}
  int iterations;
  std::string salt;   // raw
  Secret stored_key;  // raw, as the next
  Secret server_key;
};

// As directories spell it, the scheme's name in any case, numbers in decimal, the rest in base64:
//   SCRAM-SHA-256$iterations:salt$stored:server     RFC 5803, PostgreSQL
//   {SCRAM-SHA-256}iterations:salt$stored:server    the same in userPassword
//   {SCRAM-SHA-256}iterations,salt,stored,server    Dovecot
// Errc::protocol: anything else, in words that show nothing of it.
Result<ScramSecret> parse_scram_secret(std::string_view value);

// The secret of a clear password. Slow on purpose: run it on a thread. A password that is not ASCII
// is prepared by a part of SASLprep (RFC 4013): all kinds of blanks become U+0020, control
// characters are refused; there is no normalization, so a character with an accent must come from
// the client as the directory has it. Errc::refused: empty, not UTF-8, control characters.
Result<ScramSecret> derive_scram_secret(const Secret& password, std::string_view salt,
                                        int iterations);

// One salt for one name, as long as `key` lives: the one to derive with, because a salt that
// changes from login to login would tell such a name from those with a stored secret. `user` is
// the name as the directory has it, or would have it: after the default domain is added. Letters
// count in lower case.
std::string scram_salt_for(std::string_view user, const Secret& key);

// For a name that does not exist: no proof ever fits it, and until the proof nothing tells it from
// one that does, if `iterations` is what the others have. `key`: random bytes of this process.
// It takes no time. Where the directory has clear passwords, a name that exists waits for a
// derivation, and so must this one: derive from fake_password() instead.
ScramSecret fake_scram_secret(std::string_view user, const Secret& key,
                              int iterations = fewest_iterations);

Secret fake_password(std::string_view user, const Secret& key);

}  // namespace openmmp::sasl
