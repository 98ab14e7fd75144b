#include "config/option_value.h"

#include <gtest/gtest.h>

#include "config/option_syntax.h"

namespace openmmp::config {
namespace {

struct Case {
  std::string_view option;
  std::string_view value;
  std::string_view text;  // as value_text() gives it back; for bad values a part of the message
};

TEST(OptionValue, AcceptsGoodValues) {
  const Case cases[] = {
      {"PreAuth", "yes", "yes"},
      {"PreAuth", "YES", "yes"},
      {"PreAuth", "true", "yes"},
      {"PreAuth", "On", "yes"},
      {"PreAuth", "1", "yes"},
      {"LdapVerify", "no", "no"},
      {"LdapVerify", "FALSE", "no"},
      {"LdapVerify", "off", "no"},
      {"LdapVerify", "0", "no"},
      {"BacksidePort", "0", "0"},
      {"BacksidePort", "65535", "65535"},
      {"BacksidePort", "0143", "143"},
      {"NumThreads", "1", "1"},
      {"LogLevel", "10", "10"},
      {"LogLevel", "Debug", "7"},
      {"LogLevel", "error", "3"},
      {"LDAPTimeout", "25", "25"},
      {"LDAPTimeout", "3600", "3600"},
      {"AuthServiceTTL", "-1", "-1"},
      {"AuthServiceTTL", "0", "0"},
      {"AdminPolicy", "GROUP", "group"},
      {"AdminPolicy", "simple", "simple"},
      {"SchemaLevel", "1", "1"},
      {"MailHostAttrs", " mailHost  preferredMailHost;x-1 ", "mailHost preferredMailHost;x-1"},
      {"SSLCertNicknames", "Siroe.com Server-Cert", "Siroe.com Server-Cert"},
      {"AuthenticationLdapAttributes", "", ""},
      {"LdapUrl", "ldap://localhost/o=internet", "ldap://localhost/o=internet"},
      {"LdapUrl", "LDAPS://h1 h2:390/o=internet", "LDAPS://h1 h2:390/o=internet"},
      {"LdapUrl", "ldap://h1/o=a ldap://h2/o=a", "ldap://h1/o=a ldap://h2/o=a"},
      {"LdapUrl", "ldap://h1/o=My Company, Inc ldap://[2001:db8::1]:389/", ""},
      {"LdapUrl", "ldap:///o=x", "ldap:///o=x"},
      {"LdapUrl", "ldif:users.ldif", "ldif:users.ldif"},
      {"LdapUrl", "ldif:/a/b.ldif?o=My Company", "ldif:/a/b.ldif?o=My Company"},
      {"LdapUrl", "", ""},
      {"SearchFormat", "(uid=%s)", "(uid=%s)"},
      {"SearchFormat", "(|(uid=%U)(mail=%o)(x=%V%C%S%D%%))", ""},
      {"ReplayFormat", "%A[uid]@%V", "%A[uid]@%V"},
      {"ReplayFormat", "%[mail]%U%s%o%%", "%[mail]%U%s%o%%"},
      {"ReplayFormat", "", ""},
      {"VirtualDomainDelim", "@+%", "@+%"},
      {"CanonicalVirtualDomainDelim", "+", "+"},
      {"AuthenticationServer", "127.0.0.1:56", "127.0.0.1:56"},
      {"AuthenticationServer", "", ""},
      {"SmtpRelays", "manatee:485 gonzo mothra", "manatee:485 gonzo mothra"},
      {"SmtpRelays", "192.0.2.1 [2001:db8::1]:25 2001:db8::2", ""},
      {"SmtpRelays", "", ""},
      {"SharedState", "redis://a.example", "redis://a.example"},
      {"SharedState", "redis://mmp@a:6380/2 rediss://[2001:db8::1]:6379/ REDIS://b/", ""},
      {"SharedState", "", ""},
      {"OpenPorts", "25|127.0.0.1:1025", "25|127.0.0.1:1025"},
      {"OpenPorts", "", ""},
      {"TellRelay", "XCLIENT", "xclient"},
      {"RelayLogin", "Admin", "admin"},
      {"BareNewline", "Normalize", "normalize"},
      {"AuthenticationServer", "http://localhost:9000/cgi-bin/auth",
       "http://localhost:9000/cgi-bin/auth"},
      {"BindPass", "secret", "***"},
      {"BindPass", "", ""},
      {"SSLMinVersion", "1.3", "1.3"},
      {"SSLPorts", "993", ""},
      {"SSLPorts", "993|127.0.0.1:1993|[::1]:995", ""},
      {"SSLPorts", "", ""},
      {"SSLCertFile", "a.pem  /b/c.pem", "a.pem /b/c.pem"},
      {"SSLKeyFile", "", ""},
      {"SSLOcspFile", "- b.der", ""},
      {"SSLTicketTime", "0", ""},
      {"SSLCipherSpecs", "all", ""},
      {"SSLCipherSpecs", "ECDHE-RSA-AES256-GCM-SHA384:TLS_AES_128_GCM_SHA256", ""},
      {"OAuthMechanisms", "oauthbearer XOAUTH2", "OAUTHBEARER XOAUTH2"},
      {"OAuthMechanisms", "", ""},
      {"PasswordAttrs", "userPassword clearPassword", ""},
      {"AdminGroups", "cn=Mail Admins, ou=Groups,o=x", ""},
      {"AdminGroups", "\"cn=a, o=x\"  \"cn=b,o=y\"", "\"cn=a, o=x\" \"cn=b,o=y\""},
      {"AdminGroups", "\"cn=a,o=x\"", "cn=a,o=x"},
      {"AdminGroups", "cn=Mail Admins + uid=a, o=x", ""},
      {"AdminGroups", "", ""},
      {"ForwardClient", "None", "none"},
      {"ForwardClient", "auto", ""},
      {"ForwardClient", "PROXY2 id XCLIENT", "proxy2 id xclient"},
      {"SourceAddresses", "192.0.2.1 2001:DB8::1", "192.0.2.1 2001:db8::1"},
      {"TrustedNetworks", "192.0.2.0/24,2001:db8::/32 127.0.0.1",
       "192.0.2.0/24 2001:db8::/32 127.0.0.1"},
      {"MaxProxyHops", "1", ""},
      {"StoreFingerprints",
       "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:"
       "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF",
       "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"},
      {"Banner", "Welcome to %h", "Welcome to %h"},
      {"Banner", "", ""},
  };
  for (const Case& good : cases) {
    const Option* const option = find_option(good.option);
    ASSERT_NE(option, nullptr) << good.option;
    Settings settings;
    const Result<> set = set_value(settings, *option, good.value);
    ASSERT_TRUE(set) << good.option << " " << good.value << ": " << set.error().detail;
    const std::string_view expected = good.text.empty() ? good.value : good.text;
    EXPECT_EQ(value_text(settings, *option), expected) << good.option;
  }
}

TEST(OptionValue, RefusesBadValuesAndSaysWhatIsAccepted) {
  const Case cases[] = {
      {"PreAuth", "", "yes or no"},
      {"PreAuth", "maybe", "'maybe'"},
      {"PreAuth", "yess", "yes or no"},
      {"PreAuth", "2", "yes or no"},
      {"PreAuth", "yes no", "yes or no"},
      {"BacksidePort", "", "not a whole number"},
      {"BacksidePort", "-1", "out of range"},
      {"BacksidePort", "65536", "0 to 65535"},
      {"BacksidePort", "143x", "not a whole number"},
      {"BacksidePort", "+143", "not a whole number"},
      {"BacksidePort", " 143", "not a whole number"},
      {"BacksidePort", "0x8f", "not a whole number"},
      {"BacksidePort", "imap", "not a whole number"},
      {"BacksidePort", "99999999999999999999999", "out of range"},
      {"NumThreads", "1025", "0 to 1024 workers"},
      {"LogLevel", "loud", "not a whole number"},
      {"LogLevel", "-1", "out of range"},
      {"LDAPTimeout", "0", "1 to 3600 seconds"},
      {"LDAPTimeout", "25s", "not a whole number"},
      {"LDAPTimeout", "2.5", "not a whole number"},
      {"LDAPTimeout", "4294967297", "out of range"},
      {"AuthServiceTTL", "-2", "out of range"},
      {"AdminPolicy", "none", "simple or group"},
      {"SchemaLevel", "3", "1, 1.5, 2"},
      {"SSLMinVersion", "1.1", "1.2, 1.3"},
      {"SSLMinVersion", "TLSv1.2", "1.2, 1.3"},
      {"SSLPorts", "imaps", "no port"},
      {"SSLPorts", "993|", "behind '|'"},
      {"SSLPorts", "|993", "accepted"},
      {"SSLPorts", "993||995", "accepted"},
      {"SSLPorts", "993 995", "not a host"},
      {"SSLPorts", "65536", "not a port"},
      {"SSLPorts", "mail.example.com:993", "no address"},
      {"SSLPorts", "127.0.0.1", "no port"},
      {"SSLCertFile", "\"a b.pem\" c.pem", "separated by blanks"},
      {"SSLTicketTime", "604801", "out of range"},
      {"SSLTicketTime", "-1", "out of range"},
      {"OAuthMechanisms", "XOAUTH", "XOAUTH2, OAUTHBEARER"},
      {"PasswordAttrs", "", "userPassword"},
      {"AdminGroups", "admins", "no DN"},
      {"AdminGroups", "=admins", "no DN"},
      {"AdminGroups", "cn=a,o=x cn=b,o=x", "double quotes"},
      {"AdminGroups", "\"cn=a,o=x\" \"b\"", "'b' is no DN"},
      {"AdminGroups", "\"cn=a,o=x\"\"cn=b\"", "no DN"},
      {"ForwardClient", "", "none"},
      {"ForwardClient", "proxy", "proxy1, proxy2"},
      {"ForwardClient", "auto id", "alone"},
      {"ForwardClient", "id None", "alone"},
      {"ForwardClient", "proxy1 Proxy2", "one of these"},
      {"SourceAddresses", "192.0.2.1 eth0", "not an IP address"},
      {"SourceAddresses", "192.0.2.0/24", "not an IP address"},
      {"TrustedNetworks", "192.0.2.0/33", "192.0.2.0/24"},
      {"TrustedNetworks", "192.0.2.1/24", "accepted"},
      {"TrustedNetworks", "balancer.example.com", "not a network"},
      {"MaxProxyHops", "0", "1 to 100"},
      {"StoreFingerprints", "0011", "64 hex digits"},
      {"StoreFingerprints", "g0112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
       "64 hex digits"},
      {"SchemaLevel", "", "1, 1.5, 2"},
      {"PolicyServer", "https://h/", "http://HOST"},
      {"PolicyServer", "http://h:0x/", "accepted"},
      {"PolicyServer", "http://h/a b", "no URL has"},
      {"LDAP_UID", "uid mail", "not the name"},
      {"MailHostAttrs", "", "mailHost"},
      {"MailHostAttrs", "mailHost,other", "not the name"},
      {"MailHostAttrs", "mail*", "not the name"},
      {"TCPAccessAttr", "-x", "not the name"},
      {"LdapUrl", "phonebook", "ldif:FILE"},
      {"LdapUrl", "http://phonebook/", "ldap://"},
      {"LdapUrl", "ldap:phonebook", "not a directory's URL"},
      {"LdapUrl", "ldif:", "names no file"},
      {"LdapUrl", "ldif:?o=x", "names no file"},
      {"LdapUrl", "ldap://h:99999/o=x", "not a port"},
      {"LdapUrl", "ldap://h:/o=x", "not a port"},
      {"LdapUrl", "ldap://h1 h2:0/o=x", "not a port"},
      {"LdapUrl", "ldap://h1/o=x ldap://h2:x/o=x", "not a port"},
      {"LdapUrl", "ldap://[::1/o=x", "']'"},
      {"SearchFormat", "", "(uid=%s)"},
      {"SearchFormat", "uid=%s", "parentheses"},
      {"SearchFormat", "(uid=%s", "parentheses"},
      {"SearchFormat", "(uid=%s))", "parentheses"},
      {"SearchFormat", "(uid=%s)(mail=%s)", "parentheses"},
      {"SearchFormat", ")(", "parentheses"},
      {"SearchFormat", "(uid=%x)", "'%x'"},
      {"SearchFormat", "(uid=%)", "escape"},
      {"SearchFormat", "(uid=%A[uid])", "escape"},
      {"SearchFormat", "(%U=x)", "outside a value"},
      {"SearchFormat", "(cn%U=x)", "outside a value"},
      {"SearchFormat", "(&(a=b)%U)", "outside a value"},
      {"SearchFormat", "(|(a=b)(%U=x))", "outside a value"},
      {"ReplayFormat", "%", "escape"},
      {"ReplayFormat", "%A", "escape"},
      {"ReplayFormat", "%A[", "escape"},
      {"ReplayFormat", "%A[]", "escape"},
      {"ReplayFormat", "%A[a b]", "escape"},
      {"ReplayFormat", "%A]uid[", "escape"},
      {"ReplayFormat", "%C", "%A[attribute]"},
      {"VirtualDomainDelim", "", "@"},
      {"VirtualDomainDelim", "a", "separate"},
      {"VirtualDomainDelim", "@ +", "separate"},
      {"CanonicalVirtualDomainDelim", "", "@"},
      {"CanonicalVirtualDomainDelim", "@@", "one character"},
      {"AuthenticationServer", "localhost", "port is missing"},
      {"SmtpRelays", "manatee:0", "HOST[:PORT]"},
      {"SmtpRelays", "manatee:smtp", "not a port"},
      {"SmtpRelays", "manatee,gonzo:25 :25", "host is empty"},
      {"SmtpRelays", "[::1:25", "']'"},
      {"SharedState", "a.example", "no redis URL"},
      {"SharedState", "http://a", "redis://[USER@]"},
      {"SharedState", "redis:/a", "no redis URL"},
      {"SharedState", "redis://", "not a host"},
      {"SharedState", "redis://@a", "no redis URL"},
      {"SharedState", "redis://a:99999", "not a port"},
      {"SharedState", "redis://a/x", "no redis URL"},
      {"SharedState", "redis://a/123456", "no redis URL"},
      {"SharedState", "redis://a redis://u:hunter2@b", "SharedStatePassword"},
      {"SharedState", "redis://:hunter2@b", "SharedStatePassword"},
      {"SharedState", "u:hunter2@b", "SharedStatePassword"},
      {"OpenPorts", "25|", "behind '|'"},
      {"TellRelay", "xpehlo", "xproxyehlo"},
      {"RelayLogin", "yes", "password"},
      {"BareNewline", "keep", "normalize"},
      {"MaxRecipients", "0", "1 to 100000"},
      {"AuthenticationServer", "localhost:0", "not a port"},
      {"AuthenticationServer", ":56", "host is empty"},
  };
  for (const Case& bad : cases) {
    const Option* const option = find_option(bad.option);
    ASSERT_NE(option, nullptr) << bad.option;
    Settings settings;
    const Result<> set = set_value(settings, *option, bad.value);
    ASSERT_FALSE(set) << bad.option << " accepts '" << bad.value << "'";
    EXPECT_NE(set.error().detail.find(bad.text), std::string::npos)
        << bad.option << " '" << bad.value << "': " << set.error().detail;
    EXPECT_NE(set.error().detail.find("accepted"), std::string::npos) << set.error().detail;
    EXPECT_EQ(value_text(settings, *option), default_text(*option)) << "changed by a bad value";
  }
}

TEST(OptionValue, DefaultOfEveryOptionRoundTrips) {
  for (const Option& option : options()) {
    Settings settings;
    const Result<> set = set_value(settings, option, default_text(option));
    ASSERT_TRUE(set) << option.name << ": " << set.error().detail;
    EXPECT_EQ(value_text(settings, option), default_text(option)) << option.name;
  }
}

// A value of its type other than the default.
std::string other_value(const Option& option) {
  const auto [min, max] = option.syntax.range;
  if (min < max) return std::to_string(default_text(option) == std::to_string(max) ? min : max);
  if (type_name(option) == "boolean") return default_text(option) == "yes" ? "no" : "yes";
  if (option.syntax.form == Form::ldap_url) return "ldap://h/o=x";
  if (option.syntax.form == Form::search_filter) return "(cn=%U)";
  if (option.syntax.form == Form::character || option.syntax.form == Form::characters) return "+";
  if (option.syntax.form == Form::host_port) return "h:1";
  if (type_name(option) == "simple or group") return "group";
  for (const std::string_view choice : option.syntax.choices) {
    if (choice != default_text(option)) return std::string(choice);
  }
  switch (option.syntax.form) {
    case Form::ssl_ports:
      return "993|127.0.0.1:1993";
    case Form::ciphers:
      return "ECDHE-RSA-AES128-GCM-SHA256";
    case Form::fingerprints:
      return std::string(64, 'a');
    case Form::addresses:
    case Form::networks:
      return "192.0.2.1";
    case Form::distinguished_names:
      return "cn=a,o=x";
    case Form::conn_limits:
      return "10.0.0.0/8:5";
    case Form::access_filter:
      return "+imap:10.";
    case Form::http_server:
    case Form::http_url:
      return "http://h:8084";
    case Form::redis_urls:
      return "redis://h:6379";
    default:
      return "other";
  }
}

TEST(OptionValue, EveryOptionChangesItsOwnFieldOnly) {
  for (const Option& option : options()) {
    Settings settings;
    const Result<> set = set_value(settings, option, other_value(option));
    ASSERT_TRUE(set) << option.name << ": " << set.error().detail;
    EXPECT_EQ(value_text(settings, option), is_secret(option) ? "***" : other_value(option));
    for (const Option& rest : options()) {
      if (&rest == &option) continue;
      EXPECT_EQ(value_text(settings, rest), default_text(rest)) << option.name << " " << rest.name;
    }
  }
}

TEST(OptionValue, SecretsAreNeverShown) {
  Settings settings;
  for (const Option& option : options()) {
    if (!is_secret(option)) continue;
    ASSERT_TRUE(set_value(settings, option, "hunter2"));
    EXPECT_EQ(value_text(settings, option), "***") << option.name;
  }
  EXPECT_TRUE(settings.bind_pass.equals("hunter2"));
  EXPECT_TRUE(settings.store_admin_pass.equals("hunter2"));
  EXPECT_TRUE(settings.smtp_proxy_password.equals("hunter2"));
}

TEST(OptionValue, PasswordOfARedisUrlIsNotRepeated) {
  for (const std::string_view url : {"redis://u:hunter2@b", "redis://u:hunter2/x@b", "hunter2:x@y",
                                     "redis:/u:hunter2@b", "redis://u:a@hunter2@b"}) {
    Settings settings;
    const Result<> set = set_value(settings, *find_option("SharedState"), url);
    ASSERT_FALSE(set) << url;
    EXPECT_EQ(set.error().detail.find("hunter2"), std::string::npos) << set.error().detail;
  }
}

TEST(OptionValue, FindsTheFileOfAnLdifUrl) {
  EXPECT_EQ(ldif_file("ldif:users.ldif"), "users.ldif");
  EXPECT_EQ(ldif_file("LDIF:/a b/users.ldif?o=x?y"), "/a b/users.ldif");
  EXPECT_EQ(ldif_file("ldif:"), "");
  EXPECT_EQ(ldif_file("ldap://h/o=x"), "");
  EXPECT_EQ(ldif_file("ldi"), "");
  EXPECT_EQ(ldif_file(""), "");
}

}  // namespace
}  // namespace openmmp::config
