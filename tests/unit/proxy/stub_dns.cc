#include "tests/unit/proxy/stub_dns.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ipc/runtime/address.h"
#include "ipc/runtime/check.h"
#include "ipc/runtime/text.h"

namespace openmmp::proxy {
namespace {

constexpr size_t header_size = 12;

std::string number(uint16_t value) {
  return {static_cast<char>(value >> 8), static_cast<char>(value)};
}

std::string record(const DnsRecord& from) {
  return dns_name(from.name) + number(from.type) + number(1) + number(0) + number(60) +
         number(static_cast<uint16_t>(from.data.size())) + from.data;
}

std::string name_in(std::string_view question) {
  std::string name;
  size_t at = 0;
  while (at < question.size() && question[at] != 0) {
    const auto length = static_cast<size_t>(question[at]);
    if (!name.empty()) name += '.';
    name += question.substr(at + 1, length);
    at += 1 + length;
  }
  return lower_case(name);
}

}  // namespace

std::string dns_name(std::string_view name) {
  std::string bytes;
  while (!name.empty()) {
    const std::string_view label = name.substr(0, name.find('.'));
    bytes += static_cast<char>(label.size());
    bytes += label;
    name.remove_prefix(std::min(label.size() + 1, name.size()));
  }
  return bytes + '\0';
}

std::string dns_address(std::string_view ip) {
  const SocketAddress address = *SocketAddress::parse(ip, 0);
  const IpBytes bytes = address.ip_bytes();
  return {bytes.begin() + (address.family() == AF_INET ? 12 : 0), bytes.end()};
}

StubDns::StubDns(Loop& loop) {
  UniqueFd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  CHECK(fd);
  for (port_ = static_cast<uint16_t>(12000 + ::getpid() % 15000); port_ < 32000; ++port_) {
    const SocketAddress address = *SocketAddress::parse("127.0.0.1", port_);
    if (::bind(fd.get(), address.get(), address.size()) == 0) break;
  }
  CHECK(port_ < 32000);
  socket_ = PollHandle(loop, std::move(fd));
  socket_.set_owner(this, [](void* self, int) { static_cast<StubDns*>(self)->read(); });
  socket_.watch(PollHandle::readable);
}

std::string StubDns::server() const { return fmt::format("127.0.0.1:{}", port_); }

void StubDns::answer(const std::string& name, std::vector<DnsRecord> records) {
  Answer& to = answers_[name];
  for (const DnsRecord& one : records) to.bytes += record(one);
  to.count = static_cast<uint16_t>(records.size());
}

void StubDns::answer_raw(const std::string& name, std::string bytes) {
  answers_[name].bytes = std::move(bytes);
  answers_[name].count = 1;
}

void StubDns::fail(const std::string& name) { answers_[name].flags = 0x8182; }
void StubDns::truncate(const std::string& name) { answers_[name].flags = 0x8380; }
void StubDns::be_mute(const std::string& name) { answers_[name].mute = true; }

int StubDns::asked(const std::string& name) const {
  const auto found = asked_.find(name);
  return found == asked_.end() ? 0 : found->second;
}

int StubDns::asked() const {
  int sum = 0;
  for (const auto& [name, times] : asked_) sum += times;
  return sum;
}

void StubDns::read() {
  char query[512];
  sockaddr_in peer = {};
  socklen_t size = sizeof peer;
  // reinterpret_cast is what sockets ask for.
  auto* const address = reinterpret_cast<sockaddr*>(&peer);
  const ssize_t got = ::recvfrom(socket_.fd(), query, sizeof query, 0, address, &size);
  if (got < 0) return;
  const auto reply = reply_to({query, static_cast<size_t>(got)});
  if (reply) ::sendto(socket_.fd(), reply->data(), reply->size(), 0, address, size);
}

std::optional<std::string> StubDns::reply_to(std::string_view query) {
  CHECK(query.size() > header_size);
  const std::string_view question = query.substr(header_size);
  const std::string name = name_in(question);
  ++asked_[name];
  Answer no_such_name;
  no_such_name.flags = 0x8183;
  const auto known = answers_.find(name);
  const Answer& answer = known == answers_.end() ? no_such_name : known->second;
  if (answer.mute) return std::nullopt;
  // One question, so many answers, nothing else.
  return std::string(query.substr(0, 2)) + number(answer.flags) + number(1) + number(answer.count) +
         number(0) + number(0) + std::string(question) + answer.bytes;
}

}  // namespace openmmp::proxy
