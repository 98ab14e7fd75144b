// Lists of capabilities, and what a client is told before its store is known. Pure.
#pragma once

#include <list>
#include <string>
#include <string_view>
#include <vector>

namespace openmmp::imap {

// Names in the order of the list they came from, compared without regard to case.
class Capabilities {
 public:
  Capabilities() = default;
  // Skips what is no atom, and everything past a bound: the list may come from anybody.
  static Capabilities parse(std::string_view list);

  bool has(std::string_view name) const;
  void add(std::string_view name);
  void remove(std::string_view name);
  void remove_starting_with(std::string_view prefix);
  void keep_common(const Capabilities& other);
  std::string render() const;

  bool operator==(const Capabilities&) const = default;

 private:
  std::vector<std::string> names_;
};

// What we announce to everybody when the stores (or the operator) offer `base`: without what is
// ours to offer or not, and with what we do ourselves. What depends on the session comes behind it:
// TLS and the mechanisms.
std::string announcement(Capabilities base);

// What of a store's list our login depends on.
struct StoreOffer {
  bool anything = false;  // the list was not empty
  bool login_disabled = false;
  bool auth_plain = false;
  bool auth_xoauth2 = false;
  bool auth_oauthbearer = false;
  bool id = false;
  bool sasl_ir = false;
  bool literal_plus = false;
};

// The lists that the stores of this worker have shown before login. Clients are announced what all
// of them have in common. The owner is the worker; dialects refer to it.
//
// Kept are the distinct lists, not the stores: a site has hundreds of stores, but few versions of
// them, so nearly every login shows a list that is known by its text and need not be parsed. A list
// that no store shows any more is pushed out by newer ones.
class StoreCapabilities {
 public:
  StoreCapabilities() : announcement_(imap::announcement({})) {}

  StoreOffer learn(std::string_view list);
  const std::string& announcement() const { return announcement_; }

 private:
  struct Known {
    Known(std::string_view t, Capabilities l);
    std::string text;
    Capabilities list;
    StoreOffer offer;
  };
  std::list<Known> known_;  // the last seen at the front
  std::string announcement_;
};

}  // namespace openmmp::imap
