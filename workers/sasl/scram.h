// SCRAM-SHA-256 and SCRAM-SHA-256-PLUS (RFC 5802, RFC 7677), the server's side. One object for one
// attempt, its steps called in this order; after a failed one it is over. Pure: between
// take_first() and challenge() the caller asks the directory.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/runtime/result.h"
#include "workers/sasl/mechanism.h"
#include "workers/sasl/scram_message.h"
#include "workers/sasl/scram_secret.h"

namespace openmmp::sasl {

// One way to name the TLS session of the client, the data as raw bytes: RFC 5929 and RFC 9266.
struct ChannelBinding {
  std::string type;
  std::string data;
};
inline constexpr std::string_view tls_exporter = "tls-exporter";
inline constexpr std::string_view tls_server_end_point = "tls-server-end-point";
inline constexpr std::string_view tls_unique = "tls-unique";

class ScramServer {
 public:
  // `mechanism` is one of the two. `bindings` are all that the session has if -PLUS was offered to
  // this client, and none if it was not.
  ScramServer(Mechanism mechanism, std::vector<ChannelBinding> bindings);

  // Errc::refused includes a channel binding that we do not have, and a client that believes us
  // unable to bind although we offered it: somebody between us took the offer away.
  Result<> take_first(std::string_view message);
  // Until challenge(). Whether one may act for the other is for the caller to decide.
  const std::string& user() const;
  const std::string& authzid() const;  // empty: none

  // The message to answer with. `nonce`, not guessable: base64 of at least 16 random bytes.
  std::string challenge(ScramSecret secret, std::string_view nonce);

  // The message that ends it well, by which the client knows us; protocols have the client answer
  // with an empty one, or put it into their own success. Errc::refused: a wrong password, a name
  // that does not exist, or another TLS session than the client's.
  Result<std::string> take_final(std::string_view message);

 private:
  enum class Step { first, challenge, final, over };

  Result<> choose_binding();
  Result<std::string> check_proof(const ScramFinal& final) const;

  Mechanism mechanism_;
  std::vector<ChannelBinding> bindings_;
  Step step_ = Step::first;
  ScramFirst first_;
  std::string expected_binding_;  // what the client must say to have seen of header and session
  std::string nonce_;             // the client's and ours
  std::string challenge_;
  std::optional<ScramSecret> secret_;
};

}  // namespace openmmp::sasl
