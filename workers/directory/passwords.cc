#include "workers/directory/passwords.h"

#include <algorithm>

#include "ipc/runtime/offload.h"
#include "workers/directory/dn.h"
#include "workers/sasl/password_hash.h"

namespace openmmp::directory {

namespace {

// An entry has one key however a server spells its DN. The user belongs to it: what is forgotten
// with his entry is his.
std::string key_of(const std::string& dn, const std::string& user) {
  const Result<Dn> parsed = Dn::parse(dn);
  return (parsed ? parsed->to_string() : dn) + '\0' + user;
}

// Whether any of the values accepts the password. One that cannot be used matters only when no
// other can.
Result<> verify_any(const std::vector<Secret>& stored, const Secret& password) {
  Error why(Errc::refused, "the entry has no password");
  bool compared = false;
  for (const Secret& value : stored) {
    const Result<bool> right = sasl::verify_password(value.reveal(), password);
    if (right && *right) return {};
    compared = compared || right.has_value();
    if (!right) why = right.error();
  }
  if (compared) return fail(Errc::refused, "the password is wrong");
  return fail(why);
}

// Files may have entries without an object class, so (objectClass=*) would not do.
std::string any_of(const std::vector<std::string>& attributes) {
  std::string filter;
  for (const std::string& name : attributes) filter += "(" + name + "=*)";
  return "(|" + filter + ")";
}

}  // namespace

Task<> Passwords::check(std::string dn, std::string user, Secret password, Steps* steps) {
  const std::string key = key_of(dn, user);
  if (cache_.knows(key, password, loop_.now())) {
    note(steps, "password", "right, as remembered");
    co_return;
  }
  Secret copy = Secret::copy_of(password.reveal());
  auto checking = source_.embedded() != nullptr ? compare(std::move(dn), std::move(copy))
                                                : source_.bind(std::move(dn), std::move(copy));
  const Result<> checked = co_await attempt(std::move(checking));
  if (!checked) co_await ended(steps, checked.error());
  cache_.insert(key, password, loop_.now());
  note(steps, "password", "right");
}

void Passwords::forget(const std::string& dn, const std::string& user) {
  if (cache_.size() != 0) cache_.forget(key_of(dn, user));
}

Task<> Passwords::compare(std::string dn, Secret password) {
  if (attributes_.empty()) co_await fail(Errc::refused, "PasswordAttrs is empty");
  SearchRequest request(std::move(dn), any_of(attributes_), attributes_);
  request.scope = Scope::base;
  request.is_secret = true;
  SearchAnswer answer = co_await source_.search(std::move(request));
  const bool is_slow =
      std::any_of(answer.secrets.begin(), answer.secrets.end(),
                  [](const Secret& value) { return sasl::is_slow(value.reveal()); });
  if (!is_slow) {
    co_await verify_any(answer.secrets, password);
    co_return;
  }
  auto work = [stored = std::move(answer.secrets), password = std::move(password)] {
    return verify_any(stored, password);
  };
  auto verifying = offload(loop_, std::move(work));
  const Result<> verified = co_await verifying;
  co_await verified;
}

}  // namespace openmmp::directory
