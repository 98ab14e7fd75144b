// The last message of a SCRAM client, in the conversation of RFC 7677: one message is right.
#include "tests/fuzz/fuzz.h"
#include "workers/sasl/scram.h"

namespace openmmp::fuzz {
namespace {

constexpr std::string_view right =
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
    "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
// Of the password "pencil".
constexpr std::string_view stored =
    "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:"
    "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";

}  // namespace

void check_input(std::string_view input) {
  sasl::ScramServer server(sasl::Mechanism::scram_sha_256, {});
  CHECK(server.take_first("n,,n=user,r=rOprNGfwEbeRWgbNEkqO").has_value());
  auto secret = sasl::parse_scram_secret(stored);
  CHECK(secret.has_value());
  server.challenge(std::move(*secret), "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0");
  const auto answer = server.take_final(input);
  CHECK(answer.has_value() == (input == right));
  CHECK(answer || is_one_line(answer.error().detail));
}

}  // namespace openmmp::fuzz
