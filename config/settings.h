// The typed options of one service: what AService.cfg's or a proxy's section says, defaults
// included. A field is named as its option in snake_case (LdapUrl is ldap_url, LDAPTimeout is
// ldap_timeout); config/option_table.cc ties each field to its option, and is the one place that
// knows syntax, range, help and where the option comes from. The initializers here are the
// defaults. Settings are filled once and then immutable.
#pragma once

#include <string>
#include <vector>

#include "ipc/runtime/loop.h"
#include "ipc/runtime/secret.h"

namespace openmmp::config {

using Words = std::vector<std::string>;

enum class AdminPolicy { simple, group };

inline constexpr char inet_domains[] = "(|(objectClass=inetDomain)(objectClass=inetDomainAlias))";

struct Settings {
  // The process as a whole (AService.cfg).
  std::string service_list;
  std::string log_dir = "log";
  int log_level = 5;
  int num_threads = 0;  // 0: one worker per core
  std::string be_the_user;
  std::string be_the_group;
  int conn_reject_threshold = 3;
  bool batch_scheduling = true;      // ours
  Seconds drain_time{3600};          // ours: sessions of a replaced generation are ended after this
  Words shared_state;                // ours: redis URLs
  Secret shared_state_password;      // ours
  std::string shared_state_ca_file;  // ours
  std::string shared_state_prefix = "openmmp:";  // ours
  int max_generations = 4;  // ours: older generations than this are ended at once

  // Directory.
  Words ldap_url;  // "ldap://host host2:390/base", several URLs, or "ldif:FILE[?BASE]"; raw words
  std::string user_group_dn;
  std::string bind_dn;
  Secret bind_pass;
  Seconds ldap_timeout{25};
  Seconds ldap_refresh_interval{2100};
  int ldap_pool_size = 4;       // ours: connections per worker
  bool ldap_start_tls = false;  // ours
  std::string ldap_ca_file;     // ours: PEM; empty: the system's store
  bool ldap_verify = true;      // ours: no accepts any certificate (logged)
  int ldap_cache_size = 10000;
  Seconds ldap_cache_ttl{900};
  bool hosted_domains = true;
  std::string schema_level = "2";  // "1", "1.5" or "2"
  // The MTA's names for attributes and filters of the schema, as its options have them.
  std::string ldap_domain_root;  // empty: the base of ldap_url
  std::string ldap_domain_filter_schema1 = inet_domains;
  std::string ldap_domain_filter_schema2;
  std::string ldap_attr_domain1_schema2 = "sunPreferredDomain";
  std::string ldap_attr_domain2_schema2 = "associatedDomain";
  std::string ldap_attr_domain_search_filter = "inetDomainSearchFilter";
  std::string ldap_domain_attr_basedn = "inetDomainBaseDN";
  std::string ldap_domain_attr_canonical = "inetCanonicalDomainName";
  std::string ldap_domain_attr_alias = "aliasedObjectName";
  std::string ldap_domain_attr_uid_separator = "domainUidSeparator";
  std::string ldap_domain_attr_status = "inetDomainStatus";
  std::string ldap_domain_attr_mail_status = "mailDomainStatus";
  std::string ldap_uid = "uid";
  std::string ldap_user_status = "inetUserStatus";
  std::string ldap_user_mail_status = "mailUserStatus";
  std::string default_domain;
  std::string search_format = "(uid=%s)";
  std::string domain_search_format = "(uid=%U)";
  Words mail_host_attrs{"mailHost"};
  std::string virtual_domain_file;
  std::string virtual_domain_delim = "@";
  std::string canonical_virtual_domain_delim = "@";
  std::string replay_format;  // empty: %U, or %U@%V where the domain is not the default one

  // Authentication.
  bool pre_auth = false;
  int auth_cache_size = 10000;
  Seconds auth_cache_ttl{900};
  std::string authentication_server;
  Words authentication_ldap_attributes;
  Seconds authentication_timeout{10};  // ours
  Secret authentication_header;        // ours: "NAME: VALUE", sent to authentication_server
  bool crams = false;
  bool scrams = false;                   // ours: SCRAM-SHA-256 and SCRAM-SHA-256-PLUS
  Words oauth_mechanisms;                // ours: "XOAUTH2", "OAUTHBEARER"
  Words password_attrs{"userPassword"};  // ours
  bool restrict_plain_passwords = false;
  std::string cert_map_file;
  std::string certmap_dn;
  std::string store_admin;
  Secret store_admin_pass;
  AdminPolicy admin_policy = AdminPolicy::simple;
  Words admin_groups;  // ours: DNs

