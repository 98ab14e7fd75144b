#include "workers/proxy/proxy_header.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <vector>

#include "ipc/runtime/text.h"

namespace openmmp::proxy {
namespace {

using Parsed = std::optional<ParsedProxyHeader>;

constexpr std::string_view v1_signature = "PROXY ";
constexpr std::string_view v2_signature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr size_t v2_fixed = 16;
constexpr size_t max_string = 255;

constexpr unsigned char command_local = 0x20;
constexpr unsigned char command_proxy = 0x21;

constexpr unsigned char family_unspecified = 0x00;
constexpr unsigned char family_tcp4 = 0x11;
constexpr unsigned char family_tcp6 = 0x21;
constexpr unsigned char family_unix = 0x31;

constexpr size_t tcp4_addresses = 12;
constexpr size_t tcp6_addresses = 36;
constexpr size_t unix_addresses = 216;

namespace tlv {
constexpr unsigned char alpn = 0x01;
constexpr unsigned char authority = 0x02;
constexpr unsigned char crc32c = 0x03;
constexpr unsigned char unique_id = 0x05;
constexpr unsigned char ssl = 0x20;
constexpr unsigned char ssl_version = 0x21;
constexpr unsigned char ssl_common_name = 0x22;
constexpr unsigned char ssl_cipher = 0x23;
}  // namespace tlv

constexpr unsigned char client_tls = 0x01;
constexpr unsigned char client_cert_now = 0x02;
constexpr unsigned char client_cert_in_session = 0x04;

Failure wrong(std::string_view what) {
  return fail(Errc::protocol, fmt::format("PROXY header: {}", what));
}

unsigned char byte_at(std::string_view bytes, size_t i) {
  return static_cast<unsigned char>(bytes[i]);
}

uint32_t big_endian(std::string_view bytes) {
  uint32_t value = 0;
  for (const char c : bytes) value = value << 8 | static_cast<unsigned char>(c);
  return value;
}

void append_big_endian(std::string& bytes, uint32_t value, unsigned width) {
  while (width-- > 0) bytes += static_cast<char>(value >> (8 * width) & 0xff);
}

constexpr std::array<uint32_t, 256> crc32c_table = [] {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < table.size(); ++i) {
    uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = value >> 1 ^ ((value & 1) != 0 ? 0x82f63b78 : 0);
    table[i] = value;
  }
  return table;
}();

// RFC 3720 appendix B.4.
uint32_t crc32c(std::string_view bytes) {
  uint32_t value = 0xffffffff;
  for (const char c : bytes) {
    value = value >> 8 ^ crc32c_table[(value ^ static_cast<unsigned char>(c)) & 0xff];
  }
  return ~value;
}

// A text that a log line could not show as it is might be made to look like another.
std::string presentable(std::string_view text) {
  const bool good = text.size() <= max_string && is_utf8(text) &&
                    std::none_of(text.begin(), text.end(), is_control);
  return good ? std::string(text) : std::string();
}

Result<SocketAddress> parse_v1_address(std::string_view ip, std::string_view port, bool v6) {
  uint16_t number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  const bool zero_leads = port.size() > 1 && port.front() == '0';
  if (error != std::errc() || end != port.data() + port.size() || zero_leads) {
    return wrong("a port is malformed");
  }
  const Result<SocketAddress> address = SocketAddress::parse(ip, number);
  if (!address || (ip.find(':') != std::string_view::npos) != v6) {
    return wrong("an address is malformed");
  }
  return address;
}

// What stands between "PROXY " and CRLF.
Result<ProxyHeader> parse_v1_line(std::string_view line) {
  ProxyHeader header;
  if (line == "UNKNOWN" || line.starts_with("UNKNOWN ")) {
    header.local = true;
    return header;
  }
  std::vector<std::string_view> words;
  for (;;) {
    const size_t blank = std::min(line.find(' '), line.size());
    words.push_back(line.substr(0, blank));
    if (blank == line.size()) break;
    line.remove_prefix(blank + 1);
  }
  const bool v6 = words[0] == "TCP6";
  if (words.size() != 5 || (words[0] != "TCP4" && !v6)) {
    return wrong("the line is none of TCP4, TCP6 and UNKNOWN");
  }
  const Result<SocketAddress> source = parse_v1_address(words[1], words[3], v6);
  if (!source) return fail(source.error());
  const Result<SocketAddress> destination = parse_v1_address(words[2], words[4], v6);
  if (!destination) return fail(destination.error());
  header.source = *source;
  header.destination = *destination;
  return header;
}

Result<Parsed> parse_v1(std::string_view bytes) {
  const std::string_view line = bytes.substr(0, max_proxy_v1);
  const size_t end = line.find_first_of(std::string_view("\r\n\0", 3));
  if (end == std::string_view::npos || end + 1 == line.size()) {
    if (line.size() == max_proxy_v1) return wrong("the line is longer than 107 bytes");
    if (end == std::string_view::npos || line[end] == '\r') return Parsed();
  }
  if (line.substr(end, 2) != "\r\n") return wrong("the line does not end in CRLF");
  const size_t start = v1_signature.size();
  Result<ProxyHeader> header = parse_v1_line(line.substr(start, end - start));
  if (!header) return fail(std::move(header.error()));
  return ParsedProxyHeader{std::move(*header), end + 2};
}

// Cuts type, length and value off `block`, which is not empty.
Result<std::pair<unsigned char, std::string_view>> take_tlv(std::string_view& block) {
  if (block.size() < 3) return wrong("a TLV is cut off");
  const unsigned char type = byte_at(block, 0);
  const size_t length = big_endian(block.substr(1, 2));
  block.remove_prefix(3);
  if (length > block.size()) return wrong("a TLV is longer than what holds it");
  const std::string_view value = block.substr(0, length);
  block.remove_prefix(length);
  return std::pair(type, value);
}

Result<> parse_ssl(std::string_view value, ProxyHeader& header) {
  if (value.size() < 5) return wrong("the SSL TLV is too short");
  const unsigned char client = byte_at(value, 0);
  const bool good = big_endian(value.substr(1, 4)) == 0;
  value.remove_prefix(5);
  ProxiedTls tls;
  tls.client_cert = (client & (client_cert_now | client_cert_in_session)) != 0;
  tls.verified = tls.client_cert && good;
  while (!value.empty()) {
    const auto part = take_tlv(value);
    if (!part) return fail(part.error());
    const auto [type, text] = *part;
    if (type == tlv::ssl_version) tls.version = presentable(text);
    if (type == tlv::ssl_cipher) tls.cipher = presentable(text);
    if (type == tlv::ssl_common_name) tls.common_name = presentable(text);
  }
  if ((client & client_tls) != 0) header.tls = std::move(tls);
  return {};
}

// The checksum is over all bytes, with zeros in its own place.
Result<> check_crc(std::string_view bytes, std::string_view checksum) {
  if (checksum.size() != 4) return wrong("the checksum has not four bytes");
  std::string zeroed(bytes);
  const auto at = static_cast<size_t>(checksum.data() - bytes.data());
  zeroed.replace(at, 4, 4, '\0');
  if (crc32c(zeroed) != big_endian(checksum)) return wrong("the checksum is wrong");
  return {};
}

// `block` is the part of `bytes` behind the addresses.
Result<> parse_tlvs(std::string_view bytes, std::string_view block, ProxyHeader& header) {
  while (!block.empty()) {
    const auto part = take_tlv(block);
    if (!part) return fail(part.error());
    const auto [type, value] = *part;
    Result<> done;
    if (type == tlv::alpn) header.alpn = presentable(value);
    if (type == tlv::authority) header.authority = presentable(value);
    if (type == tlv::unique_id) header.unique_id = presentable(value);
    if (type == tlv::ssl) done = parse_ssl(value, header);
    if (type == tlv::crc32c) done = check_crc(bytes, value);
    if (!done) return done;
  }
  return {};
}

SocketAddress address_from(std::string_view ip, std::string_view port) {
  IpBytes bytes = SocketAddress().ip_bytes();  // mapped, for the four bytes of IPv4
  std::copy(ip.begin(), ip.end(), bytes.end() - static_cast<std::ptrdiff_t>(ip.size()));
  return SocketAddress::from_bytes(bytes, static_cast<uint16_t>(big_endian(port)));
}

// Reads the addresses and returns how many bytes they are.
Result<size_t> parse_addresses(unsigned char family, std::string_view block, ProxyHeader& header) {
  const bool is_unix = family == family_unix;
  const size_t size = is_unix                 ? unix_addresses
                      : family == family_tcp4 ? tcp4_addresses
                                              : tcp6_addresses;
  if (block.size() < size) return wrong("it is too short for its addresses");
  header.local = is_unix;
  if (is_unix) return size;
  const size_t ip = size / 2 - 2;
  header.source = address_from(block.substr(0, ip), block.substr(2 * ip, 2));
  header.destination = address_from(block.substr(ip, ip), block.substr(2 * ip + 2, 2));
  return size;
}

// What the 16 bytes say that every header of version 2 begins with.
struct V2Start {
  unsigned char command = 0;
  unsigned char family = 0;
  size_t length = 0;  // of the block that follows
  // Nothing in such a header speaks of a client.
  bool is_local() const { return command == command_local || family == family_unspecified; }
};

Result<V2Start> parse_v2_start(std::string_view bytes) {
  V2Start start;
  const size_t at = v2_signature.size();
  start.command = byte_at(bytes, at);
  start.family = byte_at(bytes, at + 1);
  start.length = big_endian(bytes.substr(at + 2, 2));
  if (start.length > max_proxy_v2_block) return wrong("it is longer than 4096 bytes");
  const bool is_known =
      start.family == family_tcp4 || start.family == family_tcp6 || start.family == family_unix;
  if (!is_known && !start.is_local()) {
    return wrong("the address family is none of TCP4, TCP6 and UNIX");
  }
  return start;
}

// `bytes` are the whole header.
Result<ProxyHeader> parse_v2_block(std::string_view bytes, unsigned char family) {
  ProxyHeader header;
  const std::string_view block = bytes.substr(v2_fixed);
  const Result<size_t> addresses = parse_addresses(family, block, header);
  if (!addresses) return fail(addresses.error());
  const Result<> tlvs = parse_tlvs(bytes, block.substr(*addresses), header);
  if (!tlvs) return fail(tlvs.error());
  return header;
}

Result<Parsed> parse_v2(std::string_view bytes) {
  const size_t at_command = v2_signature.size();
  if (bytes.size() <= at_command) return Parsed();
  const unsigned char command = byte_at(bytes, at_command);
  if (command != command_local && command != command_proxy) {
    return wrong("version or command is unknown");
  }
  if (bytes.size() < v2_fixed) return Parsed();
  const Result<V2Start> start = parse_v2_start(bytes);
  if (!start) return fail(start.error());
  const size_t length = v2_fixed + start->length;
  if (bytes.size() < length) return Parsed();
  if (start->is_local()) {
    ProxyHeader header;
    header.local = true;
    return ParsedProxyHeader{std::move(header), length};
  }
  Result<ProxyHeader> header = parse_v2_block(bytes.substr(0, length), start->family);
  if (!header) return fail(std::move(header.error()));
  return ParsedProxyHeader{std::move(*header), length};
}

bool begins_alike(std::string_view a, std::string_view b) {
  const size_t common = std::min(a.size(), b.size());
  return a.substr(0, common) == b.substr(0, common);
}

std::string v1_ip(const SocketAddress& address, bool v6) {
  const bool mapped = v6 && address.family() == AF_INET;
  return (mapped ? "::ffff:" : "") + address.ip();
}

void append_tlv(std::string& bytes, unsigned char type, std::string_view value) {
  bytes += static_cast<char>(type);
  append_big_endian(bytes, static_cast<uint32_t>(value.size()), 2);
  bytes += value;
}

void append_text(std::string& bytes, unsigned char type, std::string_view text) {
  const std::string value = presentable(text);
  if (!value.empty()) append_tlv(bytes, type, value);
}

std::string ssl_value(const ProxiedTls& tls) {
  const unsigned char cert = tls.client_cert ? client_cert_now | client_cert_in_session : 0;
  std::string value(1, static_cast<char>(client_tls | cert));
  append_big_endian(value, tls.client_cert && !tls.verified ? 1 : 0, 4);
  append_text(value, tlv::ssl_version, tls.version);
  append_text(value, tlv::ssl_common_name, tls.common_name);
  append_text(value, tlv::ssl_cipher, tls.cipher);
  return value;
}

// With both addresses of one family, which is IPv6 when they differ.
bool needs_v6(const ProxyHeader& header) {
  return header.source.family() != AF_INET || header.destination.family() != AF_INET;
}

std::string address_block(const ProxyHeader& header) {
  const bool v6 = needs_v6(header);
  std::string block;
  for (const SocketAddress& address : {header.source, header.destination}) {
    const IpBytes ip = address.ip_bytes();
    block.append(v6 ? ip.begin() : ip.begin() + 12, ip.end());
  }
  append_big_endian(block, header.source.port(), 2);
  append_big_endian(block, header.destination.port(), 2);
  return block;
}

}  // namespace

