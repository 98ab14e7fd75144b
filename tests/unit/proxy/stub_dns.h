// A DNS server on loopback that says what a test wants. It works on the test's own loop.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ipc/runtime/poll_handle.h"

namespace openmmp::proxy {

// The 16-bit types of records.
inline constexpr uint16_t dns_a = 1;
inline constexpr uint16_t dns_cname = 5;
inline constexpr uint16_t dns_ptr = 12;
inline constexpr uint16_t dns_aaaa = 28;

struct DnsRecord {
  std::string name;
  uint16_t type;
  std::string data;  // as in the message
};
// A name as in a message.
std::string dns_name(std::string_view name);
// The data of A and AAAA.
std::string dns_address(std::string_view ip);

class StubDns {
 public:
  explicit StubDns(Loop& loop);
  // "127.0.0.1:PORT"
  std::string server() const;

  // What is answered to questions for `name`; who is not named does not exist (NXDOMAIN).
  void answer(const std::string& name, std::vector<DnsRecord> records);
  // Bytes behind the header and question, which promise one record.
  void answer_raw(const std::string& name, std::string bytes);
  void fail(const std::string& name);      // SERVFAIL
  void truncate(const std::string& name);  // "ask by TCP", where nobody is
  void be_mute(const std::string& name);
  // How often it was asked for this name, or at all.
  int asked(const std::string& name) const;
  int asked() const;

 private:
  struct Answer {
    uint16_t flags = 0x8180;
    uint16_t count = 0;
    std::string bytes;
    bool mute = false;
  };
  void read();
  std::optional<std::string> reply_to(std::string_view query);

  uint16_t port_ = 0;
  PollHandle socket_;
  std::map<std::string, Answer> answers_;
  std::map<std::string, int> asked_;
};

}  // namespace openmmp::proxy
