// The header that begins the first message of SCRAM (RFC 5802 section 7) and OAUTHBEARER (RFC 7628
// section 3.1): what the client thinks of channel binding, and whom to act for. Pure.
#pragma once

#include <string>
#include <string_view>

#include "ipc/runtime/result.h"

namespace openmmp::sasl {

struct Gs2Header {
  enum class Binding {
    none,         // "n": the client cannot bind
    not_offered,  // "y": it can, but believes that the server cannot
    used,         // "p=": this message is bound to the TLS session
  };
  Binding binding = Binding::none;
  std::string binding_type;  // of `used`: "tls-exporter"
  std::string authzid;       // decoded; empty: none
  std::string text;          // verbatim, with its last comma
};

// Cuts the header off `message`. Errc::protocol: there is none; Errc::refused: check_name().
Result<Gs2Header> take_gs2_header(std::string_view& message);

// A name in such messages has "=2C" for a comma and "=3D" for an equals sign.
Result<std::string> decode_saslname(std::string_view text);
std::string encode_saslname(std::string_view name);

}  // namespace openmmp::sasl
