#include "ipc/runtime/socket_calls.h"

#include <liburing.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "ipc/runtime/check.h"

namespace openmmp {

namespace {

constexpr unsigned ring_size = 128;

int make_one(SocketCall& call) {
  ssize_t result = -1;
  switch (call.kind) {
    case SocketCall::Kind::receive:
      result = ::recv(call.fd, call.bytes, call.size, MSG_DONTWAIT);
      break;
    case SocketCall::Kind::send:
      result = ::send(call.fd, call.bytes, call.size, MSG_DONTWAIT | MSG_NOSIGNAL);
      break;
    case SocketCall::Kind::close:
      result = ::close(call.fd);
      break;
    case SocketCall::Kind::watch:
      result = ::epoll_ctl(call.epoll, EPOLL_CTL_ADD, call.fd, &call.event);
      break;
  }
  return result < 0 ? -errno : static_cast<int>(result);
}

void prepare(io_uring_sqe* entry, SocketCall& call) {
  switch (call.kind) {
    case SocketCall::Kind::receive:
      io_uring_prep_recv(entry, call.fd, call.bytes, call.size, MSG_DONTWAIT);
      break;
    case SocketCall::Kind::send:
      io_uring_prep_send(entry, call.fd, call.bytes, call.size, MSG_DONTWAIT | MSG_NOSIGNAL);
      break;
    case SocketCall::Kind::close:
      io_uring_prep_close(entry, call.fd);
      break;
    case SocketCall::Kind::watch:
      io_uring_prep_epoll_ctl(entry, call.epoll, call.fd, EPOLL_CTL_ADD, &call.event);
      break;
  }
}

constexpr std::array<uint8_t, 4> operations = {IORING_OP_RECV, IORING_OP_SEND, IORING_OP_CLOSE,
                                               IORING_OP_EPOLL_CTL};

// A kernel may be built without some.
bool has_all(io_uring& ring) {
  io_uring_probe* const probe = io_uring_get_probe_ring(&ring);
  const bool has = probe != nullptr &&
                   std::all_of(operations.begin(), operations.end(), [probe](uint8_t operation) {
                     return io_uring_opcode_supported(probe, operation) == 1;
                   });
  if (probe != nullptr) io_uring_free_probe(probe);
  return has;
}

// No other operations from now on.
bool restrict(io_uring& ring) {
  std::array<io_uring_restriction, operations.size()> allowed = {};
  for (size_t i = 0; i < allowed.size(); ++i) {
    allowed[i].opcode = IORING_RESTRICTION_SQE_OP;
    allowed[i].sqe_op = operations[i];
  }
  return io_uring_register_restrictions(&ring, allowed.data(), allowed.size()) == 0;
}

}  // namespace

struct SocketCalls::Ring {
  ~Ring() {
    if (is_open) io_uring_queue_exit(&ring);
  }

  bool open();
  void make(std::span<SocketCall> calls);

  io_uring ring = {};
  bool is_open = false;
};

bool SocketCalls::Ring::open() {
  io_uring_params parameters = {};
  // One thread makes calls and takes their results when it asks for them.
  parameters.flags =
      IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_R_DISABLED;
  if (io_uring_queue_init_params(ring_size, &ring, &parameters) != 0) return false;
  is_open = true;
  return has_all(ring)&& restrict(ring) && io_uring_enable_rings(&ring) == 0;
}

void SocketCalls::Ring::make(std::span<SocketCall> calls) {
  for (size_t i = 0; i < calls.size(); ++i) {
    io_uring_sqe* entry = io_uring_get_sqe(&ring);
    CHECK(entry != nullptr);  // the ring was empty, and has room for so many
    prepare(entry, calls[i]);
    io_uring_sqe_set_data64(entry, i);
  }
  for (size_t left = calls.size(); left > 0;) {
    const int entered = io_uring_submit_and_wait(&ring, static_cast<unsigned>(left));
    CHECK(entered >= 0 || entered == -EINTR || entered == -EAGAIN || entered == -EBUSY);
    unsigned head = 0;
    unsigned taken = 0;
    io_uring_cqe* outcome = nullptr;
    io_uring_for_each_cqe(&ring, head, outcome) {
      calls[io_uring_cqe_get_data64(outcome)].result = outcome->res;
      ++taken;
    }
    io_uring_cq_advance(&ring, taken);
    left -= taken;
  }
}

SocketCalls::SocketCalls() = default;
SocketCalls::~SocketCalls() = default;

bool SocketCalls::join() {
  auto ring = std::make_unique<Ring>();
  if (ring->open()) ring_ = std::move(ring);
  return together();
}

void SocketCalls::make(std::span<SocketCall> calls) {
  while (!calls.empty()) {
    const size_t count = std::min<size_t>(calls.size(), ring_size);
    if (ring_ != nullptr && count > 1) {
      ring_->make(calls.first(count));
    } else {
      for (SocketCall& call : calls.first(count)) call.result = make_one(call);
    }
    calls = calls.subspan(count);
  }
}

}  // namespace openmmp
