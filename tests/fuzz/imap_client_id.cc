// Lines, each what stands behind ID.
#include "tests/fuzz/fuzz.h"
#include "workers/imap/client_id.h"

namespace openmmp::fuzz {
namespace {

Result<imap::IdList> parse(std::string_view argument) {
  imap::Pieces pieces;
  pieces.push_back(Secret::copy_of("a ID " + std::string(argument)));
  Result<imap::Command> command = imap::parse_command(pieces);
  if (!command) return fail(command.error());
  return std::move(command->id);
}

void check_line(std::string_view line) {
  const Result<imap::IdList> own = parse(line);
  if (!own) return;
  proxy::ForwardedClient us;
  us.session_id = "s";
  us.ttl = 3;
  const std::string text = imap::forwarded_id(*own, us);
  CHECK(text.size() < 8192 && is_one_line(text));
  const Result<imap::IdList> list = parse(text);
  CHECK(list && list->size() <= 30);
  const auto facts = imap::read_forwarded(*list);
  // Whatever the client said, only we spoke for a proxy.
  CHECK(facts && facts->ttl == 3U && facts->session_id == "s");
  CHECK(!facts->client && !facts->local && !facts->tls);
  const auto claimed = imap::read_forwarded(*own);
  if (!claimed) CHECK(is_one_line(claimed.error().detail));
}

}  // namespace

void check_input(std::string_view input) { for_each_line(input, check_line); }

}  // namespace openmmp::fuzz
