#include "workers/directory/ldap_client.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <ldap.h>
#include <string.h>

#include <algorithm>

namespace openmmp::directory {

namespace {

constexpr const char* system_ca_file = "/etc/ssl/certs/ca-certificates.crt";
// A server that does not even take the connection is given up sooner than one that thinks.
constexpr Millis max_connect_time{5000};

// How long one step of opening may take: whoever waits for a connection from the start of the
// attempt shall see the last server tried before his own time is up.
Millis step_time(const LdapAccess& access) {
  return access.timeout / static_cast<int>(access.servers.size() + 1);
}

timeval to_timeval(Millis time) {
  timeval result{};
  result.tv_sec = static_cast<time_t>(time.count() / 1000);
  result.tv_usec = static_cast<suseconds_t>(time.count() % 1000 * 1000);
  return result;
}

struct FreeText {
  void operator()(char* text) const { ldap_memfree(text); }
};
struct FreeValues {
  void operator()(berval* values) const { ber_memfree(values); }
};
struct FreePosition {
  void operator()(BerElement* position) const { ber_free(position, 0); }
};
using MessagePtr = std::unique_ptr<LDAPMessage, LdapClient::FreeMessage>;
using TextPtr = std::unique_ptr<char, FreeText>;
using ValuesPtr = std::unique_ptr<berval, FreeValues>;
using PositionPtr = std::unique_ptr<BerElement, FreePosition>;

std::string_view text_of(const berval& text) { return {text.bv_val, text.bv_len}; }

// Calls take(entry, name, value) for each value, which lies in the message itself and not in a
// copy.
template <class Take>
Entry read_message(LDAP* connection, LDAPMessage* message, Take take) {
  BerElement* start = nullptr;
  berval dn{};
  const int status = ldap_get_dn_ber(connection, message, &start, &dn);
  const PositionPtr position(start);
  if (status != LDAP_SUCCESS) return Entry();
  Entry entry{std::string(text_of(dn))};
  for (;;) {
    berval name{};
    berval* first = nullptr;
    const int read = ldap_get_attribute_ber(connection, message, position.get(), &name, &first);
    const ValuesPtr values(first);
    if (read != LDAP_SUCCESS || name.bv_val == nullptr) return entry;
    for (berval* i = first; i != nullptr && i->bv_val != nullptr; ++i) take(entry, name, *i);
  }
}

// Whether a search failed because of the connection, and not because of what it asks.
bool is_fatal(int status) {
  return status == LDAP_SERVER_DOWN || status == LDAP_CONNECT_ERROR || status == LDAP_TIMEOUT ||
         status == LDAP_BUSY || status == LDAP_UNAVAILABLE || status == LDAP_LOCAL_ERROR;
}

// A syntax that a server does not know is one that none of its entries has.
bool is_about_base(int status) {
  return status == LDAP_NO_SUCH_OBJECT || status == LDAP_INVALID_DN_SYNTAX;
}

// What servers say of a wrong password, a DN that is gone, an entry without a password, and, the
// last two, an account that is locked or was tried too often.
bool is_about_user(int status) {
  return status == LDAP_INVALID_CREDENTIALS || status == LDAP_NO_SUCH_OBJECT ||
         status == LDAP_INAPPROPRIATE_AUTH || status == LDAP_UNWILLING_TO_PERFORM ||
         status == LDAP_CONSTRAINT_VIOLATION;
}

void set_nonblocking(int fd) { fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK); }

}  // namespace

LdapAccess LdapAccess::copy() const {
  LdapAccess result;
  result.servers = servers;
  result.bind_dn = bind_dn;
  result.bind_pass = Secret::copy_of(bind_pass.reveal());
  result.start_tls = start_tls;
  result.verify = verify;
  result.ca_file = ca_file;
  result.timeout = timeout;
  return result;
}

void LdapClient::FreeMessage::operator()(::ldapmsg* message) const { ldap_msgfree(message); }

void LdapClient::Unbind::operator()(::ldap* connection) const {
  ldap_unbind_ext(connection, nullptr, nullptr);
}

Result<LdapClient> LdapClient::open(const LdapAccess& access) {
  std::string reasons;
  for (const std::string& server : access.servers) {
    Result<LdapClient> client = open_server(access, server);
    if (client) return client;
    if (!reasons.empty()) reasons += "; ";
    reasons += client.error().detail;
  }
  return fail(Errc::unavailable, std::move(reasons));
}

