// What sessions ask a directory: where a user's mailbox is and whether he may use it, which
// passwords he has, whose a client's certificate is, who may act for others. Behind it stands an
// LDAP directory or an embedded one, an LDIF file; the same settings, names and filters serve both.
//
// One Directory a worker and virtual domain, with caches of its own. It must outlive the sessions
// that ask it, and be destroyed before its Sources and the Loop. A session may be destroyed while
// it waits for an answer.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/settings.h"
#include "ipc/runtime/address.h"
#include "ipc/runtime/log.h"
#include "ipc/runtime/loop.h"
#include "ipc/runtime/secret.h"
#include "ipc/runtime/task.h"
#include "ipc/runtime/unique_fd.h"
#include "workers/directory/certmap.h"
#include "workers/directory/domains.h"
#include "workers/directory/login_name.h"
#include "workers/directory/passwords.h"
#include "workers/directory/sources.h"
#include "workers/directory/steps.h"
#include "workers/directory/users.h"

namespace openmmp::directory {

struct Query {
  Query() = default;
  explicit Query(std::string u, std::string client = {}, std::string local = {})
      : user(std::move(u)), client_ip(std::move(client)), local_ip(std::move(local)) {}
  std::string user;  // as the client typed it
  std::string client_ip;
  std::string local_ip;
  std::string certificate_subject;  // of the client's; empty: it has shown none
  bool wants_dn = false;            // in the Route; most logins save themselves the copy
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
  std::string domain;           // canonical; empty: none
  std::string dn;               // of the user's entry, if wanted
  // Whether this user may log in now. When not, hosts and replay name may be missing.
  Standing standing = Standing::active;
  std::string standing_text;  // "user 'joe@x.org' mailUserStatus: 'hold'"; empty while active
  // mailDomainAllowedServiceAccess of the domain and TCPAccessAttr of the user; empty: none.
  std::string domain_filter;
  std::string user_filter;
  std::optional<bool> pre_auth;  // as the domain has it; none: as the option has it
  std::vector<std::pair<std::string, std::string>> attributes;  // AuthenticationLdapAttributes
};
// Whether two names have led to one entry. No when either Route is without a DN.
bool is_same_entry(const Route& a, const Route& b);

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
  // the first user asks. What another Directory has opened already is taken from `sources`. Errors
  // name the option that is wrong.
  static Result<std::unique_ptr<Directory>> create(Loop& loop, const config::Settings& settings,
                                                   Log& log, Files files, Sources& sources);
  // For a worker without virtual domains.
  static Result<std::unique_ptr<Directory>> create(Loop& loop, const config::Settings& settings,
                                                   Log& log, Files files);

  // Errc::refused: the name is malformed, nobody has it, or more than one entry does; so for its
  // domain. Errc::unavailable: the directory is down or slow, or an entry says what cannot be used:
  // no store, or a domain's broken filter. A user who may not log in has a Route: see its standing.
  // `detail` says which; it is for the log, not for the client.
  // `steps` may be null; else it must live until the task has ended.
  Task<Route> find_route(Query query, Steps* steps);

  // Whether the password is that of the user whom find_route() finds. Errc::refused: it is not, or
  // it is empty, or the account is locked; else errors and `steps` are those of find_route. A right
  // one is remembered as the AuthCache options say, but no longer than the user's entry.
  Task<> check_password(Query query, Secret password, Steps* steps);

  // The values of PasswordAttrs in the entry that the name leads to, in no order; maybe none. They
  // are fetched each time and kept nowhere. Errors are those of find_route.
  Task<std::vector<Secret>> find_passwords(Query query);

  // The mailbox of the entry that CertMapFile leads to; the Route has its DN. The login name is the
  // entry's uid, or else mail. Errc::refused: the certificate leads to no entry, to several, or to
  // one that does not hold it and should; Errc::unavailable and `steps` are those of find_route.
  Task<Route> find_by_certificate(CertificateQuery query, Steps* steps);

  // The name with its domain, as the directory has it or would have it: one text for all ways to
  // type it, whether the user exists or not.
  std::string canonical_name(const std::string& typed);

  // Whether the entry that the name leads to is a direct member of one of the groups, DNs, which
  // must live until the task has ended. A group that is not there has no members. Errors are those
  // of find_route.
  Task<bool> is_member(Query who, const config::Words& groups);

  struct Formats {
    FilterFormat search;  // of users without a hosted domain
    FilterFormat domain_search;
    ReplayFormat replay;
  };
  Directory(Private, Loop& loop, const config::Settings& settings, Formats formats, Source& source,
            std::string base);

 private:
  static Result<Formats> parse_formats(const config::Settings& settings);
  Result<> check_domains(const config::Settings& settings);
  void prepare_embedded();
  Result<> read_cert_map(const config::Settings& settings, Log& log, const UniqueFd& file);

  // What every login passes through, without a wait while all is remembered.
  bool is_hosted(const LoginName& name) const { return domains_ && !name.domain.empty(); }
  const Domain* cached_domain(const LoginName& name);
  const std::string& base_for(const Domain* domain) const {
    return domain == nullptr ? base_ : domain->base;
  }
  std::string canonical_of(const LoginName& name, const Domain* domain) const;
  std::string filter_for(const LoginName& name, const Domain* domain, const Query& query) const;
  SearchRequest request_for(std::string filter, const Domain* domain) const;
  Result<Route> route_of(const LoginName& name, const Domain* domain, const Entry& entry,
                         Steps* steps) const;
  Judgement judge(const std::string& user, const Domain* domain, const Entry& entry) const;
  void add_extras(const Domain* domain, const Entry& entry, Steps* steps, Route& route) const;

  // For the others: a search for one session.
  Task<SearchRequest> search_for(Query query, config::Words attributes);
  SearchRequest request_for(const CertLookup& lookup) const;
  Result<CertLookup> look_up(const CertificateQuery& query) const;
  Result<std::string> login_name_of(const Entry& entry) const;
  Result<Route> route_of_owner(const Entry& entry, Steps* steps) const;
  Task<bool> has_member(const std::string& group, const std::vector<Dn>& member);

  std::unique_ptr<Sources> own_sources_;  // of a worker without virtual domains
  NameRules rules_;
  Formats formats_;
  config::Words mail_host_attributes_;
  config::Words access_attributes_;
  config::Words extra_attributes_;  // for an AuthenticationServer
  config::Words route_attributes_;  // all of those and what ReplayFormat needs
  config::Words password_attributes_;
  std::string uid_attribute_;
  std::string status_attribute_;
  std::string mail_status_attribute_;
  std::optional<CertMap> cert_map_;
  std::string cert_base_;  // where certificates are looked up whose mapping does not say
  std::string base_;       // as LdapUrl has it
  Source& source_;
  Users users_;
  Passwords passwords_;
  std::optional<Domains> domains_;  // none: HostedDomains no
};

}  // namespace openmmp::directory
