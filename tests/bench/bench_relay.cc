// The relay of the bench: an SMTP server that takes every message, in one process that costs so
// little that the proxy in front of it is what is seen. It knows just the SMTP that the load driver
// and the proxies speak: AUTH with an initial response, XCLIENT, and DATA without its contents.
//
//   bench_relay PORT
#include <csignal>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/bench_net.h"

namespace {

using namespace bench;

constexpr std::string_view greeting = "220 bench.example ESMTP\r\n";
// What Postfix announces to a proxy that it trusts.
constexpr std::string_view extensions =
    "250-bench.example\r\n250-PIPELINING\r\n250-SIZE 52428800\r\n250-AUTH PLAIN LOGIN\r\n"
    "250-XCLIENT NAME ADDR PROTO HELO PORT LOGIN DESTADDR DESTPORT\r\n"
    "250-ENHANCEDSTATUSCODES\r\n250 8BITMIME\r\n";

struct Client {
  int fd = -1;
  std::string in;
  std::string out;
  bool in_message = false;
  bool closing = false;
};

bool begins(std::string_view line, std::string_view upper) {
  return line.size() >= upper.size() &&
         std::equal(upper.begin(), upper.end(), line.begin(),
                    [](char a, char b) { return a == (b >= 'a' && b <= 'z' ? b - 32 : b); });
}

void answer(Client& client, std::string_view line) {
  std::string& out = client.out;
  if (begins(line, "EHLO")) {
    out += extensions;
  } else if (begins(line, "XCLIENT")) {
    out += greeting;
  } else if (begins(line, "AUTH")) {
    out += "235 2.7.0 ok\r\n";
  } else if (begins(line, "DATA")) {
    out += "354 go on\r\n";
    client.in_message = true;
  } else if (begins(line, "QUIT")) {
    out += "221 2.0.0 bye\r\n";
    client.closing = true;
  } else {
    out += "250 2.0.0 ok\r\n";  // MAIL, RCPT, HELO, RSET, NOOP
  }
}

// Takes a command or a message off `in`; false when neither is complete.
bool take(Client& client) {
  constexpr std::string_view end_of_message = "\r\n.\r\n";
  const std::string_view end = client.in_message ? end_of_message : end_of_message.substr(3);
  const std::size_t at = client.in.find(end);
  if (at == std::string::npos) return false;
  if (client.in_message) {
    client.in_message = false;
    client.out += "250 2.0.0 queued\r\n";
  } else {
    answer(client, std::string_view(client.in).substr(0, at));
  }
  client.in.erase(0, at + end.size());
  return true;
}

// False at the end of the connection.
bool fill(Client& client) {
  static char buffer[65536];
  for (;;) {
    const ssize_t got = recv(client.fd, buffer, sizeof buffer, 0);
    if (got < 0) return errno == EAGAIN;
    if (got == 0) return false;
    client.in.append(buffer, static_cast<std::size_t>(got));
  }
}

bool serve(Client& client) {
  if (!fill(client)) return false;
  while (take(client)) {
  }
  if (!client.out.empty()) {
    // Answers are shorter than any socket buffer.
    const ssize_t sent = send(client.fd, client.out.data(), client.out.size(), MSG_NOSIGNAL);
    if (sent != static_cast<ssize_t>(client.out.size())) return false;
    client.out.clear();
  }
  return !client.closing;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: bench_relay PORT\n");
    return 2;
  }
  raise_descriptor_limit();
  const int listener = listen_on(parse_port(argv[1]));
  const int epoll = check(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
  watch(epoll, listener, EPOLLIN, static_cast<std::uint64_t>(listener));
  std::vector<std::unique_ptr<Client>> clients;  // by descriptor
  for (;;) {
    epoll_event events[256];
    const int ready = epoll_wait(epoll, events, 256, -1);
    for (int i = 0; i < ready; ++i) {
      const auto fd = static_cast<std::size_t>(events[i].data.u64);
      if (static_cast<int>(fd) != listener) {
        if (serve(*clients[fd])) continue;
        close(static_cast<int>(fd));
        clients[fd].reset();
        continue;
      }
      for (int client; (client = accept_from(listener)) >= 0;) {
        const auto slot = static_cast<std::size_t>(client);
        if (clients.size() <= slot) clients.resize(slot + 1);
        clients[slot] = std::make_unique<Client>();
        clients[slot]->fd = client;
        no_delay(client);
        send(client, greeting.data(), greeting.size(), MSG_NOSIGNAL);
        watch(epoll, client, EPOLLIN | EPOLLRDHUP | EPOLLET, slot);
      }
    }
  }
}
