#include "tests/unit/state/fleet_servers.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "ipc/runtime/address.h"
#include "ipc/runtime/socket.h"

namespace openmmp::state {

namespace {

SocketAddress loopback(int port) {
  return *SocketAddress::parse("127.0.0.1", static_cast<uint16_t>(port));
}

pid_t run(std::vector<std::string> words, const std::string& output) {
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, output.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  pid_t pid = -1;
  EXPECT_EQ(posix_spawn(&pid, arguments[0], &actions, nullptr, arguments.data(), environ), 0);
  posix_spawn_file_actions_destroy(&actions);
  return pid;
}

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

bool accepts(int port) {
  const SocketAddress address = loopback(port);
  const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return ::connect(fd.get(), address.get(), address.size()) == 0;
}

// The first whole command, cut off; empty when there is none.
std::vector<std::string> take_command(std::string& input) {
  std::vector<std::string> words;
  size_t at = 0;
  const auto number = [&](char mark) -> int {
    const size_t end = input.find("\r\n", at);
    if (end == std::string::npos || input[at] != mark) return -1;
    const int value = std::stoi(input.substr(at + 1, end - at - 1));
    at = end + 2;
    return value;
  };
  const int count = number('*');
  for (int i = 0; i < count; ++i) {
    const int size = number('$');
    if (size < 0 || input.size() < at + static_cast<size_t>(size) + 2) return {};
    words.push_back(input.substr(at, static_cast<size_t>(size)));
    at += static_cast<size_t>(size) + 2;
  }
  if (!words.empty()) input.erase(0, at);
  return words;
}

}  // namespace

int free_port() {
  // Each test program starts elsewhere, so that several can run at once.
  static int next = 20000 + static_cast<int>(getpid()) * 41 % 11900;
  for (;;) {
    const int port = next++;
    if (next >= 32000) next = 20000;
    if (listen_tcp(loopback(port))) return port;
  }
}

RedisServer::RedisServer(std::vector<std::string> options)
    : port_(free_port()), options_(std::move(options)) {
  char folder[] = "/tmp/openmmp-redis-XXXXXX";
  folder_ = mkdtemp(folder);
  start();
}

RedisServer::~RedisServer() {
  kill();
  std::filesystem::remove_all(folder_);
}

void RedisServer::start() {
  std::vector<std::string> words{"/usr/bin/redis-server",
                                 "--bind",
                                 "127.0.0.1",
                                 "--port",
                                 std::to_string(port_),
                                 "--dir",
                                 folder_,
                                 "--save",
                                 ""};
  words.insert(words.end(), options_.begin(), options_.end());
  pid_ = run(std::move(words), folder_ + "/log");
  while (!accepts(port_)) {
    if (waitpid(pid_, nullptr, WNOHANG) != 0) {
      ADD_FAILURE() << "redis-server has ended: " << text_of(folder_ + "/log");
      pid_ = -1;
      return;
    }
    usleep(1000);
  }
}

void RedisServer::kill() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void RedisServer::pause() { ::kill(pid_, SIGSTOP); }
void RedisServer::resume() { ::kill(pid_, SIGCONT); }

std::string RedisServer::url() const { return fmt::format("redis://127.0.0.1:{}", port_); }

std::string RedisServer::ask(std::vector<std::string> words) const {
  std::vector<std::string> all{"/usr/bin/redis-cli", "-p", std::to_string(port_)};
  all.insert(all.end(), words.begin(), words.end());
  int status = -1;
  waitpid(run(std::move(all), folder_ + "/answer"), &status, 0);
  EXPECT_EQ(status, 0);
  return text_of(folder_ + "/answer");
}

StubRedis::StubRedis() : port_(free_port()), listener_(std::move(*listen_tcp(loopback(port_)))) {}

std::string StubRedis::url() const { return fmt::format("redis://127.0.0.1:{}", port_); }

int StubRedis::heard(const std::string& command) const {
  const auto found = heard_.find(command);
  return found == heard_.end() ? 0 : found->second;
}

void StubRedis::turn() {
  for (;;) {
    UniqueFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd) break;
    ++connections_;
    clients_.emplace_back().fd = std::move(fd);
  }
  for (Client& client : clients_) {
    char bytes[65536];
    for (ssize_t got; (got = ::recv(client.fd.get(), bytes, sizeof bytes, 0)) > 0;) {
      client.input.append(bytes, static_cast<size_t>(got));
    }
    for (;;) {
      const std::vector<std::string> words = take_command(client.input);
      if (words.empty()) break;
      answer(client, words);
    }
  }
  for (Client& client : clients_) {
    const ssize_t sent =
        ::send(client.fd.get(), client.output.data(), client.output.size(), MSG_NOSIGNAL);
    if (sent > 0) client.output.erase(0, static_cast<size_t>(sent));
  }
}

void StubRedis::answer(Client& client, const std::vector<std::string>& words) {
  const std::string& command = words.front();
  ++heard_[command];
  std::string reply = ":1\r\n";
  if (command == "SET" || command == "AUTH" || command == "SELECT") reply = "+OK\r\n";
  if (command == "SUBSCRIBE") reply = "*3\r\n$9\r\nsubscribe\r\n" + resp(words[1]) + ":1\r\n";
  if (command == "SCAN") reply = "*2\r\n$1\r\n0\r\n*0\r\n";
  if (command == "TIME") reply = resp_list({"1700000000", "500"});
  if (const auto told = replies_.find(command); told != replies_.end()) reply = told->second;
  client.subscribed = client.subscribed || command == "SUBSCRIBE";
  client.mute = client.mute || reply.empty();
  if (!client.mute) client.output += reply;
  // A member hears its own beats.
  if (command == "PUBLISH") say_to_subscribers(resp_list({"message", words[1], words[2]}));
}

void StubRedis::say_to_subscribers(const std::string& bytes) {
  for (Client& client : clients_) {
    if (client.subscribed && !client.mute) client.output += bytes;
  }
}

std::string resp(const std::string& text) {
  return fmt::format("${}\r\n{}\r\n", text.size(), text);
}

std::string resp_list(const std::vector<std::string>& items) {
  std::string list = fmt::format("*{}\r\n", items.size());
  for (const std::string& item : items) list += resp(item);
  return list;
}

}  // namespace openmmp::state
