// Seals and opens session tickets with the keys that all workers of a service share. OpenSSL calls
// these with the cipher and MAC contexts of one ticket. For server_context.cc.
#pragma once

#include "ipc/tls/openssl.h"
#include "ipc/tls/ticket_keys.h"

struct evp_cipher_ctx_st;
struct evp_mac_ctx_st;

namespace openmmp::tls {

class Tickets {
 public:
  Tickets();

  void set_keys(TicketKeys keys) { keys_ = std::move(keys); }
  bool empty() const { return keys_.empty(); }

  // The results are what OpenSSL wants of a ticket callback. Writes 16 bytes of key name and as
  // many of `iv`; 0: no ticket.
  int seal(unsigned char* name, unsigned char* iv, evp_cipher_ctx_st* cipher,
           evp_mac_ctx_st* mac) const;
  // 0: of no key that we have; 1: good; 2: good, and to be replaced by a new one.
  int open(const unsigned char* name, const unsigned char* iv, evp_cipher_ctx_st* cipher,
           evp_mac_ctx_st* mac) const;

 private:
  Owned<evp_cipher_st> aes_;  // looked up once, not for every ticket
  TicketKeys keys_;
};

}  // namespace openmmp::tls
