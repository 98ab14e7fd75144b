// What sessions ask a directory: where a user's mailbox is, which passwords he has, whose a
// client's certificate is, who may act for others. Behind it stands an LDAP directory or an
// embedded one, an LDIF file; the same settings, names and filters serve both.
//
// One Directory a worker and virtual domain. It must outlive the sessions that ask it, and be
// destroyed before the Loop. A session may be destroyed while it waits for an answer.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "config/settings.h"
#include "ipc/runtime/address.h"
#include "ipc/runtime/log.h"
#include "ipc/runtime/loop.h"
#include "ipc/runtime/secret.h"
#include "ipc/runtime/task.h"
#include "ipc/runtime/unique_fd.h"
#include "workers/directory/certmap.h"
#include "workers/directory/embedded.h"
#include "workers/directory/format.h"
#include "workers/directory/ldap_directory.h"
#include "workers/directory/ldap_url.h"
#include "workers/directory/login_name.h"

namespace openmmp::directory {

struct Query {
  Query() = default;
  explicit Query(std::string u, std::string client = {}, std::string local = {})
      : user(std::move(u)), client_ip(std::move(client)), local_ip(std::move(local)) {}
  std::string user;  // as the client typed it
  std::string client_ip;
  std::string local_ip;
  bool wants_dn = false;  // in the Route; most logins save themselves the copy
};

// A certificate that TLS has verified.
struct CertificateQuery {
  CertificateQuery() = default;
  CertificateQuery(std::string s, std::string i, std::string d)
      : subject(std::move(s)), issuer(std::move(i)), der(std::move(d)) {}
  std::string subject;  // as RFC 2253 writes it
  std::string issuer;
  std::string der;  // the whole certificate
};

struct Route {
  Route() = default;
  Route(std::vector<HostPort> h, std::string replay, std::string u)
      : hosts(std::move(h)), replay_name(std::move(replay)), user(std::move(u)) {}
  std::vector<HostPort> hosts;  // to be tried in this order; port 0: BacksidePort
  std::string replay_name;      // the name to log in with at the store
  std::string user;             // canonical, for logs: "joe" or "joe@example.com"
  std::string dn;               // of the user's entry, if wanted
};
// Whether two names have led to one entry. No when either Route is without a DN.
bool is_same_entry(const Route& a, const Route& b);

// How an answer came about, for `mmpctl lookup`.
struct Step {
  Step(std::string w, std::string v) : what(std::move(w)), value(std::move(v)) {}
  std::string what;
  std::string value;
};
using Steps = std::vector<Step>;

// Files that options name, opened by somebody who may. Those not needed stay empty.
struct Files {
  UniqueFd ldif;      // of LdapUrl "ldif:FILE"
  UniqueFd ca_file;   // of LdapCaFile; without it the path in the option is opened when needed
  UniqueFd cert_map;  // of CertMapFile; without it nobody is found by certificate
};

class Directory {
  struct Private {};  // only create() may construct

 public:
  // Reads the LDIF file, or prepares to ask the LDAP servers: the first connection is opened when
  // the first user asks. Errors name the option that is wrong.
  static Result<std::unique_ptr<Directory>> create(Loop& loop, const config::Settings& settings,
                                                   Log& log, Files files);

  // Errc::refused: the name is malformed, nobody has it, or more than one entry does.
  // Errc::unavailable: the directory is down or slow, or the entry does not name a usable store.
  // `detail` says which; it is for the log, not for the client.
  // `steps` may be null; else it must live until the task has ended.
  Task<Route> find_route(Query query, Steps* steps);

  // The values of PasswordAttrs in the entry that the name leads to, in no order; maybe none. They
  // are fetched each time and kept nowhere. Errors are those of find_route.
  Task<std::vector<Secret>> find_passwords(Query query);

  // The mailbox of the entry that CertMapFile leads to; the Route has its DN. The login name is the
  // entry's uid, or else mail. Errc::refused: the certificate leads to no entry, to several, or to
  // one that does not hold it and should; Errc::unavailable and `steps` are those of find_route.
  Task<Route> find_by_certificate(CertificateQuery query, Steps* steps);

  // The name with its domain, as the directory has it or would have it: one text for all ways to
  // type it, whether the user exists or not.
  std::string canonical_name(const std::string& typed) const;

  // Whether the entry that the name leads to is a direct member of one of the groups, DNs, which
  // must live until the task has ended. A group that is not there has no members. Errors are those
  // of find_route.
  Task<bool> is_member(Query who, const config::Words& groups);

  Directory(Private, Loop& loop, const config::Settings& settings, FilterFormat search_format,
            ReplayFormat replay_format);

 private:
  using Source = std::variant<std::monostate, EmbeddedDirectory, LdapDirectory>;

  Result<> open(const config::Settings& settings, Log& log, Files files);
  Result<> open_ldif(const LdapUrl& url, const UniqueFd& file);
  Result<> read_cert_map(const config::Settings& settings, Log& log, const UniqueFd& file);

  // For find_route: through the cache, and shared by all who ask the same.
  Task<Found> search(std::string filter);
  Result<Found> search_ldif(EmbeddedDirectory& embedded, const std::string& filter);
  Result<Route> route_of(const LoginName& name, const Entry& entry, Steps* steps) const;

  // For the others: a search for one session.
  Task<SearchAnswer> ask(SearchRequest request);
  Result<SearchAnswer> ask_ldif(EmbeddedDirectory& embedded, const SearchRequest& request) const;
  Result<SearchRequest> request_for(const Query& query, const config::Words& attributes) const;
  SearchRequest request_for(const CertLookup& lookup) const;
  Result<CertLookup> look_up(const CertificateQuery& query) const;
  Result<Route> route_of_owner(const Entry& entry, Steps* steps) const;
  Task<bool> has_member(const std::string& group, const std::vector<Dn>& member);

  Loop& loop_;
  NameRules rules_;
  FilterFormat search_format_;
  ReplayFormat replay_format_;
  config::Words mail_host_attributes_;
  config::Words route_attributes_;  // those and what ReplayFormat needs
  config::Words password_attributes_;
  std::optional<CertMap> cert_map_;
  std::string cert_base_;    // where certificates are looked up whose mapping does not say
  std::string base_text_;    // as LdapUrl has it
  Dn base_;                  // the same, of an embedded directory
  std::string source_name_;  // the file of an embedded directory
  UserCache cache_;
  Source source_;  // after the cache, which it refers to
};

}  // namespace openmmp::directory
