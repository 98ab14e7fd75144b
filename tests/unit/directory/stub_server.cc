#include "tests/unit/directory/stub_server.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <memory>
#include <set>
#include <tuple>
#include <vector>

#include "ipc/runtime/socket.h"
#include "tests/unit/directory/slapd.h"

namespace openmmp::directory {

// A message number as it stands in BER: one byte or more.
struct StubConnection {
  UniqueFd fd;
  std::string input;
  std::vector<std::string> held;  // numbers of requests that wait for release()
  bool bound = false;
  std::set<std::string> user_binds;  // numbers of those
};

namespace {

std::string ber(int tag, const std::string& content) {
  std::string result(1, static_cast<char>(tag));
  if (content.size() >= 128) result += '\x81';
  return result + static_cast<char>(content.size()) + content;
}

std::string message(const std::string& id, int tag, const std::string& content) {
  return ber(0x30, ber(0x02, id) + ber(tag, content));
}

std::string result(const std::string& id, int tag, int code) {
  return message(
      id, tag, ber(0x0A, std::string(1, static_cast<char>(code))) + ber(0x04, "") + ber(0x04, ""));
}

std::string entry(const std::string& id, const std::string& dn) {
  const std::string attribute = ber(0x04, "mailHost") + ber(0x31, ber(0x04, "stub"));
  return message(id, 0x64, ber(0x04, dn) + ber(0x30, ber(0x30, attribute)));
}

std::string reference(const std::string& id) {
  return message(id, 0x73, ber(0x04, "ldap://elsewhere.example/o=y"));
}

// The first whole message of `input`, cut off; empty when there is none.
std::string take_message(std::string& input) {
  if (input.size() < 2) return {};
  size_t length = static_cast<unsigned char>(input[1]);
  size_t header = 2;
  if (length >= 128) {
    header += length - 128;
    if (input.size() < header) return {};
    length = 0;
    for (size_t i = 2; i < header; ++i)
      length = length * 256 + static_cast<unsigned char>(input[i]);
  }
  if (input.size() < header + length) return {};
  std::string content = input.substr(header, length);
  input.erase(0, header + length);
  return content;
}

// A peer that is gone in the meantime is no failure: some tests are about that.
void send_all(int fd, const std::string& text) {
  std::ignore = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
}

}  // namespace

StubServer::StubServer(Manner manner) : manner_(manner), port_(free_port()) {
  listener_ = *listen_tcp(*SocketAddress::parse("127.0.0.1", static_cast<uint16_t>(port_)));
  int ends[2];
  EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
  wake_read_ = UniqueFd(ends[0]);
  wake_write_ = UniqueFd(ends[1]);
  thread_ = std::thread([this] { serve(); });
}

StubServer::~StubServer() {
  stopping_ = true;
  EXPECT_EQ(::write(wake_write_.get(), "x", 1), 1);
  thread_.join();
}

std::string StubServer::url() const { return fmt::format("ldap://127.0.0.1:{}", port_); }

void StubServer::release() {
  holding_ = false;
  EXPECT_EQ(::write(wake_write_.get(), "x", 1), 1);
}

void StubServer::serve() {
  std::vector<std::unique_ptr<StubConnection>> connections;
  while (!stopping_) {
    std::vector<pollfd> fds{{listener_.get(), POLLIN, 0}, {wake_read_.get(), POLLIN, 0}};
    for (const auto& connection : connections) fds.push_back({connection->fd.get(), POLLIN, 0});
    ::poll(fds.data(), fds.size(), -1);
    for (size_t i = connections.size(); i-- > 0;) {
      if (fds[i + 2].revents != 0 && !read_from(*connections[i])) {
        connections.erase(connections.begin() + static_cast<ptrdiff_t>(i));
      }
    }
    if (fds[1].revents != 0) {
      char byte;
      EXPECT_EQ(::read(wake_read_.get(), &byte, 1), 1);
      for (const auto& connection : connections) {
        while (!holding_ && !connection->held.empty()) {
          answer(*connection, connection->held.back());
          connection->held.pop_back();
        }
      }
    }
    if (fds[0].revents != 0) {
      ++connections_;
      connections.push_back(std::make_unique<StubConnection>());
      connections.back()->fd = UniqueFd(::accept(listener_.get(), nullptr, nullptr));
    }
  }
}

bool StubServer::read_from(StubConnection& connection) {
  char buffer[65536];
  const ssize_t count = ::recv(connection.fd.get(), buffer, sizeof buffer, 0);
  if (count <= 0) return false;
  if (manner_ == Manner::mute) return true;
  connection.input.append(buffer, static_cast<size_t>(count));
  for (;;) {
    const std::string content = take_message(connection.input);
    if (content.empty()) return true;
    if (!handle(connection, content)) return false;
  }
}

bool StubServer::handle(StubConnection& connection, const std::string& content) {
  const auto id_size = static_cast<size_t>(content[1]);
  const std::string id = content.substr(2, id_size);
  switch (static_cast<unsigned char>(content[2 + id_size])) {
    case 0x60:  // bind
      ++binds_;
      if (!std::exchange(connection.bound, true)) {
        send_all(connection.fd.get(), result(id, 0x61, 0));
        return true;
      }
      ++user_binds_;
      connection.user_binds.insert(id);
      return take(connection, id);
    case 0x63:  // search
      ++searches_;
      return take(connection, id);
    case 0x50:  // abandon
      ++abandons_;
      return true;
    default:  // unbind
      return false;
  }
}

bool StubServer::take(StubConnection& connection, const std::string& id) {
  if (!holding_) return answer(connection, id);
  connection.held.push_back(id);
  return true;
}

bool StubServer::answer(StubConnection& connection, const std::string& id) {
  const int fd = connection.fd.get();
  const bool is_bind = connection.user_binds.count(id) != 0;
  switch (manner_) {
    case Manner::half_answer:
      send_all(fd, (is_bind ? result(id, 0x61, 0) : entry(id, "uid=joe,o=x")).substr(0, 11));
      return true;
    case Manner::dies_once:
      if (std::exchange(died_, true)) break;
      return false;
    case Manner::dies_on_search:
      return false;
    case Manner::garbage:
      send_all(fd, "HTTP/1.1 400 Bad Request\r\n\r\n" + std::string(200, 'x'));
      return true;
    case Manner::refuses:
      send_all(fd, result(id, is_bind ? 0x61 : 0x65, 51));
      return true;
    case Manner::denies:
      send_all(fd, result(id, 0x61, 49));
      return true;
    case Manner::two_entries:
      send_all(fd, entry(id, "uid=joe,ou=a,o=x"));
      break;
    case Manner::refers:
      send_all(fd, reference(id) + reference(id) + result(id, 0x65, 0));
      return true;
    case Manner::answers_in_part:
      send_all(fd, reference(id));
      break;
    case Manner::mute:
    case Manner::mute_on_search:
      return true;
    case Manner::answers:
      break;
  }
  send_all(fd, is_bind ? result(id, 0x61, 0) : entry(id, "uid=joe,o=x") + result(id, 0x65, 0));
  return true;
}

}  // namespace openmmp::directory
