// What client and relay have agreed on about the message under way, as far as this hop must know
// it: what may come next, and what another relay would have to be told. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace openmmp::smtp {

class Transaction {
 public:
  // Commands that the relay has accepted, without line end.
  void begin(std::string_view mail) {
    clear();
    add(mail);
    begun_ = true;
  }
  void add_recipient(std::string_view rcpt) {
    add(rcpt);
    ++recipients_;
  }
  void add_chunk(uint64_t size) {
    has_chunks_ = true;
    octets_ += size;
  }
  // No relay can complete it; `reply` says so whenever the client goes on with it.
  void give_up(std::string_view reply) { obstacle_ = reply; }
  // Memory is kept for the next message.
  void clear() {
    commands_.clear();
    recipients_ = 0;
    octets_ = 0;
    begun_ = has_chunks_ = false;
    obstacle_.clear();
  }

  bool begun() const { return begun_; }
  size_t recipients() const { return recipients_; }
  bool has_chunks() const { return has_chunks_; }
  uint64_t octets() const { return octets_; }  // of the chunks
  // The reply of give_up(), empty while the transaction is well.
  const std::string& obstacle() const { return obstacle_; }
  // All that were accepted, each with CRLF.
  const std::string& commands() const { return commands_; }

 private:
  void add(std::string_view command) { commands_.append(command).append("\r\n"); }

  std::string commands_;
  size_t recipients_ = 0;
  uint64_t octets_ = 0;
  bool begun_ = false;
  bool has_chunks_ = false;
  std::string obstacle_;
};

}  // namespace openmmp::smtp
