// What a connection begins with.
#include "workers/proxy/proxy_header.h"

#include "tests/fuzz/fuzz.h"

namespace openmmp::fuzz {
namespace {

void check_text(std::string_view text) { CHECK(text.size() <= 255 && is_one_line(text)); }

void check_strings(const proxy::ProxyHeader& header) {
  check_text(header.authority);
  check_text(header.alpn);
  check_text(header.unique_id);
  if (!header.tls) return;
  check_text(header.tls->version);
  check_text(header.tls->cipher);
  check_text(header.tls->common_name);
  CHECK(header.tls->client_cert || !header.tls->verified);
}

void check_written(const proxy::ProxyHeader& header) {
  const std::string line = proxy::proxy_v1(header);
  const std::string bytes = proxy::proxy_v2(header);
  const auto first = proxy::parse_proxy_header(line);
  const auto second = proxy::parse_proxy_header(bytes);
  CHECK(first && *first && (*first)->length == line.size());
  CHECK(second && *second && (*second)->length == bytes.size());
  CHECK((*first)->header.source.to_string() == header.source.to_string());
  CHECK((*second)->header.source.to_string() == header.source.to_string());
  CHECK((*second)->header.destination.to_string() == header.destination.to_string());
  CHECK(header.local || (*second)->header.tls == header.tls);
  CHECK(header.local || (*second)->header.authority == header.authority);
}

}  // namespace

void check_input(std::string_view input) {
  const Exact bytes(input);
  const auto parsed = proxy::parse_proxy_header(bytes.view());
  if (!parsed) return;
  if (!*parsed) {
    CHECK(input.size() < 16 + proxy::max_proxy_v2_block);
    return;
  }
  const size_t length = (*parsed)->length;
  CHECK(length > 0 && length <= input.size());
  check_strings((*parsed)->header);
  const Exact less(input.substr(0, length - 1));
  const auto early = proxy::parse_proxy_header(less.view());
  CHECK(early && !*early);
  check_written((*parsed)->header);
}

}  // namespace openmmp::fuzz
