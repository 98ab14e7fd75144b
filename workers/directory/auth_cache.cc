#include "workers/directory/auth_cache.h"

#include "ipc/runtime/random.h"
#include "workers/sasl/digest.h"

namespace openmmp::directory {

AuthCache::AuthCache(size_t capacity, Time time_to_live)
    : secret_(random_bytes(sasl::sha256_size)), verifiers_(capacity, time_to_live) {}

std::string AuthCache::verifier(std::string_view key, const Secret& password) const {
  // The key is a part of it, with its length before it: a mistake elsewhere that mixes keys up
  // still lets nobody in.
  const std::string length = std::to_string(key.size()) + ":";
  const size_t size = length.size() + key.size() + password.reveal().size();
  std::string text;
  text.reserve(secret_.reveal().size() + size);  // so that one wipe does
  text.append(secret_.reveal()).append(length).append(key).append(password.reveal());
  std::string result = sasl::sha256(text);
  wipe(text);
  return result;
}

bool AuthCache::knows(std::string_view key, const Secret& password, Time now) {
  const std::string* known = verifiers_.find(key, now);
  return known != nullptr && sasl::equals_in_constant_time(*known, verifier(key, password));
}

void AuthCache::insert(std::string_view key, const Secret& password, Time now) {
  verifiers_.insert(std::string(key), verifier(key, password), now);
}

void AuthCache::forget(std::string_view key) { verifiers_.forget(key); }

}  // namespace openmmp::directory