  // Stores and sessions.
  int backside_port = 0;  // 0: 143 or 110
  Seconds timeout{1800};
  Seconds login_timeout{180};       // ours: a client that has not logged in by then is sent away
  Seconds connect_timeout{10};      // ours: TCP connection to a store
  Seconds store_login_timeout{60};  // ours: from the connection to the store's answer
  int max_login_attempts = 10;      // ours: per session
  int max_commands = 1000;          // ours: before login, per session; of SMTP since a message
  std::string banner;
  std::string capability;
  std::string server_down_alert = "Your IMAP server appears to be temporarily out of service.";
  std::string spoof_message_file;
  bool spoof_empty_mailbox = false;
  bool spoof_temp_fail = false;
  bool auth_service = false;
  int auth_service_ttl = -1;  // seconds; 0 and below: off
  int max_concurrent_connection_attempts = 10;
  bool proxy_protocol = false;
  Words trusted_networks;           // ours: whose PROXY headers are believed; see Networks
  int max_proxy_hops = 5;           // ours
  Words forward_client{"none"};     // ours: auto or none alone, or proxy1 or proxy2, id, xclient
  Words source_addresses;           // ours: IP addresses to connect to stores from
  std::string store_file;           // ours: options by store
  int store_failures = 3;           // ours: in a row, until a store counts as down; 0: never
  Seconds store_probe_interval{5};  // ours
  Seconds store_ramp_time{10};      // ours: how long a store that came back is spared
  bool io_uring = true;             // ours
  Words debug_keys;

  // Protections.
  std::string conn_limits = "0.0.0.0|0.0.0.0:20";
  std::string tcp_access;
  std::string tcp_access_attr = "mailAllowedServiceAccess";
  bool client_lookup = false;
  int bg_max = 10000;
  Seconds bg_penalty{2};
  Seconds bg_max_badness{60};
  Seconds bg_decay{900};
  bool bg_linear = false;
  std::string bg_excluded;
  int max_user_sessions = 0;  // ours; 0: no limit
  std::string policy_server;  // ours: "http://host:port" of a weakforced
  Secret policy_password;     // ours
  Seconds policy_timeout{2};  // ours

  // SMTP.
  Words smtp_relays;
  Secret smtp_proxy_password;
  Seconds failover_timeout{10};
  Words ehlo_keywords;
  std::string pop_before_smtp_kludge_channel;
  std::string tell_relay = "auto";  // ours, as all of these
  bool smtp_proxy_password_in_clear = false;
  std::string relay_login = "auto";
  std::string open_ports = "25";  // as ssl_ports
  std::string bare_newline = "reject";
  int max_message_size = 0;  // KiB
  int max_recipients = 1000;
  Seconds relay_timeout{600};

  // TLS.
  bool ssl_enable = false;
  std::string ssl_ports;  // see config/ssl_ports.h
  int ssl_backside_port = 0;
  Words ssl_cert_nicknames{"Server-Cert"};
  Words ssl_cert_file;  // PEM; see config/certificates.h
  Words ssl_key_file;
  std::string ssl_key_passwd_file;
  std::string ssl_cache_dir;
  std::string ssl_secmod_file;
  std::string ssl_cert_prefix;
  std::string ssl_key_prefix;
  std::string ssl_cipher_specs = "all";
  std::string ssl_min_version = "1.2";  // ours: "1.2" or "1.3"
  Words ssl_ocsp_file;                  // ours: in the order of ssl_cert_file, "-": none
  bool ssl_ocsp_fetch = false;          // ours
  std::string ssl_client_ca_file;       // ours: PEM; empty: no client certificates
  Seconds ssl_ticket_time{7200};        // ours; 0: no resumption
  bool ssl_strict_names = false;        // ours
  bool store_start_tls = false;         // ours, as all of these
  bool store_verify = true;
  std::string store_ca_file;  // PEM; empty: the system's store
  Words store_fingerprints;   // 64 hex digits each, in lower case
  std::string store_cert_file;
  std::string store_key_file;  // empty: the key is in store_cert_file
};

}  // namespace openmmp::config
