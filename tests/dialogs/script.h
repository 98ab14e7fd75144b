// A dialog: what a client and a store say to the proxy, and what the proxy must say to them, as a
// text file. tests/dialogs/README.md has the language. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ipc/runtime/result.h"

namespace openmmp::dialogs {

enum class Side { client, backend, log };
enum class Action {
  send,          // client > text
  expect,        // client < pattern
  never,         // client ! text
  close,         // client close
  shutdown,      // client shutdown: our half only
  closed,        // client = closed: the proxy closes
  apop,          // client apop $challenge joe secret: the answer to it
  cram,          // client cram $challenge joe secret: the same for CRAM-MD5
  scram,         // client scram $challenge n,,n=joe,r=nonce secret
  drip,          // client drip text: a byte at a time
  expect_bytes,  // client <- bytes
  until,         // client until text: what comes before it is dropped
  pause,         // client pause: what was said goes out, and some turns pass
  certificate,   // client cert name: for the next handshake
  tls,           // client tls: the handshake, to its end
  tls_fails,     // client tls-fails pattern
};

struct Step {
  int line = 0;
  Side side = Side::client;
  Action action = Action::send;
  std::string text;  // with escapes resolved and the line end added
};

struct Script {
  std::vector<std::pair<std::string, std::string>> settings;
  std::vector<std::string> taken;  // taken user joe: a seat that somebody else has
  std::vector<std::pair<std::string, std::string>> popped;  // from an address, a user
  std::vector<Step> steps;
  std::vector<Step> never;
  std::vector<Step> logged;
};

Result<Script> parse_script(std::string_view text);

// Words that a pattern has bound: "t" for $t.
using Bindings = std::map<std::string, std::string>;

// `*` in `pattern` stands for anything, `$word` for one word: the same one each time.
bool matches(std::string_view pattern, std::string_view line, Bindings& bindings);
std::string substitute(std::string_view text, const Bindings& bindings);

}  // namespace openmmp::dialogs