Result<LdapClient> LdapClient::open_server(const LdapAccess& access, const std::string& server) {
  LDAP* connection = nullptr;
  const int status = ldap_initialize(&connection, server.c_str());
  LdapClient client(connection, server);
  if (status != LDAP_SUCCESS) return client.error(Errc::unavailable, "initialize", status);
  if (const Result<> set = client.set_options(access); !set) return fail(set.error());
  if (const int connected = ldap_connect(connection); connected != LDAP_SUCCESS) {
    return client.error(Errc::unavailable, "connect", connected);
  }
  // From here on a server that sends half an answer must not hold up whoever reads it.
  set_nonblocking(client.fd());
  if (access.start_tls && server.starts_with("ldap://")) {
    const int started = ldap_start_tls_s(connection, nullptr, nullptr);
    if (started != LDAP_SUCCESS) return client.error(Errc::unavailable, "StartTLS", started);
    set_nonblocking(client.fd());
  }
  if (const Result<> bound = client.bind(access); !bound) return fail(bound.error());
  if (const Result<> done = client.duplicate_descriptor(); !done) return fail(done.error());
  return client;
}

Result<> LdapClient::set_options(const LdapAccess& access) {
  const timeval operation = to_timeval(step_time(access));
  const timeval network = to_timeval(std::min(step_time(access), max_connect_time));
  const int version = LDAP_VERSION3;
  const int deref = LDAP_DEREF_NEVER;
  const int verify = access.verify ? LDAP_OPT_X_TLS_DEMAND : LDAP_OPT_X_TLS_NEVER;
  // An idle connection whose server has silently gone is noticed in about two minutes.
  const int idle = 60;
  const int probes = 3;
  const int interval = 20;
  const int as_client = 0;
  const std::string ca_file = access.ca_file.empty() ? system_ca_file : access.ca_file;
  // The TLS context is made of the TLS options set before it.
  const std::pair<int, const void*> options[] = {
      {LDAP_OPT_PROTOCOL_VERSION, &version},
      {LDAP_OPT_NETWORK_TIMEOUT, &network},
      {LDAP_OPT_TIMEOUT, &operation},
      {LDAP_OPT_DEREF, &deref},
      {LDAP_OPT_REFERRALS, LDAP_OPT_OFF},
      {LDAP_OPT_RESTART, LDAP_OPT_ON},
      {LDAP_OPT_X_KEEPALIVE_IDLE, &idle},
      {LDAP_OPT_X_KEEPALIVE_PROBES, &probes},
      {LDAP_OPT_X_KEEPALIVE_INTERVAL, &interval},
      {LDAP_OPT_X_TLS_REQUIRE_CERT, &verify},
      {LDAP_OPT_X_TLS_CACERTFILE, ca_file.c_str()},
      {LDAP_OPT_X_TLS_NEWCTX, &as_client},
  };
  const bool uses_tls = access.start_tls || server_.starts_with("ldaps://");
  for (const auto& [option, value] : options) {
    const bool is_tls = option >= LDAP_OPT_X_TLS && option < LDAP_OPT_X_SASL_MECH;
    if (is_tls && !uses_tls) continue;
    if (ldap_set_option(connection_.get(), option, value) != LDAP_OPT_SUCCESS) {
      return fail(Errc::unavailable,
                  fmt::format("{}: libldap does not take option {:#x}{}", server_, option,
                              is_tls ? ", is LdapCaFile a file of certificates?" : ""));
    }
  }
  return {};
}

// Anonymous access binds too: it is the first sign of life from the server.
Result<> LdapClient::bind(const LdapAccess& access) {
  // libldap takes it as char*, but does not write to it.
  std::string password(access.bind_pass.reveal());
  berval credentials{password.size(), password.data()};
  const int status = ldap_sasl_bind_s(connection_.get(), access.bind_dn.c_str(), LDAP_SASL_SIMPLE,
                                      &credentials, nullptr, nullptr, nullptr);
  wipe(password);
  if (status != LDAP_SUCCESS) return error(Errc::unavailable, "bind", status);
  return {};
}

Result<> LdapClient::duplicate_descriptor() {
  descriptor_ = UniqueFd(fcntl(fd(), F_DUPFD_CLOEXEC, 0));
  if (descriptor_) return {};
  return fail(Errc::unavailable, fmt::format("{}: no file descriptor is left", server_));
}

int LdapClient::fd() const {
  int fd = -1;
  ldap_get_option(connection_.get(), LDAP_OPT_DESC, &fd);
  return fd;
}

