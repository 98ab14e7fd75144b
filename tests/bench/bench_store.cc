// The store of the bench: one process that answers every proxy alike. It knows just the IMAP that
// the load driver and the proxies speak, accepts every password, and answers each FETCH with the
// same 1 MiB literal. It is meant to cost so little that the proxy in front of it is what is seen.
//
//   bench_store PORT
#include <csignal>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/bench_net.h"

namespace {

using namespace bench;

constexpr std::size_t literal_size = 1 << 20;
// What a store of today announces, since proxies choose their way of login by it.
constexpr std::string_view capabilities = "IMAP4rev1 SASL-IR LITERAL+ ID IDLE AUTH=PLAIN";

struct Client {
  int fd = -1;
  std::string in;
  std::string out;
  std::size_t literal_left = 0;  // of a FETCH, sent before `out`
  std::size_t asked_at = 0;      // size of `in` when "+" was sent for it
  bool closing = false;
  // AUTHENTICATE without an initial response: its tag, empty if there is none.
  std::string continued_tag;
};

const std::string& fetch_response() {
  static const std::string response = "* 1 FETCH (BODY[] {" + std::to_string(literal_size) +
                                      "}\r\n" + literal_body(literal_size) + ")\r\n";
  return response;
}

// Cuts the first word off `line` and gives it back.
std::string_view take_word(std::string_view& line) {
  const std::size_t end = line.find(' ');
  const std::string_view word = line.substr(0, end);
  line = end == std::string_view::npos ? std::string_view() : line.substr(end + 1);
  return word;
}

bool same_word(std::string_view word, std::string_view upper) {
  return word.size() == upper.size() &&
         std::equal(word.begin(), word.end(), upper.begin(),
                    [](char a, char b) { return (a >= 'a' && a <= 'z' ? a - 32 : a) == b; });
}

std::string logged_in(std::string_view tag) {
  return std::string(tag) + " OK [CAPABILITY " + std::string(capabilities) + "] Logged in\r\n";
}

std::string greeting() {
  return "* OK [CAPABILITY " + std::string(capabilities) + "] Bench store ready\r\n";
}

// Answers one complete command, its literals included.
void answer(Client& client, std::string_view line) {
  std::string& out = client.out;
  const std::string tag(take_word(line));
  const std::string_view verb = take_word(line);
  const std::string ok = tag + " OK Completed\r\n";
  if (same_word(verb, "NOOP") || same_word(verb, "ENABLE")) {
    out += ok;
  } else if (same_word(verb, "LOGIN")) {
    out += logged_in(tag);
  } else if (same_word(verb, "AUTHENTICATE")) {
    // "PLAIN response" is complete, "PLAIN" alone asks to be continued.
    take_word(line);
    if (!line.empty()) {
      out += logged_in(tag);
    } else {
      out += "+ \r\n";
      client.continued_tag = tag;
    }
  } else if (same_word(verb, "FETCH")) {
    client.literal_left = fetch_response().size();
    out += ok;
  } else if (same_word(verb, "SELECT")) {
    out += "* 1 EXISTS\r\n* 0 RECENT\r\n* FLAGS ()\r\n" + tag + " OK [READ-ONLY] Selected\r\n";
  } else if (same_word(verb, "CAPABILITY")) {
    out += "* CAPABILITY " + std::string(capabilities) + "\r\n" + ok;
  } else if (same_word(verb, "ID")) {
    out += "* ID NIL\r\n" + ok;
  } else if (same_word(verb, "LOGOUT")) {
    out += "* BYE Logging out\r\n" + ok;
    client.closing = true;
  } else {
    out += tag + " BAD Unknown command\r\n";
  }
}

// The size that a line ending in {n} or {n+} announces, or -1.
long literal_at_end(std::string_view line, bool& waits) {
  if (line.empty() || line.back() != '}') return -1;
  const std::size_t open = line.rfind('{');
  if (open == std::string_view::npos) return -1;
  waits = line[line.size() - 2] != '+';
  return std::strtol(line.data() + open + 1, nullptr, 10);
}

// Length of the first command in `in` without its last CRLF, literals included; npos while it is
// not complete. `asks` is set when it stops at a literal whose sender waits for "+".
std::size_t command_length(const std::string& in, bool& asks) {
  std::size_t from = 0;
  for (;;) {
    const std::size_t end = in.find("\r\n", from);
    if (end == std::string::npos) return end;
    bool waits = false;
    const long size = literal_at_end(std::string_view(in).substr(from, end - from), waits);
    if (size < 0) return end;
    from = end + 2 + static_cast<std::size_t>(size);
    // The sender waits exactly when the line is the last thing that came.
    asks = waits && in.size() == end + 2;
    if (in.size() < from) return std::string::npos;
  }
}

// Answers the next command in `in`; false when there is nothing to say.
bool take_command(Client& client) {
  bool asks = false;
  const std::size_t length = command_length(client.in, asks);
  if (length == std::string::npos) {
    if (!asks || client.asked_at == client.in.size()) return false;
    client.asked_at = client.in.size();
    client.out += "+ OK\r\n";
    return true;
  }
  if (client.continued_tag.empty()) {
    answer(client, std::string_view(client.in).substr(0, length));
  } else {
    client.out += logged_in(client.continued_tag);
    client.continued_tag.clear();
  }
  client.in.erase(0, length + 2);
  client.asked_at = 0;
  return true;
}

enum class Flushed { all, blocked, gone };

Flushed flush(Client& client) {
  const std::string& literal = fetch_response();
  while (client.literal_left > 0 || !client.out.empty()) {
    const std::string& from = client.literal_left > 0 ? literal : client.out;
    const std::size_t left = client.literal_left > 0 ? client.literal_left : client.out.size();
    const int more = client.literal_left > 0 ? MSG_MORE : 0;
    const ssize_t sent =
        send(client.fd, from.data() + from.size() - left, left, MSG_NOSIGNAL | more);
    if (sent < 0) return errno == EAGAIN ? Flushed::blocked : Flushed::gone;
    if (client.literal_left > 0) {
      client.literal_left -= static_cast<std::size_t>(sent);
    } else {
      client.out.erase(0, static_cast<std::size_t>(sent));
    }
  }
  return client.closing ? Flushed::gone : Flushed::all;
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

// Commands are taken one at a time and only when the answer to the last one has been sent.
bool serve(Client& client) {
  if (!fill(client)) return false;
  do {
    const Flushed flushed = flush(client);
    if (flushed != Flushed::all) return flushed == Flushed::blocked;
  } while (take_command(client));
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: bench_store PORT\n");
    return 2;
  }
  raise_descriptor_limit();
  std::signal(SIGPIPE, SIG_IGN);
  const int listener = listen_on(parse_port(argv[1]));
  const int epoll = check(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
  watch(epoll, listener, EPOLLIN, static_cast<std::uint64_t>(listener));
  std::vector<std::unique_ptr<Client>> clients;  // by descriptor
  const std::string hello = greeting();
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
        send(client, hello.data(), hello.size(), MSG_NOSIGNAL);
        watch(epoll, client, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, slot);
      }
    }
  }
}
