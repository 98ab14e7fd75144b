#include "ipc/runtime/network.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace openmmp {
namespace {

constexpr unsigned mapped_bits = 96;
constexpr unsigned all_bits = 128;
// Longer than any network, and short enough to be repeated in an error.
constexpr size_t max_text = 100;

bool is_v4(const IpBytes& ip) { return SocketAddress::from_bytes(ip, 0).family() == AF_INET; }

IpBytes masked(const IpBytes& ip, unsigned prefix) {
  IpBytes result{};
  for (unsigned i = 0; i < result.size(); ++i) {
    const unsigned bits = prefix <= i * 8 ? 0 : std::min(prefix - i * 8, 8U);
    result[i] = static_cast<uint8_t>(ip[i] & (0xff00U >> bits));
  }
  return result;
}

Failure not_a_network(std::string_view text) {
  return fail(Errc::protocol,
              fmt::format("'{}' is not a network; accepted: 192.0.2.0/24, 2001:db8::/32, or an IP "
                          "address",
                          text.substr(0, max_text)));
}

std::optional<unsigned> parse_number(std::string_view text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole ? std::optional(value) : std::nullopt;
}

// How many ones a mask begins with, when only zeros follow.
std::optional<unsigned> prefix_of(const IpBytes& mask, unsigned from) {
  unsigned prefix = from;
  while (prefix < all_bits && (mask[prefix / 8] & (0x80U >> prefix % 8)) != 0) ++prefix;
  const bool zeros_follow =
      std::all_of(mask.begin() + (prefix + 7) / 8, mask.end(), [](uint8_t b) { return b == 0; });
  const bool ends_in_byte =
      prefix % 8 == 0 || static_cast<uint8_t>(mask[prefix / 8] << prefix % 8) == 0;
  return zeros_follow && ends_in_byte ? std::optional(prefix) : std::nullopt;
}

// The prefix that "/24" or "|255.255.255.0" behind `base` means, of 128 bits.
std::optional<unsigned> parse_prefix(const SocketAddress& base, char sign, std::string_view text) {
  const unsigned from = base.family() == AF_INET ? mapped_bits : 0;
  if (sign == '|') {
    const Result<SocketAddress> mask = SocketAddress::parse(text, 0);
    if (!mask || mask->family() != base.family()) return std::nullopt;
    return prefix_of(mask->ip_bytes(), from);
  }
  const std::optional<unsigned> number = parse_number(text);
  if (!number || *number > all_bits - from) return std::nullopt;
  return *number + from;
}

// A mapped address is written with the prefix of an IPv6 one.
std::optional<unsigned> parse_mapped_prefix(char sign, std::string_view text) {
  const std::optional<unsigned> number = parse_number(text);
  const bool good = sign == '/' && number && *number >= mapped_bits && *number <= all_bits;
  return good ? number : std::nullopt;
}

}  // namespace

Network::Network(const SocketAddress& base, unsigned prefix)
    : base_(masked(base.ip_bytes(), prefix)), prefix_(prefix) {}

Result<Network> Network::parse(std::string_view text) {
  const size_t at = std::min(text.find_first_of("/|"), text.size());
  const std::string_view ip = text.substr(0, at);
  const Result<SocketAddress> base = SocketAddress::parse(ip, 0);
  if (text.size() > max_text || !base) return not_a_network(text);
  if (at == text.size()) return Network(*base, all_bits);
  const char sign = text[at];
  const bool mapped = base->family() == AF_INET && ip.find(':') != std::string_view::npos;
  const std::optional<unsigned> prefix = mapped ? parse_mapped_prefix(sign, text.substr(at + 1))
                                                : parse_prefix(*base, sign, text.substr(at + 1));
  if (!prefix) return not_a_network(text);
  const Network network(*base, *prefix);
  if (sign == '/' && network.base_ != base->ip_bytes()) {
    return fail(Errc::protocol, fmt::format("'{}' has an address inside of its network; accepted: "
                                            "{} or {}",
                                            text, network.to_string(), base->ip()));
  }
  return network;
}

bool Network::contains(const SocketAddress& address) const {
  const IpBytes ip = address.ip_bytes();
  return is_v4(ip) == is_v4(base_) && masked(ip, prefix_) == base_;
}

std::string Network::to_string() const {
  const SocketAddress base = SocketAddress::from_bytes(base_, 0);
  if (prefix_ == all_bits) return base.ip();
  return fmt::format("{}/{}", base.ip(),
                     base.family() == AF_INET ? prefix_ - mapped_bits : prefix_);
}

Result<Networks> Networks::parse(std::string_view text) {
  constexpr std::string_view separators = " \t,";
  Networks result;
  for (size_t start = text.find_first_not_of(separators); start != std::string_view::npos;) {
    const size_t end = std::min(text.find_first_of(separators, start), text.size());
    const Result<Network> network = Network::parse(text.substr(start, end - start));
    if (!network) return fail(network.error());
    result.list_.push_back(*network);
    start = text.find_first_not_of(separators, end);
  }
  return result;
}

bool Networks::contains(const SocketAddress& address) const {
  return std::any_of(list_.begin(), list_.end(),
                     [&](const Network& network) { return network.contains(address); });
}

std::string Networks::to_string() const {
  std::string text;
  for (const Network& network : list_) {
    if (!text.empty()) text += ' ';
    text += network.to_string();
  }
  return text;
}

}  // namespace openmmp
