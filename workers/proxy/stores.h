// How to talk to which store: what the options say, and what StoreFile says of some. Made once for
// a worker; sessions refer to it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "config/certificates.h"
#include "config/config.h"
#include "ipc/runtime/address.h"
#include "ipc/runtime/log.h"
#include "ipc/runtime/loop.h"
#include "ipc/tls/client_context.h"

namespace openmmp::proxy {

enum class StoreTls { none, at_connect, after_greeting };

// How a store learns who the client is (ForwardClient).
struct Forwarding {
  bool if_announced = false;  // in the protocol's own way, when the store says that it knows it
  bool in_protocol = false;   // IMAP's ID, POP3's XCLIENT, whatever the store says
  int proxy_version = 0;      // of a PROXY header; 0: none
};

// How an SMTP relay learns who the client is (TellRelay), and who has logged in (RelayLogin).
struct RelayManners {
  std::string tell;
  std::string login;
  bool password_in_clear = false;  // SmtpProxyPassword
};

class Store {
 public:
  uint16_t port = 0;  // when the directory names none
  StoreTls tls = StoreTls::none;
  Forwarding forwarding;
  RelayManners relay;
  Millis connect_timeout{0};
  Millis login_timeout{0};

  // Nothing comes before the store's greeting.
  bool is_plain() const { return tls != StoreTls::at_connect && forwarding.proxy_version == 0; }
  // Towards the store, as `host` (its name in the directory). Only with tls.
  tls::Stream start_tls(const HostPort& host) const { return context_->connect(host); }
  // Where to connect from, in turn; nothing: anywhere.
  std::optional<SocketAddress> next_source(int family) const;

 private:
  friend class Stores;
  std::unique_ptr<tls::ClientContext> context_;
  std::vector<SocketAddress> sources_;
  mutable size_t next_source_ = 0;
};

class Stores {
 public:
  // The port of a store when nothing names one, and what ALPN calls the protocol.
  struct Protocol {
    Protocol(uint16_t p, const char* n, bool are_relays = false)
        : port(p), name(n), relays(are_relays) {}
    uint16_t port;
    const char* name;
    bool relays;  // FailoverTimeout and TellRelay are for these, ConnectTimeout is not
  };
  // Errc::refused says what is wrong with a certificate or an authority.
  static Result<Stores> create(const config::Pairs& pairs, std::vector<config::StoreGroup> groups,
                               std::span<const config::FileText> files, Protocol protocol,
                               Log& log);

  const Store& find(const HostPort& host) const;

 private:
  std::vector<config::StoreGroup> groups_;
  std::vector<std::unique_ptr<Store>> of_group_;  // in the order of groups_
  std::unique_ptr<Store> of_others_;
};

}  // namespace openmmp::proxy
