#include "tests/dialogs/peer.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace openmmp::dialogs {

void Peer::open(UniqueFd socket) {
  socket_ = std::move(socket);
  ::fcntl(socket_.get(), F_SETFL, O_NONBLOCK);
  ended_ = shaken_ = ciphertext_ended_ = false;
  unread_.clear();
  to_send_.clear();
  tls_.reset();
  tls_failure_.clear();
  ciphertext_.clear();
}

void Peer::close() {
  socket_.reset();
  tls_.reset();
}

void Peer::say(const std::string& text) {
  if (!tls_) {
    to_send_ += text;
    return;
  }
  const Result<> written = tls_->write(text);
  if (!written) tls_failure_ = written.error().detail;
  to_send_ += std::exchange(tls_->output(), {});
}

void Peer::shutdown() {
  if (tls_) {
    tls_->close();
    const std::string& last = tls_->output();
    ::send(socket_.get(), last.data(), last.size(), MSG_NOSIGNAL);
  }
  ::shutdown(socket_.get(), SHUT_WR);
}

bool Peer::send() {
  if (to_send_.empty()) return false;
  const size_t size = std::min(piece_, to_send_.size());
  const ssize_t sent = ::send(socket_.get(), to_send_.data(), size, MSG_NOSIGNAL);
  if (sent < 0 && errno == EAGAIN) return false;
  if (sent > 0) to_send_.erase(0, static_cast<size_t>(sent));
  if (sent < 0) to_send_.clear();  // the proxy has gone; the steps will tell
  if (to_send_.empty()) piece_ = SIZE_MAX;
  return true;
}

bool Peer::receive() {
  if (ended_ || ciphertext_ended_) return false;
  std::array<char, 65536> buffer;
  const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
  if (got < 0 && errno == EAGAIN) return false;
  const std::string_view text(buffer.data(), got > 0 ? static_cast<size_t>(got) : 0);
  if (tls_) {
    ciphertext_ += text;
    ciphertext_ended_ = got <= 0;
  } else {
    take(text);
    ended_ = got <= 0;
  }
  return true;
}

void Peer::take(std::string_view text) {
  unread_ += text;
  heard_ += text;
}

tls::Transport Peer::transport() {
  return {this, [](void* self, char* to, size_t room) -> ssize_t {
            Peer& peer = *static_cast<Peer*>(self);
            const size_t size = std::min(room, peer.ciphertext_.size());
            if (size == 0 && peer.ciphertext_ended_) return 0;
            if (size == 0) {
              errno = EAGAIN;
              return -1;
            }
            peer.ciphertext_.copy(to, size);
            peer.ciphertext_.erase(0, size);
            return static_cast<ssize_t>(size);
          }};
}

void Peer::start_tls(tls::Stream stream) {
  tls_.emplace(std::move(stream));
  ciphertext_ = std::exchange(unread_, {});
  ciphertext_ended_ = std::exchange(ended_, false);
}

void Peer::advance_tls() {
  if (!shaken_ && tls_failure_.empty()) {
    const Result<tls::Stream::Progress> progress = tls_->handshake(transport());
    if (!progress) tls_failure_ = progress.error().detail;
    shaken_ = progress && *progress == tls::Stream::Progress::done;
  }
  std::array<char, 16384> buffer;
  while (shaken_ && !ended_) {
    const ssize_t got = tls_->read(transport(), buffer.data(), buffer.size());
    if (got < 0 && errno == EAGAIN) break;
    if (got < 0) tls_failure_ = tls_->error();
    if (got > 0) take(std::string_view(buffer.data(), static_cast<size_t>(got)));
    ended_ = got <= 0;
  }
  if (!tls_failure_.empty() && ciphertext_ended_) ended_ = true;
  to_send_ += std::exchange(tls_->output(), {});
}

bool Peer::pump() {
  if (!socket_) return false;
  const bool sent = send();
  const bool received = receive();
  if (tls_) advance_tls();
  return sent || received;
}

bool Peer::take_line(std::string& line) {
  const size_t lf = unread_.find('\n');
  if (lf == std::string::npos) return false;
  line = unread_.substr(0, lf > 0 && unread_[lf - 1] == '\r' ? lf - 1 : lf);
  unread_.erase(0, lf + 1);
  return true;
}

bool Peer::take_bytes(size_t count, std::string& bytes) {
  if (unread_.size() < count) return false;
  bytes = unread_.substr(0, count);
  unread_.erase(0, count);
  return true;
}

bool Peer::skip_to(const std::string& text) {
  const size_t at = unread_.find(text);
  if (at == std::string::npos) return false;
  unread_.erase(0, at);
  return true;
}

}  // namespace openmmp::dialogs
