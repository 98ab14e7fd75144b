// Service extensions: what a relay announces in its answer to EHLO, and what of it a client is told
// (RFC 5321 section 4.1.1.1; the list of keywords that pass is the MMP's, EhloKeywords adds to it).
// Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "workers/smtp/reply.h"

namespace openmmp::smtp {

struct Extension {
  std::string keyword;    // in upper case
  std::string arguments;  // as announced
};

struct Extensions {
  bool extended = false;  // the relay took EHLO; else HELO, and there are none
  std::vector<Extension> list;
  std::vector<std::string> mechanisms;  // of AUTH, and of the old "AUTH=" lines
  std::optional<uint64_t> size;         // 0: SIZE without a limit
  bool start_tls = false;
  bool pipelining = false;
  bool chunking = false;
  std::vector<std::string> xclient;          // attributes, in upper case; empty: not announced
  std::optional<std::string> xproxyehlo;     // its argument, the nonce, or ""; also as XPEHLO
  std::string xproxyehlo_keyword;            // as this relay spells it
  bool has(std::string_view keyword) const;  // in upper case
};

// Of a positive reply to EHLO. What is malformed or repeated is left out, as is a keyword whose
// line is not ASCII. A list has at most 64 of them.
Extensions parse_extensions(const Reply& reply);

// parse_extensions(), but for a list that has been parsed lately: relays say the same to everybody.
class ExtensionLists {
 public:
  // Valid until the next call.
  const Extensions& parse(const Reply& reply);

 private:
  struct Known {
    std::string text;
    Extensions extensions;
  };
  std::vector<Known> known_;
  size_t oldest_ = 0;
  Extensions unlike_others_;
};

// What this hop makes of them.
struct Announcement {
  std::string name;                     // ours, behind the code
  bool start_tls = false;               // towards the client
  std::vector<std::string> mechanisms;  // of AUTH; empty: none
  uint64_t max_size = 0;                // ours; 0: none. The smaller of the two is announced.
  std::vector<std::string> keywords;    // EhloKeywords
  std::vector<std::string> own;         // lines that are ours alone, as XCLIENT to a trusted peer
};

// The answer to the client's EHLO, all lines. A keyword is there only if the relay announced it, it
// is in the built-in set (8BITMIME PIPELINING DSN ENHANCEDSTATUSCODES EXPN HELP XLOOP ETRN SIZE
// CHUNKING SMTPUTF8 BINARYMIME LANG) or in EhloKeywords, and the session follows it.
//
// Of this hop, and so never the relay's words:
//   PIPELINING   always, when the relay took EHLO: towards one without it we send one by one;
//   SIZE         the smaller limit, and only if the relay takes the parameter;
//   STARTTLS, AUTH (and Exchange's X-ANONYMOUSTLS, X-EXPS)   as Announcement says.
// What needs another one is left out without it: BINARYMIME without CHUNKING, SMTPUTF8 without
// 8BITMIME. EhloKeywords lets these never through:
//   XCLIENT XFORWARD XPROXYEHLO XPEHLO   the relay trusts us, not our clients;
//   REQUIRETLS                           a promise about all hops that this one does not give;
//   BURL XEXCH50 XRDST ATRN              bytes that are no command, or turn the session round.
std::string announce(const Extensions& relay, const Announcement& facts);

// Whether a command goes on that this hop does not know: its verb, in upper case, is the keyword of
// an extension that `keywords` lets through and the relay has announced.
bool lets_pass(const Extensions& relay, std::string_view verb,
               const std::vector<std::string>& keywords);

}  // namespace openmmp::smtp
