#include "supervisor/control_socket.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

namespace openmmp::supervisor {

Result<UniqueFd> ControlSocket::listen_on(const char* path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (std::strlen(path) >= sizeof address.sun_path) return fail(Errc::limit, "path too long");
  std::strncpy(address.sun_path, path, sizeof address.sun_path - 1);
  // Ours alone: whoever gets here holds the lock on the instance.
  ::unlink(path);
  UniqueFd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const mode_t before = ::umask(0177);  // never, not even for a moment, open to others
  const bool bound =
      listener && ::bind(listener.get(), static_cast<sockaddr*>(static_cast<void*>(&address)),
                         sizeof address) == 0;
  ::umask(before);
  if (!bound || ::listen(listener.get(), 16) != 0) {
    return fail(Errc::unavailable, fmt::format("{}: {}", path, std::strerror(errno)));
  }
  return listener;
}

ControlSocket::ControlSocket(Loop& loop, const char* path, UniqueFd listener, Handler handler)
    : loop_(loop),
      path_(path),
      listener_(loop, std::move(listener)),
      handler_(std::move(handler)),
      each_turn_(loop, [this] { reap(); }) {
  listener_.set_owner(this, [](void* self, int) { static_cast<ControlSocket*>(self)->accept(); });
  listener_.watch(PollHandle::readable);
}

ControlSocket::~ControlSocket() { ::unlink(path_); }

void ControlSocket::accept() {
  UniqueFd socket(::accept4(listener_.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!socket) return;
  Connection& connection = connections_.emplace_back(loop_, std::move(socket));
  if (connections_.size() >= max_connections) listener_.watch(0);
  connection.talk.emplace(talk(connection));
  connection.talk->start([](void* done) { *static_cast<bool*>(done) = true; }, &connection.done);
}

Task<> ControlSocket::talk(Connection& connection) {
  expect(connection);
  ipc::Received<proto::ControlRequest> request = co_await connection.channel.receive();
  connection.deadline.stop();
  proto::ControlReply reply = co_await handler_(std::move(request.message));
  co_await connection.channel.send(reply);
  expect(connection);
  // The client closes when it has the reply.
  co_await connection.channel.receive();
}

void ControlSocket::expect(Connection& connection) {
  connection.deadline.start(
      patience, [](void* done) { *static_cast<bool*>(done) = true; }, &connection.done);
}

void ControlSocket::reap() {
  if (std::erase_if(connections_, [](const Connection& c) { return c.done; }) > 0) {
    listener_.watch(PollHandle::readable);
  }
}

}  // namespace openmmp::supervisor
