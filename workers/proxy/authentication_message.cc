#include "workers/proxy/authentication_message.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "ipc/runtime/text.h"

namespace openmmp::proxy {
namespace {

using Outcome = AuthenticationReply::Outcome;

constexpr long longest_wait = 3600;
constexpr size_t longest_reason = 200;
constexpr size_t longest_host_name = 253;

bool is_host_name(std::string_view text) {
  return !text.empty() && text.size() <= longest_host_name &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
                  c == '-' || c == '_';
         });
}

// A server for nginx undoes this for two headers, and for no other characters.
std::string escape(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string escaped;
  escaped.reserve(text.size() * 3);  // one block, so that one wipe does
  for (const char c : text) {
    if (c != ' ' && c != '%' && !is_control(c)) {
      escaped += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    escaped.append({'%', digits[byte >> 4], digits[byte & 15]});
  }
  return escaped;
}

// An attribute may be "cn;lang-de", a header's name may not.
std::string attribute_header(std::string name) {
  std::replace(name.begin(), name.end(), ';', '-');
  return "Auth-Ldap-" + name;
}

Result<> add_extra(HttpHeaders& headers, std::string_view extra) {
  if (extra.empty()) return {};
  const size_t colon = extra.find(':');
  if (colon == extra.npos) {
    return fail(Errc::unavailable, "AuthenticationHeader is not of the form 'NAME: VALUE'");
  }
  const size_t value = std::min(extra.find_first_not_of(' ', colon + 1), extra.size());
  headers.emplace_back(extra.substr(0, colon), extra.substr(value));
  return {};
}

// The one header of that name; null: there is none. Two would leave a choice.
Result<const std::string*> find_one(const HttpResponse& response, std::string_view name) {
  const auto count = std::count_if(response.headers.begin(), response.headers.end(),
                                   [name](const auto& header) { return header.first == name; });
  if (count > 1) return fail(Errc::protocol, fmt::format("the header {} twice", name));
  return response.find(name);
}

// Digits and nothing else; otherwise -1.
long number_of(std::string_view text) {
  long number = -1;
  const char* const end = text.data() + text.size();
  const bool digits = !text.empty() && text.front() != '-';
  const auto read = std::from_chars(text.data(), end, number);
  return digits && read.ec == std::errc() && read.ptr == end ? number : -1;
}

Result<std::optional<HostPort>> server_of(const std::string* host, const std::string* port) {
  if (host == nullptr && port == nullptr) return std::optional<HostPort>();
  if (host == nullptr) return fail(Errc::protocol, "Auth-Port without Auth-Server");
  std::string_view name = *host;
  if (name.starts_with('[') && name.ends_with(']')) name = name.substr(1, name.size() - 2);
  if (!is_host_name(name) && !SocketAddress::parse(name, 0)) {
    return fail(Errc::protocol, "Auth-Server is no name or address");
  }
  const long number = port == nullptr ? 0 : number_of(*port);
  if (port != nullptr && (number < 1 || number > 65535)) {
    return fail(Errc::protocol, "Auth-Port is no port");
  }
  return std::optional(HostPort(std::string(name), static_cast<uint16_t>(number)));
}

struct Headers {
  const std::string* status = nullptr;
  const std::string* server = nullptr;
  const std::string* port = nullptr;
  const std::string* user = nullptr;
  const std::string* password = nullptr;
  const std::string* wait = nullptr;
  const std::string* error_code = nullptr;
};

Result<Headers> headers_of(const HttpResponse& response) {
  Headers headers;
  const std::pair<const char*, const std::string**> wanted[] = {
      {"auth-status", &headers.status},
      {"auth-server", &headers.server},
      {"auth-port", &headers.port},
      {"auth-user", &headers.user},
      {"auth-pass", &headers.password},
      {"auth-wait", &headers.wait},
      {"auth-error-code", &headers.error_code},
  };
  for (const auto& [name, place] : wanted) {
    const auto found = find_one(response, name);
    if (!found) return fail(found.error());
    *place = *found;
  }
  return headers;
}

Result<AuthenticationReply> accept(const Headers& headers, AuthenticationReply reply) {
  auto server = server_of(headers.server, headers.port);
  if (!server) return fail(server.error());
  reply.outcome = Outcome::accepted;
  reply.answer.server = std::move(*server);
  if (headers.user != nullptr) reply.answer.user = *headers.user;
  if (headers.password != nullptr && !headers.password->empty()) {
    reply.answer.password = Secret::copy_of(*headers.password);
  }
  return reply;
}

}  // namespace

