// The first message of a SCRAM client, to a server with and without channel binding.
#include "tests/fuzz/fuzz.h"
#include "workers/sasl/scram.h"

namespace openmmp::fuzz {
namespace {

void check_first(sasl::Mechanism mechanism, bool bindings, std::string_view input) {
  std::vector<sasl::ChannelBinding> session;
  if (bindings) session.push_back({std::string(sasl::tls_exporter), "data"});
  sasl::ScramServer server(mechanism, std::move(session));
  const auto taken = server.take_first(input);
  if (!taken) {
    CHECK(is_one_line(taken.error().detail));
    return;
  }
  CHECK(!server.user().empty() && is_one_line(server.user()) && is_one_line(server.authzid()));
  CHECK(!bindings || !input.starts_with('y'));
  CHECK((mechanism == sasl::Mechanism::scram_sha_256_plus) == input.starts_with("p="));
  const Secret key("key");
  const std::string challenge =
      server.challenge(sasl::fake_scram_secret(server.user(), key), "0123456789abcdef");
  CHECK(is_one_line(challenge));
  CHECK(!server.take_final(input));
}

}  // namespace

void check_input(std::string_view input) {
  check_first(sasl::Mechanism::scram_sha_256, false, input);
  check_first(sasl::Mechanism::scram_sha_256, true, input);
  check_first(sasl::Mechanism::scram_sha_256_plus, true, input);
  const auto first = sasl::parse_scram_first(input);
  CHECK(!first || first->gs2.text + first->bare == input);
}

}  // namespace openmmp::fuzz
