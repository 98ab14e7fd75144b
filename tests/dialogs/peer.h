// One end of a connection that the test holds: a client or a store, with TLS from where the dialog
// says so. It does only what pump() can do without waiting.
#pragma once

#include <optional>
#include <string>

#include "ipc/runtime/unique_fd.h"
#include "ipc/tls/stream.h"

namespace openmmp::dialogs {

class Peer {
 public:
  void open(UniqueFd socket);
  bool is_open() const { return static_cast<bool>(socket_); }
  void say(const std::string& text);
  // What is said until it has all gone is sent one byte at a time.
  void slow_down() { piece_ = 1; }
  // Without a word; with TLS that is an end without close_notify.
  void close();
  // Our half only, and properly.
  void shutdown();
  // Moves what can be moved now. True when anything was.
  bool pump();
  // The next line that came, without its line end; or so many bytes.
  bool take_line(std::string& line);
  bool take_bytes(size_t count, std::string& bytes);
  // Drops what stands before `text`, once that has come.
  bool skip_to(const std::string& text);
  bool at_end() const { return ended_ && unread_.empty(); }
  bool drained() const { return to_send_.empty(); }
  const std::string& heard() const { return heard_; }

  // The rest is TLS, what has come and was not taken included.
  void start_tls(tls::Stream stream);
  bool has_tls() const { return tls_.has_value(); }
  bool handshake_done() const { return shaken_; }
  const std::string& tls_failure() const { return tls_failure_; }
  const tls::Stream* tls() const { return tls_ ? &*tls_ : nullptr; }

 private:
  bool send();
  bool receive();
  void advance_tls();
  void take(std::string_view text);
  tls::Transport transport();

  UniqueFd socket_;
  size_t piece_ = SIZE_MAX;
  std::string to_send_;
  std::string unread_;
  std::string heard_;  // everything, over all connections; of TLS what was in it
  bool ended_ = false;
  std::optional<tls::Stream> tls_;
  bool shaken_ = false;
  std::string tls_failure_;
  std::string ciphertext_;  // that came and is not read by tls_ yet
  bool ciphertext_ended_ = false;
};

}  // namespace openmmp::dialogs
