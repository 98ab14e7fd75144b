#include "workers/directory/ldap_url.h"

#include <fmt/format.h>

#include <optional>
#include <string_view>

#include "ipc/runtime/address.h"
#include "ipc/runtime/text.h"
#include "workers/directory/dn.h"
#include "workers/directory/text.h"

namespace openmmp::directory {

namespace {

Result<std::string> percent_decode(std::string_view text) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      result += text[i];
      continue;
    }
    const std::optional<char> byte = hex_byte(text, i + 1);
    if (!byte) {
      return fail(Errc::protocol, fmt::format("'{}': two hex digits expected behind '%'", text));
    }
    result += *byte;
    i += 2;
  }
  return result;
}

Result<LdapUrl> parse_ldif(const std::vector<std::string>& words) {
  // A path or a base with single blanks in it arrives as several words.
  const std::string rest = fmt::format("{}", fmt::join(words, " ")).substr(5);
  const size_t question = rest.find('?');
  LdapUrl url;
  url.ldif_file = rest.substr(0, question);
  if (url.ldif_file.empty()) return fail(Errc::protocol, "a file name expected behind 'ldif:'");
  if (question == std::string::npos) return url;
  Result<std::string> base = percent_decode(rest.substr(question + 1));
  if (!base) return fail(base.error());
  url.base = std::move(*base);
  if (const Result<Dn> dn = Dn::parse(url.base); !dn) return fail(dn.error());
  return url;
}

// Goes through the words: a URL begins with its scheme, has hosts, and may end with a base.
class UrlList {
 public:
  Result<> add(std::string_view word) {
    const bool ldaps = starts_with_ignoring_case(word, "ldaps://");
    if (ldaps || starts_with_ignoring_case(word, "ldap://")) {
      if (const Result<> ended = end_url(); !ended) return ended;
      scheme_ = ldaps ? "ldaps" : "ldap";
      word.remove_prefix(ldaps ? 8 : 7);
    } else if (base_) {
      // "ldap://host/ou=people, o=x": a base with a blank in it.
      *base_ += " " + std::string(word);
      return {};
    }
    if (scheme_.empty()) {
      return fail(Errc::protocol,
                  fmt::format("'{}' begins with none of ldap:// ldaps:// ldif:", word));
    }
    const size_t slash = word.find('/');
    if (slash != std::string_view::npos) base_ = word.substr(slash + 1);
    return add_host(word.substr(0, slash));
  }

  Result<LdapUrl> finish() {
    if (const Result<> ended = end_url(); !ended) return fail(ended.error());
    return std::move(url_);
  }

 private:
  Result<> add_host(std::string_view text) {
    if (text.empty()) return fail(Errc::protocol, "a host expected behind '//'");
    Result<HostPort> host = parse_host_port(text);
    if (!host) return fail(host.error());
    if (host->port == 0) host->port = scheme_ == "ldaps" ? 636 : 389;
    url_.servers.push_back(fmt::format("{}://{}", scheme_, host->to_string()));
    return {};
  }

  Result<> end_url() {
    if (scheme_.empty()) return {};
    const std::string text = base_.value_or("");
    base_.reset();
    const size_t question = text.find('?');
    if (text.find_first_not_of('?', question) != std::string::npos &&
        question != std::string::npos) {
      return fail(Errc::protocol, fmt::format("'{}': only a base may follow the hosts; the filter "
                                              "is SearchFormat",
                                              text));
    }
    Result<std::string> base = percent_decode(std::string_view(text).substr(0, question));
    if (!base) return fail(base.error());
    const Result<Dn> dn = Dn::parse(*base);
    if (!dn) return fail(dn.error());
    if (dn_ && *dn_ != *dn) {
      return fail(Errc::protocol,
                  fmt::format("the URLs have different bases, '{}' and '{}'", url_.base, *base));
    }
    url_.base = std::move(*base);
    dn_ = *dn;
    return {};
  }

  LdapUrl url_;
  std::string scheme_;               // of the URL under way, empty before the first
  std::optional<std::string> base_;  // as written, once its '/' has come
  std::optional<Dn> dn_;             // the base of the URLs so far
};

}  // namespace

Result<LdapUrl> parse_ldap_url(const std::vector<std::string>& words) {
  if (words.empty()) {
    return fail(Errc::protocol,
                "no URL; accepted are ldap://HOST/BASE, ldaps://HOST/BASE and "
                "ldif:FILE");
  }
  const bool embedded = starts_with_ignoring_case(words.front(), "ldif:");
  UrlList list;
  if (!embedded) {
    for (const std::string& word : words) {
      if (const Result<> added = list.add(word); !added) return fail(added.error());
    }
  }
  return embedded ? parse_ldif(words) : list.finish();
}

}  // namespace openmmp::directory