Result<Parsed> parse_proxy_header(std::string_view bytes) {
  if (bytes.empty()) return Parsed();
  if (begins_alike(bytes, v1_signature)) return parse_v1(bytes);
  if (begins_alike(bytes, v2_signature)) return parse_v2(bytes);
  return wrong("the connection does not begin with one");
}

std::string proxy_v1(const ProxyHeader& header) {
  if (header.local) return "PROXY UNKNOWN\r\n";
  const bool v6 = needs_v6(header);
  return fmt::format("PROXY {} {} {} {} {}\r\n", v6 ? "TCP6" : "TCP4", v1_ip(header.source, v6),
                     v1_ip(header.destination, v6), header.source.port(),
                     header.destination.port());
}

std::string proxy_v2(const ProxyHeader& header) {
  std::string bytes(v2_signature);
  bytes += static_cast<char>(header.local ? command_local : command_proxy);
  if (header.local) return bytes.append(3, '\0');
  bytes += static_cast<char>(needs_v6(header) ? family_tcp6 : family_tcp4);
  std::string block = address_block(header);
  append_text(block, tlv::alpn, header.alpn);
  append_text(block, tlv::authority, header.authority);
  append_text(block, tlv::unique_id, header.unique_id);
  if (header.tls) append_tlv(block, tlv::ssl, ssl_value(*header.tls));
  append_tlv(block, tlv::crc32c, std::string_view("\0\0\0\0", 4));
  append_big_endian(bytes, static_cast<uint32_t>(block.size()), 2);
  bytes += block;
  const uint32_t checksum = crc32c(bytes);
  bytes.resize(bytes.size() - 4);
  append_big_endian(bytes, checksum, 4);
  return bytes;
}

}  // namespace openmmp::proxy
