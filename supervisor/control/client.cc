#include "supervisor/control/client.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "ipc/frame.h"
#include "ipc/runtime/unique_fd.h"

namespace openmmp::control {

namespace {

Result<UniqueFd> connect_to(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return fail(Errc::limit, "path too long");
  path.copy(address.sun_path, path.size());
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto* generic = static_cast<const sockaddr*>(static_cast<const void*>(&address));
  if (socket && ::connect(socket.get(), generic, sizeof address) == 0) return socket;
  if (errno == ENOENT || errno == ECONNREFUSED) return fail(Errc::closed, "not running");
  return fail(Errc::refused, fmt::format("{}: {}", path, std::strerror(errno)));
}

Result<> write_all(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t size = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return fail(Errc::refused, std::strerror(errno));
    bytes.remove_prefix(static_cast<size_t>(size));
  }
  return {};
}

Result<std::string> read_frame(int socket) {
  ipc::FrameDecoder decoder;
  std::array<char, 16384> bytes;
  while (!decoder.complete()) {
    const ssize_t size = ::recv(socket, bytes.data(), std::min(decoder.wanted(), bytes.size()), 0);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return fail(Errc::refused, "the supervisor went away without an answer");
    const Result<> fed = decoder.feed(std::string_view(bytes.data(), static_cast<size_t>(size)));
    if (!fed) return fail(fed.error());
  }
  return decoder.take();
}

}  // namespace

Result<proto::ControlReply> ask(const std::string& path, const proto::ControlRequest& request) {
  const Result<UniqueFd> socket = connect_to(path);
  if (!socket) return fail(socket.error());
  const Result<std::string> frame = ipc::encode_frame(request.SerializeAsString());
  if (!frame) return fail(frame.error());
  if (Result<> sent = write_all(socket->get(), *frame); !sent) return fail(std::move(sent.error()));
  const Result<std::string> body = read_frame(socket->get());
  if (!body) return fail(body.error());
  proto::ControlReply reply;
  if (!reply.ParseFromString(*body)) return fail(Errc::protocol, "an answer that is not one");
  return reply;
}

}  // namespace openmmp::control
