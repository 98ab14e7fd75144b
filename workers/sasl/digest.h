// The digests that the mechanisms are made of, by OpenSSL, and the comparison that goes with them.
// Bytes go in and come out as strings. Pure. A result that is itself a key belongs in a Secret; no
// function here leaves a copy of one behind.
#pragma once

#include <string>
#include <string_view>

#include "ipc/runtime/result.h"

namespace openmmp::sasl {

inline constexpr size_t sha256_size = 32;

std::string sha256(std::string_view bytes);
std::string hmac_sha256(std::string_view key, std::string_view bytes);
// Slow on purpose, half a second for a million iterations: run it on a thread.
std::string pbkdf2_sha256(std::string_view password, std::string_view salt, int iterations);

// Of stored passwords only.
std::string sha1(std::string_view bytes);
std::string sha512(std::string_view bytes);

// Errc::unavailable where the host's policy forbids MD5 (FIPS).
Result<std::string> md5(std::string_view bytes);
Result<std::string> hmac_md5(std::string_view key, std::string_view bytes);

// Lower case.
std::string hex(std::string_view bytes);

// In a time that depends on the lengths only.
bool equals_in_constant_time(std::string_view a, std::string_view b);

}  // namespace openmmp::sasl
