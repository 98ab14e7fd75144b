#include "workers/imap/capability.h"

#include <algorithm>
#include <utility>

#include "ipc/runtime/text.h"
#include "workers/imap/syntax.h"

namespace openmmp::imap {
namespace {

constexpr size_t max_names = 128;
constexpr size_t max_name = 64;
constexpr size_t max_lists = 16;

}  // namespace

Capabilities Capabilities::parse(std::string_view list) {
  Capabilities result;
  while (!list.empty()) {
    const std::string_view word = list.substr(0, list.find(' '));
    list.remove_prefix(std::min(list.size(), word.size() + 1));
    if (word.size() <= max_name && is_atom(word)) result.add(word);
    if (result.names_.size() == max_names) break;
  }
  return result;
}

bool Capabilities::has(std::string_view name) const {
  return std::any_of(names_.begin(), names_.end(),
                     [&](const std::string& own) { return equals_ignoring_case(own, name); });
}

void Capabilities::add(std::string_view name) {
  if (!has(name)) names_.emplace_back(name);
}

void Capabilities::remove(std::string_view name) {
  std::erase_if(names_, [&](const std::string& own) { return equals_ignoring_case(own, name); });
}

void Capabilities::remove_starting_with(std::string_view prefix) {
  std::erase_if(names_, [&](const std::string& own) {
    return equals_ignoring_case(std::string_view(own).substr(0, prefix.size()), prefix);
  });
}

void Capabilities::keep_common(const Capabilities& other) {
  std::erase_if(names_, [&](const std::string& own) { return !other.has(own); });
}

std::string Capabilities::render() const {
  std::string text;
  for (const std::string& name : names_) {
    if (!text.empty()) text += ' ';
    text += name;
  }
  return text;
}

std::string announcement(Capabilities base) {
  // Ours to offer or not; and LITERAL- must not stand beside LITERAL+ (RFC 7888).
  for (const char* name : {"STARTTLS", "LOGINDISABLED", "LOGIN-REFERRALS", "LITERAL-"}) {
    base.remove(name);
  }
  base.remove_starting_with("AUTH=");
  Capabilities result;
  if (!base.has("IMAP4rev1")) result.add("IMAP4rev1");
  const std::string list = result.render() + ' ' + base.render();
  result = Capabilities::parse(list);
  for (const char* name : {"LITERAL+", "SASL-IR", "ID"}) result.add(name);
  return result.render();
}

StoreCapabilities::Known::Known(std::string_view t, Capabilities l) : text(t), list(std::move(l)) {
  offer.anything = list != Capabilities();
  offer.login_disabled = list.has("LOGINDISABLED");
  offer.auth_plain = list.has("AUTH=PLAIN");
  offer.auth_xoauth2 = list.has("AUTH=XOAUTH2");
  offer.auth_oauthbearer = list.has("AUTH=OAUTHBEARER");
  offer.id = list.has("ID");
  offer.sasl_ir = list.has("SASL-IR");
  offer.literal_plus = list.has("LITERAL+");
}

StoreOffer StoreCapabilities::learn(std::string_view list) {
  const auto known = std::find_if(known_.begin(), known_.end(),
                                  [list](const Known& entry) { return entry.text == list; });
  if (known != known_.end()) {
    known_.splice(known_.begin(), known_, known);
    return known->offer;
  }
  known_.emplace_front(list, Capabilities::parse(list));
  if (known_.size() > max_lists) known_.pop_back();
  Capabilities common = known_.front().list;
  for (const Known& other : known_) common.keep_common(other.list);
  announcement_ = imap::announcement(std::move(common));
  return known_.front().offer;
}

}  // namespace openmmp::imap
