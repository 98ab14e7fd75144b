#include "tests/unit/proxy/stub_http.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <tuple>

#include "ipc/runtime/socket.h"

namespace openmmp::proxy {
namespace {

// A peer that is gone in the meantime is no failure: some tests are about that.
void send_all(int fd, const std::string& text) {
  std::ignore = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
}

bool is_whole(const std::string& request) {
  const size_t head = request.find("\r\n\r\n");
  if (head == std::string::npos) return false;
  const size_t length = request.find("Content-Length: ");
  if (length == std::string::npos || length > head) return true;
  return request.size() >= head + 4 + std::stoul(request.substr(length + 16));
}

}  // namespace

StubHttp::StubHttp(std::vector<std::string> answers, Manner manner)
    : answers_(std::move(answers)), manner_(manner) {
  // Each test program starts elsewhere, so that several can run at once.
  static int next = 16000 + static_cast<int>(getpid()) * 41 % 3900;
  while (!listener_) {
    address_ = *SocketAddress::parse("127.0.0.1", static_cast<uint16_t>(next++));
    Result<UniqueFd> socket = listen_tcp(address_);
    if (socket) listener_ = std::move(*socket);
  }
  int ends[2];
  EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
  wake_read_ = UniqueFd(ends[0]);
  wake_write_ = UniqueFd(ends[1]);
  thread_ = std::thread([this] { serve(); });
}

StubHttp::~StubHttp() {
  wake_write_ = UniqueFd();  // a pipe without a writer is always readable
  thread_.join();
}

std::vector<std::string> StubHttp::requests() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return requests_;
}

bool StubHttp::wait_for(int fd) {
  pollfd fds[] = {{fd, POLLIN, 0}, {wake_read_.get(), POLLIN, 0}};
  ::poll(fds, 2, -1);
  return fds[1].revents == 0;
}

void StubHttp::serve() {
  for (size_t count = 0; wait_for(listener_.get()); ++count) {
    UniqueFd client(::accept(listener_.get(), nullptr, nullptr));
    serve_one(std::move(client), answers_[std::min(count, answers_.size() - 1)]);
  }
}

void StubHttp::serve_one(UniqueFd client, const std::string& answer) {
  std::string request;
  char buffer[4096];
  while (!is_whole(request)) {
    if (!wait_for(client.get())) return;
    const ssize_t got = ::recv(client.get(), buffer, sizeof buffer, 0);
    if (got <= 0) return;
    request.append(buffer, static_cast<size_t>(got));
  }
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    requests_.push_back(request);
  }
  if (manner_ == Manner::drips) {
    const int on = 1;
    ::setsockopt(client.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    for (const char c : answer) send_all(client.get(), std::string(1, c));
    return;
  }
  send_all(client.get(),
           manner_ == Manner::says_little ? answer.substr(0, answer.size() / 2) : answer);
  if (manner_ == Manner::resets) {
    const linger now{1, 0};
    ::setsockopt(client.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
  }
  if (manner_ != Manner::stays && manner_ != Manner::says_little) return;
  while (wait_for(client.get()) && ::recv(client.get(), buffer, sizeof buffer, 0) > 0) continue;
}

}  // namespace openmmp::proxy