Result<AuthenticationServer> AuthenticationServer::parse(std::string_view text) {
  constexpr std::string_view scheme = "http://";
  if (starts_with_ignoring_case(text, scheme)) text.remove_prefix(scheme.size());
  const size_t slash = std::min(text.find('/'), text.size());
  Result<HostPort> server = parse_host_port(text.substr(0, slash));
  if (!server) return fail(server.error());
  AuthenticationServer result;
  result.server = std::move(*server);
  if (result.server.port == 0) result.server.port = 80;
  if (slash < text.size()) result.path = text.substr(slash);
  return result;
}

Result<HttpRequest> authentication_request(const AuthenticationServer& server,
                                           std::string_view extra_header,
                                           const AuthenticationQuestion& question) {
  HttpRequest request;
  request.server = server.server;
  request.path = server.path;
  request.wants_body = false;
  HttpHeaders& headers = request.headers;
  headers.reserve(12 + question.attributes.size());  // a growing vector leaves copies behind
  headers.emplace_back("Auth-Method", question.method);
  headers.emplace_back("Auth-User", escape(question.user));
  headers.emplace_back("Auth-Pass", escape(question.password.reveal()));
  headers.emplace_back("Auth-Protocol", question.protocol);
  headers.emplace_back("Auth-Login-Attempt", std::to_string(question.attempt));
  headers.emplace_back("Client-IP", question.client_ip);
  // The name and the next one are a stranger's words.
  if (!question.client_name.empty()) {
    headers.emplace_back(
        "Client-Host", is_host_name(question.client_name) ? question.client_name : "[UNAVAILABLE]");
  }
  if (question.tls) {
    headers.emplace_back("Auth-SSL", "on");
    if (!question.tls_protocol.empty()) {
      headers.emplace_back("Auth-SSL-Protocol", question.tls_protocol);
    }
    if (!question.tls_cipher.empty()) headers.emplace_back("Auth-SSL-Cipher", question.tls_cipher);
    if (is_host_name(question.server_name)) {
      headers.emplace_back("Auth-SSL-Server-Name", question.server_name);
    }
  }
  for (const auto& [name, value] : question.attributes) {
    headers.emplace_back(attribute_header(name), escape(value));
  }
  if (const Result<> added = add_extra(headers, extra_header); !added) return fail(added.error());
  return request;
}

Result<AuthenticationReply> read_authentication_reply(const HttpResponse& response) {
  if (response.status >= 500) {
    return fail(Errc::protocol, fmt::format("HTTP status {}", response.status));
  }
  const Result<Headers> headers = headers_of(response);
  if (!headers) return fail(headers.error());
  // nginx takes its absence for OK. An error page must not let anybody in.
  if (headers->status == nullptr) {
    return fail(Errc::protocol, fmt::format("HTTP status {} without Auth-Status", response.status));
  }
  AuthenticationReply reply;
  reply.reason = one_line(std::string_view(*headers->status).substr(0, longest_reason));
  if (headers->wait != nullptr) {
    reply.wait = std::chrono::seconds(std::clamp(number_of(*headers->wait), 0L, longest_wait));
  }
  if (*headers->status == "OK") {
    if (response.status < 300) return accept(*headers, std::move(reply));
    return fail(Errc::protocol, fmt::format("HTTP status {} with OK", response.status));
  }
  reply.outcome = Outcome::refused;
  if (*headers->status == "WAIT") reply.outcome = Outcome::ask_again;
  if (headers->error_code != nullptr && headers->error_code->starts_with('4')) {
    reply.outcome = Outcome::temporary;
  }
  return reply;
}

}  // namespace openmmp::proxy