Result<int> LdapClient::start_search(const SearchRequest& request) {
  constexpr int size_limit = 2;  // one is right, and a second one proves that it is not
  std::vector<std::string> names = request.attributes;
  if (names.empty()) names.push_back(LDAP_NO_ATTRS);  // an empty list would ask for all
  std::vector<char*> attributes;
  for (std::string& name : names) attributes.push_back(name.data());
  attributes.push_back(nullptr);
  int search = 0;
  const int scope = request.scope == Scope::base ? LDAP_SCOPE_BASE : LDAP_SCOPE_SUBTREE;
  const int status =
      ldap_search_ext(connection_.get(), request.base.c_str(), scope, request.filter.c_str(),
                      attributes.data(), 0, nullptr, nullptr, nullptr, size_limit, &search);
  if (status == LDAP_SUCCESS) return search;
  return error(is_fatal(status) ? Errc::closed : Errc::internal, "search", status);
}

Result<int> LdapClient::start_bind(const std::string& dn, const Secret& password) {
  // libldap takes it as char*, but does not write to it.
  std::string text(password.reveal());
  berval credentials{text.size(), text.data()};
  int bind = 0;
  const int status = ldap_sasl_bind(connection_.get(), dn.c_str(), LDAP_SASL_SIMPLE, &credentials,
                                    nullptr, nullptr, &bind);
  wipe(text);
  if (status == LDAP_SUCCESS) return bind;
  return error(is_fatal(status) ? Errc::closed : Errc::internal, "bind", status);
}

void LdapClient::abandon(int search) {
  ldap_abandon_ext(connection_.get(), search, nullptr, nullptr);
}

Result<std::optional<LdapClient::Message>> LdapClient::receive() {
  timeval no_time{};
  LDAPMessage* raw = nullptr;
  const int type = ldap_result(connection_.get(), LDAP_RES_ANY, LDAP_MSG_ONE, &no_time, &raw);
  MessagePtr message(raw);
  if (type == 0) return std::optional<Message>();
  if (type < 0) {
    int status = LDAP_SERVER_DOWN;
    ldap_get_option(connection_.get(), LDAP_OPT_RESULT_CODE, &status);
    return error(Errc::closed, "receive", status);
  }
  Message result;
  result.search = ldap_msgid(raw);
  if (type == LDAP_RES_SEARCH_ENTRY) {
    result.entry = std::move(message);
  } else if (type == LDAP_RES_SEARCH_RESULT || type == LDAP_RES_BIND) {
    result.end = read_end(*raw, type == LDAP_RES_BIND);
  } else if (result.search == 0) {
    // The one unsolicited message that there is: notice of disconnection.
    return error(Errc::closed, "receive", LDAP_SERVER_DOWN);
  } else {
    result.search = 0;  // a reference to another server, which we do not follow
  }
  return std::optional<Message>(std::move(result));
}

Result<> LdapClient::read_end(::ldapmsg& message, bool of_bind) const {
  int status = LDAP_OTHER;
  ldap_parse_result(connection_.get(), &message, &status, nullptr, nullptr, nullptr, nullptr, 0);
  if (status == LDAP_SUCCESS) return {};
  if (of_bind)
    return error(is_about_user(status) ? Errc::refused : Errc::unavailable, "bind", status);
  if (status == LDAP_SIZELIMIT_EXCEEDED) return {};
  return error(is_about_base(status) ? Errc::refused : Errc::unavailable, "search", status);
}

Entry LdapClient::read_entry(const Message& message) const {
  const auto take = [](Entry& entry, const berval& name, const berval& value) {
    entry.add(text_of(name), std::string(text_of(value)));
  };
  return read_message(connection_.get(), message.entry.get(), take);
}

Entry LdapClient::read_secrets(const Message& message, std::vector<Secret>& secrets) const {
  const auto take = [&secrets](Entry&, const berval&, const berval& value) {
    secrets.push_back(Secret::copy_of(text_of(value)));
    explicit_bzero(value.bv_val, value.bv_len);
  };
  return read_message(connection_.get(), message.entry.get(), take);
}

Failure LdapClient::error(Errc code, const char* during, int status) const {
  char* text = nullptr;
  if (connection_) {
    ldap_get_option(connection_.get(), LDAP_OPT_DIAGNOSTIC_MESSAGE, &text);
  }
  const TextPtr diagnostic(text);
  std::string detail = fmt::format("{}: {}: {}", server_, during, ldap_err2string(status));
  if (diagnostic && diagnostic.get()[0] != '\0') detail += fmt::format(" ({})", diagnostic.get());
  return fail(code, std::move(detail));
}

}  // namespace openmmp::directory
