#include "workers/proxy/wire.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace openmmp::proxy {

namespace {

// Plain text that is encrypted at once, and so about as much as a slow reader can leave behind.
constexpr size_t largest_write = 256 * 1024;
// Of TLS itself, to what the peer asks of it: hundreds of KeyUpdates.
constexpr size_t most_answers = 16 * 1024;

// Ciphertext is made in the one buffer of the thread, which keeps its size; a session gets memory
// of its own for what the socket did not take.
thread_local std::string scratch;

}  // namespace

Wire::~Wire() {
  // The socket does the rest.
  if (!socket_ || tls_ == nullptr || std::exchange(tls_->ended, true)) return;
  tls_->stream.close();
  if (!tls_->stream.output().empty()) send_output();
}

void Wire::note(int events) {
  input_.note(events);
  if (tls_ != nullptr && input_.may_have_more) tls_->has_more = true;
}

bool Wire::may_read() const {
  if (tls_ == nullptr) return input_.may_have_more;
  return tls_->has_more && (tls_->answers < most_answers || unsent() == 0);
}

ssize_t Wire::receive_plain(char* to, size_t room) {
  const StreamSocket::Received received = socket_.receive(to, room);
  if (received.count > 0) {
    input_.after_read(received.filled);
  } else {
    input_.exhausted();
  }
  return received.count;
}

// What TLS reads from.
ssize_t Wire::receive(void* self, char* to, size_t room) {
  auto& wire = *static_cast<Wire*>(self);
  std::string& first = wire.tls_->first;
  if (!first.empty()) {
    const size_t count = std::min(room, first.size());
    first.copy(to, count);
    first.erase(0, count);
    return static_cast<ssize_t>(count);
  }
  if (!wire.input_.may_have_more) {
    errno = EAGAIN;
    return -1;
  }
  return wire.receive_plain(to, room);
}

ssize_t Wire::read(char* to, size_t room) {
  if (tls_ == nullptr) return receive_plain(to, room);
  const size_t waiting = tls_->stream.output().size();  // for what we say first
  const ssize_t got = tls_->stream.read(transport(), to, room);
  const int error = errno;
  if (got <= 0) tls_->has_more = false;
  const size_t answer = tls_->stream.output().size() - waiting;
  if (unsent() == 0) tls_->answers = 0;
  if (answer > 0) send_output();
  tls_->answers += answer;
  // What has come meanwhile no edge will tell of.
  if (tls_->answers >= most_answers) socket_.tell_when_sent();
  if (got < 0 && tls_->stream.truncated()) return 0;
  errno = error;
  return got;
}

ssize_t Wire::write(const char* text, size_t size) {
  if (has_unsent()) {
    errno = EAGAIN;
    return -1;
  }
  if (tls_ == nullptr) return socket_.send(text, size) ? static_cast<ssize_t>(size) : -1;
  const size_t count = std::min(size, largest_write);
  if (tls_->stream.output().empty()) std::swap(tls_->stream.output(), scratch);
  const Result<> written = tls_->stream.write(std::string_view(text, count));
  const bool alive = send_output();
  if (!written) errno = EPROTO;
  return written && alive ? static_cast<ssize_t>(count) : -1;
}

// Sends what the stream has put out. False, with errno, when the socket is lost.
bool Wire::send_output() {
  std::string output = std::move(tls_->stream.output());
  tls_->stream.output().clear();
  const bool alive = socket_.send(output.data(), output.size());
  const int error = errno;
  output.clear();
  if (output.capacity() > scratch.capacity()) std::swap(scratch, output);
  errno = error;
  return alive;
}

void Wire::flush() {
  if (has_unsent()) socket_.flush();
}

void Wire::end() {
  if (tls_ != nullptr) {
    if (std::exchange(tls_->ended, true)) return;
    tls_->stream.close();
    if (!tls_->stream.output().empty()) send_output();
  }
  socket_.end();
}

void Wire::abandon_tls() {
  tls_.reset();
  socket_.end();
}

std::string Wire::reason(int error) const {
  if (error == EPROTO && tls_ != nullptr) return "TLS: " + tls_->stream.error();
  return std::strerror(error);
}

void Wire::start_tls(tls::Stream stream, std::string first) {
  tls_ = std::make_unique<Tls>(std::move(stream), std::move(first));
}

Result<tls::Stream::Progress> Wire::handshake(bool speaks_next) {
  if (has_unsent()) return tls::Stream::Progress::wait;
  Result<tls::Stream::Progress> progress = tls_->stream.handshake(transport());
  const bool done = progress && *progress == tls::Stream::Progress::done;
  if (!tls_->stream.output().empty() && !(done && speaks_next)) send_output();
  return done && has_unsent() ? tls::Stream::Progress::wait : progress;
}

}  // namespace openmmp::proxy
