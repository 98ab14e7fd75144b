// A conversation with another process of ours: messages of type Out leave, of type In arrive, each
// with the descriptors that were sent along. What a process cannot say does not exist in its type.
//
//   auto received = co_await channel.receive();      // Errc::closed when the peer is gone
//   Result<> sent = channel.send(message, descriptors);   // never waits
//
// The Loop must outlive it; it may be destroyed at any moment (see Transport).
#pragma once

#include <string>
#include <utility>

#include "ipc/runtime/secret.h"
#include "ipc/transport.h"

namespace openmmp::ipc {

template <class Message>
struct Received {
  Received(Message m, Descriptors d) : message(std::move(m)), descriptors(std::move(d)) {}
  Message message;
  Descriptors descriptors;
};

template <class Out, class In>
class Channel {
 public:
  Channel(Loop& loop, UniqueFd socket) : transport_(loop, std::move(socket)) {}

  // The next message. A message that cannot be read ends the conversation: Errc::protocol.
  Task<Received<In>> receive() {
    Transport::Frame frame = co_await transport_.receive();
    In message;
    const bool readable = message.ParseFromString(frame.body);
    wipe(frame.body);
    if (!readable) co_await fail(Errc::protocol, "a message that is not one");
    co_return Received<In>(std::move(message), std::move(frame.descriptors));
  }

  // Errc::limit: the peer does not read, nothing was queued. Errc::closed: the peer is gone.
  Result<> send(const Out& message, Descriptors descriptors = {}) {
    std::string body = message.SerializeAsString();
    Result<> sent = transport_.send(body, std::move(descriptors));
    wipe(body);
    return sent;
  }
  bool everything_sent() const { return transport_.everything_sent(); }

 private:
  Transport transport_;
};

}  // namespace openmmp::ipc
