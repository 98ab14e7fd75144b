#include "config/option_table.h"

namespace openmmp::config {
namespace {

constexpr int64_t year = 366 * 24 * 3600;
using S = Settings;
using enum Effect;
using enum Subject;

constexpr Syntax plain;
constexpr Syntax port{Form::port, {0, 65535}, "", {}};
constexpr Syntax level{Form::log_level, {0, 100}, "", {}};
constexpr Syntax number(int64_t min, int64_t max, std::string_view unit) {
  return {Form::plain, {min, max}, unit, {}};
}
constexpr Syntax form(Form kind) { return {kind, {}, "", {}}; }

constexpr std::string_view schema_levels[] = {"1", "1.5", "2"};
constexpr std::string_view debug_subjects[] = {"connect", "ldap",    "lpool",
                                               "tls",     "certmap", "metermaid"};
constexpr std::string_view tls_versions[] = {"1.2", "1.3"};
constexpr std::string_view oauth_mechanisms[] = {"XOAUTH2", "OAUTHBEARER"};
constexpr std::string_view client_forwards[] = {"auto",   "none", "proxy1",
                                                "proxy2", "id",   "xclient"};
constexpr std::string_view relay_tellings[] = {"auto",   "xproxyehlo", "xclient",
                                               "proxy1", "proxy2",     "none"};
constexpr std::string_view relay_logins[] = {"auto",  "xclient",  "xproxyehlo",
                                             "admin", "password", "none"};
constexpr std::string_view bare_newlines[] = {"reject", "normalize"};
constexpr Syntax one_of(std::span<const std::string_view> choices) {
  return {Form::choice, {}, "", choices};
}

// Rows are written as calls, by origin, to keep one on two or three lines.
constexpr Option mmp(Subject subject, std::string_view name, Member member, Syntax syntax,
                     Scope scope, Effect effect, std::string_view help) {
  return {name, member, subject, syntax, Origin::mmp, scope, effect, help};
}
constexpr Option ours(Subject subject, std::string_view name, Member member, Syntax syntax,
                      Scope scope, Effect effect, std::string_view help) {
  return {name, member, subject, syntax, Origin::ours, scope, effect, help};
}

// In the order of settings.h.
constexpr Option table[] = {
    mmp(process, "ServiceList", &S::service_list, plain, in_process, now,
        "Services to start: MODULE[|FILE[|SECTION]]@[HOST:]PORT[|[HOST:]PORT]..., separated by "
        "blanks."),
    mmp(process, "LogDir", &S::log_dir, form(Form::path), in_process | in_proxies, now,
        "Directory of the log. A proxy without it logs where AService.cfg says."),
    mmp(process, "LogLevel", &S::log_level, level, in_process | in_proxies, now,
        "3 error, 4 warning, 5 notice, 6 info, 7 debug, or these names; below 3: no output."),
    mmp(process, "NumThreads", &S::num_threads, number(0, 1024, "workers"), in_process, now,
        "Worker processes a service; 0: one per processor core."),
    mmp(process, "BeTheUser", &S::be_the_user, plain, in_process, now,
        "User that workers become once they have their sockets."),
    mmp(process, "BeTheGroup", &S::be_the_group, plain, in_process, now,
        "Group that workers become; empty: the group of BeTheUser."),
    mmp(process, "ConnRejectThreshold", &S::conn_reject_threshold,
        number(0, 1000000, "connections"), in_process | in_proxies, now,
        "Rejections of one address before it is no longer answered."),
    ours(process, "BatchScheduling", &S::batch_scheduling, plain, in_process | in_proxies, now,
         "Let what runs on a processor go on for a moment when something comes for a worker, or "
         "for mmp-state (AService.cfg): SCHED_BATCH of sched(7); and under load let a worker look "
         "for news every tenth of a millisecond only. no: as soon as it comes."),
    ours(process, "DrainTime", &S::drain_time, number(0, year, "seconds"), in_process, now,
         "How long sessions of a replaced configuration may go on after a reload."),
    ours(process, "SharedState", &S::shared_state, form(Form::redis_urls), in_process, now,
         "Redis or Valkey that instances share what they know by: redis://[USER@]HOST[:PORT][/DB], "
         "or rediss:// with TLS, several of them tried in order; empty: none."),
    ours(process, "SharedStatePassword", &S::shared_state_password, plain, in_process, now,
         "Password for it."),
    ours(process, "SharedStateCaFile", &S::shared_state_ca_file, form(Form::path), in_process, now,
         "PEM file of the authorities that sign its certificate; empty: the system's."),
    ours(process, "SharedStatePrefix", &S::shared_state_prefix, plain, in_process, now,
         "Beginning of every key and channel there: instances with the same one know the same."),
    ours(process, "MaxGenerations", &S::max_generations, number(1, 100, "generations"), in_process,
         now, "Configurations in use at once; sessions of older ones are ended."),

    // Where users are looked up, and what becomes of their names.
    mmp(directory, "LdapUrl", &S::ldap_url, form(Form::ldap_url), in_proxies | in_vdmap, now,
        "Directory and base: ldap:// or ldaps:// URLs, several hosts in one or several URLs, tried "
        "in order; or ldif:FILE[?BASE] for a file of entries."),
    mmp(directory, "UserGroupDN", &S::user_group_dn, plain, in_proxies, now,
        "Base of the users for look-ups by client certificate; empty: CertmapDN, then the base of "
        "LdapUrl."),
    mmp(directory, "BindDN", &S::bind_dn, plain, in_proxies | in_vdmap, now,
        "Whom to bind as for searches; empty: anonymous."),
    mmp(directory, "BindPass", &S::bind_pass, plain, in_proxies | in_vdmap, now,
        "Password of BindDN."),
    mmp(directory, "LDAPTimeout", &S::ldap_timeout, number(1, 3600, "seconds"), in_proxies, now,
        "Limit for one directory operation."),
    mmp(directory, "LDAPRefreshInterval", &S::ldap_refresh_interval, number(1, year, "seconds"),
        in_proxies, now,
        "Age at which a connection to the directory is opened anew, which returns to the first "
        "host."),
    ours(directory, "LdapPoolSize", &S::ldap_pool_size, number(1, 256, "connections"), in_proxies,
         now, "Connections to the directory in each worker."),
    ours(directory, "LdapStartTls", &S::ldap_start_tls, plain, in_proxies, now,
         "Use StartTLS on ldap:// connections."),
    ours(directory, "LdapCaFile", &S::ldap_ca_file, form(Form::path), in_proxies, now,
         "PEM file of the authorities that sign the directory's certificate; empty: the system's."),
    ours(directory, "LdapVerify", &S::ldap_verify, plain, in_proxies, now,
         "Verify the directory's certificate."),
    mmp(directory, "LdapCacheSize", &S::ldap_cache_size, number(0, 10000000, "entries"),
        in_proxies | in_vdmap, now, "User entries remembered."),
    mmp(directory, "LdapCacheTTL", &S::ldap_cache_ttl, number(0, year, "seconds"),
        in_proxies | in_vdmap, now, "How long a user entry is remembered."),
    mmp(directory, "HostedDomains", &S::hosted_domains, plain, in_proxies | in_vdmap, now,
        "Find the domain's entry first and the user below it; no: search all users with "
        "SearchFormat below the base of LdapUrl."),
    ours(directory, "SchemaLevel", &S::schema_level, one_of(schema_levels), in_proxies | in_vdmap,
         now,
         "Where domains are: 1, the DC tree; 2, entries with the domain's name; 1.5, found as in 2 "
         "and read as in 1. As the MTA's LDAP_SCHEMALEVEL."),
    mmp(directory, "LDAP_DOMAIN_ROOT", &S::ldap_domain_root, plain, in_proxies, now,
        "Base of the domains' tree; empty: the base of LdapUrl."),
    mmp(directory, "LDAP_DOMAIN_FILTER_SCHEMA1", &S::ldap_domain_filter_schema1,
        form(Form::search_filter), in_proxies, now,
        "Filter that an entry of the DC tree must match to be a domain."),
    mmp(directory, "LDAP_DOMAIN_FILTER_SCHEMA2", &S::ldap_domain_filter_schema2,
        form(Form::search_filter), in_proxies, now,
        "Filter that a domain's entry of schema 2 must match besides its name; empty: the name is "
        "enough."),
    mmp(directory, "LDAP_ATTR_DOMAIN1_SCHEMA2", &S::ldap_attr_domain1_schema2,
        form(Form::attribute), in_proxies, now, "Attribute with the name of a domain."),
    mmp(directory, "LDAP_ATTR_DOMAIN2_SCHEMA2", &S::ldap_attr_domain2_schema2,
        form(Form::attribute), in_proxies, now, "Attribute with its other names."),
    mmp(directory, "LDAP_ATTR_DOMAIN_SEARCH_FILTER", &S::ldap_attr_domain_search_filter,
        form(Form::attribute), in_proxies, now,
        "Attribute of a domain with the filter of its users: %U, %V, %o."),
    mmp(directory, "LDAP_DOMAIN_ATTR_BASEDN", &S::ldap_domain_attr_basedn, form(Form::attribute),
        in_proxies, now, "Attribute of a domain with the base of its users."),
    mmp(directory, "LDAP_DOMAIN_ATTR_CANONICAL", &S::ldap_domain_attr_canonical,
        form(Form::attribute), in_proxies, now, "Attribute of a domain with its canonical name."),
    mmp(directory, "LDAP_DOMAIN_ATTR_ALIAS", &S::ldap_domain_attr_alias, form(Form::attribute),
        in_proxies, now, "Attribute of a domain's alias with the DN of the domain."),
    mmp(directory, "LDAP_DOMAIN_ATTR_UID_SEPARATOR", &S::ldap_domain_attr_uid_separator,
        form(Form::attribute), in_proxies, now,
        "Attribute of a domain with the character that stands for @ in its users' uid."),
    mmp(directory, "LDAP_DOMAIN_ATTR_STATUS", &S::ldap_domain_attr_status, form(Form::attribute),
        in_proxies, now, "Attribute of a domain with its status."),
    mmp(directory, "LDAP_DOMAIN_ATTR_MAIL_STATUS", &S::ldap_domain_attr_mail_status,
        form(Form::attribute), in_proxies, now, "Attribute of a domain with its status for mail."),
    mmp(directory, "LDAP_UID", &S::ldap_uid, form(Form::attribute), in_proxies, now,
        "Attribute of a user with the user's name."),
    mmp(directory, "LDAP_USER_STATUS", &S::ldap_user_status, form(Form::attribute), in_proxies, now,
        "Attribute of a user with the user's status."),
    mmp(directory, "LDAP_USER_MAIL_STATUS", &S::ldap_user_mail_status, form(Form::attribute),
        in_proxies, now, "Attribute of a user with the user's status for mail."),
    mmp(directory, "DefaultDomain", &S::default_domain, plain, in_proxies | in_vdmap, now,
        "Domain of a login name that has none."),
    mmp(directory, "SearchFormat", &S::search_format, form(Form::search_filter),
        in_proxies | in_vdmap, now,
        "Filter that finds a user: %s user and domain, %o as typed, %U user, %V domain, %C client "
        "address, %S server address, %D certificate subject."),
    mmp(directory, "DomainSearchFormat", &S::domain_search_format, form(Form::search_filter),
        in_proxies | in_vdmap, now, "Filter that finds a user below a hosted domain."),
    mmp(directory, "MailHostAttrs", &S::mail_host_attrs, form(Form::attributes),
        in_stores | in_vdmap, now,
        "Attributes that name a user's store; the first one present counts."),
    mmp(directory, "VirtualDomainFile", &S::virtual_domain_file, form(Form::path), in_proxies, now,
        "The vdmap file: settings by local address."),
    mmp(directory, "VirtualDomainDelim", &S::virtual_domain_delim, form(Form::characters),
        in_proxies | in_vdmap, now,
        "Characters that separate user and domain in what a client types."),
    mmp(directory, "CanonicalVirtualDomainDelim", &S::canonical_virtual_domain_delim,
        form(Form::character), in_proxies | in_vdmap, now,
        "Character put between user and domain in %s."),
    mmp(directory, "ReplayFormat", &S::replay_format, form(Form::replay_format),
        in_proxies | in_vdmap, now,
        "Login name for the store: %s, %o, %U, %V, %A[attribute]; empty: %U, or %U@%V outside the "
        "default domain."),

    mmp(authentication, "PreAuth", &S::pre_auth, plain, in_proxies | in_vdmap, now,
        "Verify the password in the directory before a store is contacted."),
    mmp(authentication, "AuthCacheSize", &S::auth_cache_size, number(0, 10000000, "entries"),
        in_proxies | in_vdmap, now, "Verified logins remembered."),
    mmp(authentication, "AuthCacheTTL", &S::auth_cache_ttl, number(0, year, "seconds"),
        in_proxies | in_vdmap, now, "How long a verified login is remembered."),
    mmp(authentication, "AuthenticationServer", &S::authentication_server, form(Form::http_server),
        in_proxies | in_vdmap, now,
        "Who checks passwords when PreAuth is yes, and may name the store: host:port or http:// "
        "URL of a "
        "server for nginx's auth_http."),
    mmp(authentication, "AuthenticationLdapAttributes", &S::authentication_ldap_attributes,
        form(Form::attributes), in_proxies | in_vdmap, now,
        "Attributes of the user handed to AuthenticationServer."),
    ours(authentication, "AuthenticationTimeout", &S::authentication_timeout,
         number(1, 3600, "seconds"), in_proxies | in_vdmap, now,
         "Time for an answer of AuthenticationServer."),
    ours(
        authentication, "AuthenticationHeader", &S::authentication_header, plain,
        in_proxies | in_vdmap, now,
        "A header that AuthenticationServer is sent with each request, as \"X-Auth-Key: secret\"."),
    mmp(authentication, "CRAMs", &S::crams, plain, in_proxies | in_vdmap, now,
        "Offer CRAM-MD5 and APOP: the password is read from the directory."),
    ours(authentication, "SCRAMs", &S::scrams, plain, in_proxies | in_vdmap, now,
         "Offer SCRAM-SHA-256 and, over TLS, SCRAM-SHA-256-PLUS; the store is logged in to by "
         "StoreAdmin."),
    ours(authentication, "OAuthMechanisms", &S::oauth_mechanisms, one_of(oauth_mechanisms),
         in_stores | in_vdmap, now, "Mechanisms with a token, which the store checks."),
    ours(
        authentication, "PasswordAttrs", &S::password_attrs, form(Form::attributes),
        in_proxies | in_vdmap, now,
        "Attributes of a user that hold a clear password or a SCRAM secret, for CRAMs and SCRAMs."),
    mmp(authentication, "RestrictPlainPasswords", &S::restrict_plain_passwords, plain,
        in_proxies | in_vdmap, now, "Refuse clear-text passwords until TLS is active."),
    mmp(authentication, "CertMapFile", &S::cert_map_file, form(Form::path), in_proxies | in_vdmap,
        now, "certmap.conf: how a client certificate leads to a user."),
    mmp(authentication, "CertmapDN", &S::certmap_dn, plain, in_proxies, now,
        "Older name of UserGroupDN, used when that is empty."),
    mmp(authentication, "StoreAdmin", &S::store_admin, plain, in_proxies | in_vdmap, now,
        "Administrator that logs in to a store on a user's behalf."),
    mmp(authentication, "StoreAdminPass", &S::store_admin_pass, plain, in_proxies | in_vdmap, now,
        "Password of StoreAdmin."),
    mmp(authentication, "AdminPolicy", &S::admin_policy, plain, in_proxies, now,
        "Who may log in as another user: simple, StoreAdmin alone; group, the members of "
        "AdminGroups alone."),
    ours(authentication, "AdminGroups", &S::admin_groups, form(Form::distinguished_names),
         in_proxies, now,
         "DNs of the groups whose members may log in as other users when AdminPolicy is group; "
         "several stand in double quotes each."),

    mmp(sessions, "BacksidePort", &S::backside_port, port, in_stores | in_store_file, now,
        "Port of the stores; 0: 143 for IMAP, 110 for POP."),
    mmp(sessions, "Timeout", &S::timeout, number(1, year, "seconds"), in_proxies, now,
        "A session in which nothing moved for so long is ended; IMAP asks for 1800 at least."),
    ours(sessions, "LoginTimeout", &S::login_timeout, number(1, 86400, "seconds"), in_proxies, now,
         "Time from the connection to the login."),
    ours(sessions, "ConnectTimeout", &S::connect_timeout, number(1, 3600, "seconds"),
         in_proxies | in_store_file, now, "Time for a connection to a store."),
    ours(sessions, "StoreLoginTimeout", &S::store_login_timeout, number(1, 3600, "seconds"),
         in_proxies | in_store_file, now,
         "Time from the connection to a store to its answer to the login."),
    ours(sessions, "MaxLoginAttempts", &S::max_login_attempts, number(1, 1000, "attempts"),
         in_proxies, now, "Logins tried in one session."),
    ours(sessions, "MaxCommands", &S::max_commands, number(1, 1000000, "commands"), in_proxies, now,
         "Commands before login in one session; of SMTP, since the last message."),
    mmp(sessions, "Banner", &S::banner, plain, in_proxies, now,
        "Text of the greeting; empty: the product's."),
    mmp(sessions, "Capability", &S::capability, plain, in_imap, now,
        "Capabilities announced before login; empty: the product's. What all stores have belongs "
        "here."),
    mmp(sessions, "ServerDownAlert", &S::server_down_alert, plain, in_imap, now,
        "What a user is told in an ALERT when the store cannot be reached."),
    mmp(sessions, "SpoofMessageFile", &S::spoof_message_file, form(Form::path), in_pop, now,
        "Message shown in place of the mailbox when the store cannot be reached."),
    mmp(sessions, "SpoofEmptyMailbox", &S::spoof_empty_mailbox, plain, in_pop, now,
        "Show an empty mailbox when the store cannot be reached."),
    mmp(sessions, "SpoofTempFail", &S::spoof_temp_fail, plain, in_pop, now,
        "Do so for temporary failures of the login, too."),
    mmp(sessions, "AuthService", &S::auth_service, plain, in_pop | in_vdmap, now,
        "Answer XQUERYAUTH: who logged in from an address."),
    mmp(sessions, "AuthServiceTTL", &S::auth_service_ttl, number(-1, year, "seconds"),
        in_pop | in_vdmap, now,
        "How long a login that PreAuth has checked opens SmtpProxyAService to its address, and "
        "answers XQUERYAUTH; 0 or below: off."),
    mmp(sessions, "MaxConcurrentConnectionAttempts", &S::max_concurrent_connection_attempts,
        number(1, 1000000, "connections"), in_proxies, now,
        "Connections to one store that may be pending in a worker; other logins wait for their "
        "turn."),
    mmp(sessions, "ProxyProtocol", &S::proxy_protocol, plain, in_proxies, now,
        "Read the PROXY header, version 1 or 2, of a load balancer; TrustedNetworks says of "
        "which."),
    ours(sessions, "TrustedNetworks", &S::trusted_networks, form(Form::networks), in_proxies, now,
         "Addresses and networks whose PROXY headers are believed, as 192.0.2.0/24; who connects "
         "from elsewhere is a client."),
    ours(sessions, "MaxProxyHops", &S::max_proxy_hops, number(1, 100, "hops"), in_stores, now,
         "Proxies that a session may have passed before this one: more are a loop."),
    ours(sessions, "ForwardClient", &S::forward_client,
         {Form::forward_client, {}, "", client_forwards}, in_stores | in_store_file, now,
         "How a store is told of the client: auto, by ID or XCLIENT where it announces them; none; "
         "or words of these: proxy1 or proxy2 (PROXY header), id, xclient."),
    ours(sessions, "SourceAddresses", &S::source_addresses, form(Form::addresses),
         in_proxies | in_store_file, now,
         "Local addresses to connect to stores from, in turn; empty: as the system chooses."),
    ours(sessions, "StoreFile", &S::store_file, form(Form::path), in_proxies, now,
         "File of options for some stores: \"store NAME HOST[:PORT]...\" and \"NAME:OPTION "
         "VALUE\"."),
    ours(sessions, "StoreFailures", &S::store_failures, number(0, 1000000, "failures"), in_stores,
         now, "Failures in a row after which a store counts as down; 0: it never does."),
    ours(sessions, "StoreProbeInterval", &S::store_probe_interval, number(1, 86400, "seconds"),
         in_stores, now, "How often a store that is down is probed."),
    ours(sessions, "StoreRampTime", &S::store_ramp_time, number(0, 86400, "seconds"), in_stores,
         now, "How long a store that has come back gets fewer logins at a time."),
    ours(
        sessions, "IoUring", &S::io_uring, plain, in_proxies, now,
        "Make system calls of many sessions together by io_uring(7), where the kernel lets us; no: "
        "one by one."),
    mmp(sessions, "DebugKeys", &S::debug_keys, one_of(debug_subjects), in_proxies | in_vdmap, now,
        "Subjects to log in detail whatever LogLevel is: connect, stores that are dialled; ldap, "
        "each step of a look-up; certmap, those of a certificate's; tls, handshakes with clients. "
        "lpool and metermaid are accepted, and have no effect."),

    mmp(protections, "ConnLimits", &S::conn_limits, form(Form::conn_limits), in_proxies, now,
        "Connections a client address may hold: IP|MASK:NUMBER, comma-separated, or a file of "
        "these."),
    mmp(protections, "TCPAccess", &S::tcp_access, form(Form::access_filter), in_proxies | in_vdmap,
        now, "Filter of client addresses, as \"+imap:10.0.0.0/255.0.0.0$-imap:*\"."),
    mmp(protections, "TCPAccessAttr", &S::tcp_access_attr, form(Form::attributes),
        in_proxies | in_vdmap, now, "Attribute of a user that holds such a filter."),
    mmp(protections, "ClientLookup", &S::client_lookup, plain, in_proxies | in_vdmap, now,
        "Look up the name of every client address."),
    mmp(protections, "BGMax", &S::bg_max, number(0, 10000000, "addresses"), in_proxies, now,
        "Addresses remembered for failed logins."),
    mmp(protections, "BGPenalty", &S::bg_penalty, number(0, 86400, "seconds"), in_proxies, now,
        "Delay added by each failed login."),
    mmp(protections, "BGMaxBadness", &S::bg_max_badness, number(0, 86400, "seconds"), in_proxies,
        now, "Longest delay."),
    mmp(protections, "BGDecay", &S::bg_decay, number(0, year, "seconds"), in_proxies, now,
        "Time until a penalty is forgiven."),
    mmp(protections, "BGLinear", &S::bg_linear, plain, in_proxies, now,
        "Penalties fade evenly; no: they stay whole and then end."),
    mmp(protections, "BGExcluded", &S::bg_excluded, form(Form::path), in_proxies, now,
        "File of addresses, IP|MASK a line, that are never penalised."),
    ours(protections, "MaxUserSessions", &S::max_user_sessions, number(0, 1000000, "sessions"),
         in_proxies, now, "Sessions that a user may have at a time in a service; 0: no limit."),
    ours(protections, "PolicyServer", &S::policy_server, form(Form::http_url), in_proxies, now,
         "http://HOST:PORT of a weakforced, which is asked before a login and told how it ended; "
         "logins go on when it is away."),
    ours(protections, "PolicyPassword", &S::policy_password, plain, in_proxies, now,
         "Password for PolicyServer."),
    ours(protections, "PolicyTimeout", &S::policy_timeout, number(1, 60, "seconds"), in_proxies,
         now, "Time for an answer of PolicyServer."),

    mmp(smtp, "SmtpRelays", &S::smtp_relays, form(Form::host_ports), in_smtp, now,
        "The relays, host or host:port, used in turn."),
    mmp(smtp, "SmtpProxyPassword", &S::smtp_proxy_password, plain, in_smtp | in_vdmap, now,
        "Secret shared with the relays, for XPROXYEHLO."),
    mmp(smtp, "FailoverTimeout", &S::failover_timeout, number(1, 3600, "seconds"), in_smtp, now,
        "Wait for a relay before the next is tried; a relay that failed is left out for as many "
        "minutes."),
    mmp(smtp, "EhloKeywords", &S::ehlo_keywords, plain, in_smtp, now,
        "Extensions of the relays let through besides the built-in ones."),
    mmp(smtp, "PopBeforeSmtpKludgeChannel", &S::pop_before_smtp_kludge_channel, plain, in_smtp, now,
        "Channel asked for when a client's address had a POP login lately; empty: off."),
    ours(
        smtp, "TellRelay", &S::tell_relay, one_of(relay_tellings), in_smtp | in_store_file, now,
        "How a relay is told of the client: auto, by XPROXYEHLO or XCLIENT as it announces; or one "
        "of these, whatever it announces; proxy1, proxy2 (PROXY header); none."),
    ours(smtp, "SmtpProxyPasswordInClear", &S::smtp_proxy_password_in_clear, plain,
         in_smtp | in_store_file, now,
         "Send SmtpProxyPassword as it is to a relay that gives no nonce, without TLS, too."),
    ours(smtp, "RelayLogin", &S::relay_login, one_of(relay_logins), in_smtp | in_store_file, now,
         "How a relay learns the name of a user who was checked here: xclient or xproxyehlo, with "
         "what it is told of the client; admin, AUTH as StoreAdmin for the user; password, AUTH "
         "with the user's own; none; auto: the first of these that is possible."),
    ours(smtp, "OpenPorts", &S::open_ports, form(Form::ssl_ports), in_smtp, now,
         "Ports where mail is taken without AUTH, [IP:]PORT[|[IP:]PORT]..., from whom the relay "
         "takes it, as long as the relay is told who that is; empty: none."),
    ours(smtp, "BareNewline", &S::bare_newline, one_of(bare_newlines), in_smtp, now,
         "What becomes of a message with a CR or LF alone, or NUL: reject or normalize."),
    ours(smtp, "MaxMessageSize", &S::max_message_size, number(0, 2147483647, "KiB"), in_smtp, now,
         "Largest message; 0: as the relay says."),
    ours(smtp, "MaxRecipients", &S::max_recipients, number(1, 100000, "recipients"), in_smtp, now,
         "Recipients of one message."),
    ours(smtp, "RelayTimeout", &S::relay_timeout, number(1, 86400, "seconds"), in_smtp, now,
         "Time for an answer of a relay, once it has greeted."),

    // TLS, towards clients and then towards stores.
    mmp(tls, "SSLEnable", &S::ssl_enable, plain, in_proxies, now, "TLS towards clients."),
    mmp(tls, "SSLPorts", &S::ssl_ports, form(Form::ssl_ports), in_proxies, now,
        "Which ports of ServiceList speak TLS at once: [IP:]PORT[|[IP:]PORT]...; on the others "
        "clients may ask for it."),
    mmp(tls, "SSLBacksidePort", &S::ssl_backside_port, port, in_proxies | in_store_file, now,
        "Port of the stores that speaks TLS at once; 0: BacksidePort is used."),
    mmp(tls, "SSLCertNicknames", &S::ssl_cert_nicknames, plain, in_proxies, now,
        "Certificates to present when SSLCertFile is empty: N stands for "
        "SSLCacheDir/SSLCertPrefixN.pem and, where it exists, SSLCacheDir/SSLKeyPrefixN.key."),
    mmp(tls, "SSLCertFile", &S::ssl_cert_file, form(Form::paths), in_proxies, now,
        "PEM files: a certificate, then those of its issuers. A client gets the one for the name "
        "it asks for, or the first."),
    mmp(tls, "SSLKeyFile", &S::ssl_key_file, form(Form::paths), in_proxies, now,
        "PEM files of the keys, in the order of SSLCertFile; empty: the keys are in those files."),
    mmp(tls, "SSLKeyPasswdFile", &S::ssl_key_passwd_file, form(Form::path), in_proxies, now,
        "Passwords of keys, NAME:PASSWORD a line; NAME is a nickname, a file's name without its "
        "directory, or \"Internal (Software) Token\" for all."),
    mmp(tls, "SSLCacheDir", &S::ssl_cache_dir, form(Form::path), in_proxies, now,
        "Directory of the files that SSLCertNicknames stands for; empty: the instance's."),
    mmp(tls, "SSLSecmodFile", &S::ssl_secmod_file, form(Form::path), in_proxies, never,
        "Module database of NSS, which is not used here."),
    mmp(tls, "SSLCertPrefix", &S::ssl_cert_prefix, plain, in_proxies, now,
        "Prefix of the certificates' file names; see SSLCertNicknames."),
    mmp(tls, "SSLKeyPrefix", &S::ssl_key_prefix, plain, in_proxies, now,
        "Prefix of the keys' file names; see SSLCertNicknames."),
    mmp(tls, "SSLCipherSpecs", &S::ssl_cipher_specs, form(Form::ciphers), in_proxies, now,
        "Ciphers by OpenSSL's names or NSS's, with commas or colons between them; all: the "
        "product's choice."),
    ours(tls, "SSLMinVersion", &S::ssl_min_version, one_of(tls_versions), in_proxies, now,
         "Oldest version of TLS that clients may use."),
    ours(tls, "SSLOcspFile", &S::ssl_ocsp_file, form(Form::paths), in_proxies, now,
         "OCSP responses to staple, DER, in the order of SSLCertFile; \"-\" for none."),
    ours(tls, "SSLOcspFetch", &S::ssl_ocsp_fetch, plain, in_proxies, now,
         "Fetch OCSP responses from the responder that a certificate names."),
    ours(tls, "SSLClientCaFile", &S::ssl_client_ca_file, form(Form::path), in_proxies, now,
         "PEM file of the authorities of client certificates; empty: clients are asked for none."),
    ours(tls, "SSLTicketTime", &S::ssl_ticket_time, number(0, 7 * 24 * 3600, "seconds"), in_proxies,
         now,
         "How long a session may be resumed, and the age at which ticket keys are replaced; 0: no "
         "resumption."),
    ours(tls, "SSLStrictNames", &S::ssl_strict_names, plain, in_proxies, now,
         "Refuse clients that ask for a name that no certificate is for."),
    ours(tls, "StoreStartTls", &S::store_start_tls, plain, in_proxies | in_store_file, now,
         "STARTTLS or STLS towards stores, where SSLBacksidePort is 0; a store without it fails."),
    ours(tls, "StoreVerify", &S::store_verify, plain, in_proxies | in_store_file, now,
         "Verify the certificates of stores; no: any will do, and the log says so."),
    ours(tls, "StoreCaFile", &S::store_ca_file, form(Form::path), in_proxies | in_store_file, now,
         "PEM file of the authorities that sign stores' certificates; empty: the system's."),
    ours(tls, "StoreFingerprints", &S::store_fingerprints, form(Form::fingerprints),
         in_proxies | in_store_file, now,
         "SHA-256 of the certificates that stores may have, whatever their names and issuers; 64 "
         "hex digits, with or without colons."),
    ours(tls, "StoreCertFile", &S::store_cert_file, form(Form::path), in_proxies | in_store_file,
         now, "PEM file of the certificate that stores get to see when they ask for one."),
    ours(tls, "StoreKeyFile", &S::store_key_file, form(Form::path), in_proxies | in_store_file, now,
         "PEM file of its key; empty: it is in StoreCertFile."),
};

// The vdmap spellings are of release 5.1, ssl_ports, SSLNicknames and ugldap... of the unified
// configuration of release 8, LDAP_SCHEMALEVEL of the MTA.
constexpr Alias alias_table[] = {
    {"AuthCacheSizeTTL", "AuthCacheTTL"}, {"CanonicalVirtual", "CanonicalVirtualDomainDelim"},
    {"CertMap", "CertMapFile"},           {"DomainDelim", "VirtualDomainDelim"},
    {"SSLNicknames", "SSLCertNicknames"}, {"ssl_ports", "SSLPorts"},
    {"ugldapbindcred", "BindPass"},       {"ugldapbinddn", "BindDN"},
    {"VDomain", "DefaultDomain"},         {"LDAP_SCHEMALEVEL", "SchemaLevel"},
};

}  // namespace

std::span<const Option> options() { return table; }

std::span<const Alias> aliases() { return alias_table; }

}  // namespace openmmp::config
