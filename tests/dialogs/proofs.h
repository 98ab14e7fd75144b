// What a client must compute to log in without showing its password. Pure. Written down from the
// RFCs, beside workers/sasl, of which it uses the digests only.
#pragma once

#include <string>
#include <string_view>

namespace openmmp::dialogs {

// RFC 1939: the command that answers the challenge of the greeting.
std::string apop_line(std::string_view user, std::string_view password, std::string_view challenge);

// RFC 2195: the line that answers the challenge.
std::string cram_md5_line(std::string_view user, std::string_view password,
                          std::string_view challenge64);

// RFC 5802: the client's final message, and what only a server that knows the password can say to
// it; both in base64. `first` is the client's first message, with its GS2 header; `binding` the
// data of the channel that the header names.
struct ScramProof {
  std::string line;
  std::string verifier;
};
ScramProof scram_proof(std::string_view password, std::string_view first, std::string_view binding,
                       std::string_view challenge64);

}  // namespace openmmp::dialogs
