#include "ipc/tls/cipher_specs.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "ipc/runtime/text.h"

namespace openmmp::tls {

namespace {

constexpr size_t longest_specs = 4096;
constexpr size_t longest_name = 64;

// Forward secrecy always; the ones with CBC are for clients of the first years of TLS 1.2.
constexpr std::string_view our_tls1_2 =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
    "ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES128-SHA256:"
    "ECDHE-ECDSA-AES256-SHA384:ECDHE-RSA-AES256-SHA384";
// At the end of every list of an operator: what no expression may bring in.
constexpr std::string_view never = "!aNULL:!eNULL:!EXPORT:!LOW:!RC4:!3DES:!MD5:!PSK:!SRP:!DSS";

constexpr std::string_view suites[] = {
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
};

constexpr std::string_view ciphers[] = {
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-CHACHA20-POLY1305",
    "ECDHE-ECDSA-AES128-SHA256",
    "ECDHE-RSA-AES128-SHA256",
    "ECDHE-ECDSA-AES256-SHA384",
    "ECDHE-RSA-AES256-SHA384",
    "ECDHE-ECDSA-AES128-SHA",
    "ECDHE-RSA-AES128-SHA",
    "ECDHE-ECDSA-AES256-SHA",
    "ECDHE-RSA-AES256-SHA",
    "DHE-RSA-AES128-GCM-SHA256",
    "DHE-RSA-AES256-GCM-SHA384",
    "DHE-RSA-CHACHA20-POLY1305",
    "DHE-RSA-AES128-SHA256",
    "DHE-RSA-AES256-SHA256",
    "DHE-RSA-AES128-SHA",
    "DHE-RSA-AES256-SHA",
    "AES128-GCM-SHA256",
    "AES256-GCM-SHA384",
    "AES128-SHA256",
    "AES256-SHA256",
    "AES128-SHA",
    "AES256-SHA",
};

constexpr std::string_view keywords[] = {
    "HIGH",   "MEDIUM", "ECDHE",  "EECDH",  "kECDHE",   "kEECDH",   "DHE",    "EDH",
    "kDHE",   "kEDH",   "RSA",    "kRSA",   "aRSA",     "ECDSA",    "aECDSA", "AES",
    "AES128", "AES256", "AESGCM", "AESCCM", "CHACHA20", "CAMELLIA", "ARIA",   "SHA1",
    "SHA",    "SHA256", "SHA384", "TLSv1",  "TLSv1.0",  "TLSv1.2",  "SSLv3",  "PSK",
    "SRP",    "DSS",    "aDSS",   "SEED",   "IDEA",     "CBC",
};

constexpr std::string_view insecure_words[] = {
    "rc4", "rc2",  "export", "exp", "export1024", "exp1024", "null", "anull", "enull",
    "des", "3des", "cbc3",   "md5", "fortezza",   "anon",    "adh",  "aecdh", "low",
};

template <class List>
bool contains(const List& list, std::string_view text) {
  return std::find(std::begin(list), std::end(list), text) != std::end(list);
}

bool is_separator(char c) { return c == ':' || c == ',' || c == ';' || c == ' ' || c == '\t'; }

std::vector<std::string_view> split(std::string_view text, bool (*at)(char)) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const auto end = std::find_if(text.begin(), text.end(), at);
    const auto size = static_cast<size_t>(end - text.begin());
    if (size > 0) parts.push_back(text.substr(0, size));
    text.remove_prefix(std::min(size + 1, text.size()));
  }
  return parts;
}

bool is_insecure(std::string_view name) {
  const std::string low = lower_case(name);
  const auto words = split(low, [](char c) { return c == '-' || c == '_' || c == '+'; });
  return std::any_of(words.begin(), words.end(),
                     [](std::string_view word) { return contains(insecure_words, word); });
}

void erase_all(std::string& text, std::string_view part) {
  for (size_t at = 0; (at = text.find(part, at)) != text.npos;) text.erase(at, part.size());
}

void erase_front(std::string& text, std::string_view part) {
  if (text.starts_with(part)) text.erase(0, part.size());
}

// The spellings of a cipher differ in these things only: separators, "TLS" and "WITH", an RSA key
// exchange and CBC said or not, and the hash of CHACHA20-POLY1305, which has no choice of it.
std::string canonical(std::string_view name) {
  std::string text = lower_case(name);
  std::erase_if(text, [](char c) { return c == '-' || c == '_'; });
  erase_front(text, "tls");
  erase_front(text, "ssl");
  erase_all(text, "with");
  erase_front(text, "rsa");
  erase_all(text, "cbc");
  if (text.ends_with("poly1305sha256")) text.resize(text.size() - 6);
  return text;
}

std::optional<std::string_view> find_cipher(std::string_view name) {
  const std::string wanted = canonical(name);
  const auto found =
      std::find_if(std::begin(ciphers), std::end(ciphers),
                   [&](std::string_view known) { return canonical(known) == wanted; });
  if (found == std::end(ciphers)) return std::nullopt;
  return *found;
}

bool is_expression(std::string_view text) {
  if (text == "@STRENGTH") return true;
  const auto parts = split(text, [](char c) { return c == '+'; });
  return !parts.empty() && std::all_of(parts.begin(), parts.end(), [](std::string_view part) {
    return contains(keywords, part) || contains(ciphers, part);
  });
}

// Levenshtein's, without regard to case.
size_t distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t replace = diagonal + (lower(a[i]) == lower(b[j]) ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({row[j] + 1, row[j + 1] + 1, replace});
    }
  }
  return row[b.size()];
}

Failure unknown(std::string_view name) {
  std::string message = "\"" + one_line(name.substr(0, longest_name)) + "\" is no cipher";
  if (name.size() > longest_name) return fail(Errc::refused, message);
  std::string_view nearest = ciphers[0];
  const auto look = [&](const auto& list) {
    for (const std::string_view known : list) {
      if (distance(name, known) < distance(name, nearest)) nearest = known;
    }
  };
  look(ciphers);
  look(suites);
  look(keywords);
  return fail(Errc::refused, message + "; the nearest that is one is " + std::string(nearest));
}

// Gathers the entries of one list.
class Lists {
 public:
  Result<> add(std::string_view entry) {
    const bool is_signed = entry[0] == '!' || entry[0] == '-' || entry[0] == '+';
    const std::string_view name = entry.substr(is_signed ? 1 : 0);
    const bool out = is_signed && entry[0] != '+';
    if (name.size() > longest_name) return unknown(name);
    if (is_insecure(name)) return out ? Result<>() : refuse(name);
    if (add_cipher(name, out)) return {};
    if (!is_expression(name)) return unknown(name);
    // Signed ones change the list that stands before them, so they come behind all that add.
    append(is_signed || name[0] == '@' ? left_out_ : chosen_, entry);
    return {};
  }

  CipherLists take() const {
    CipherLists lists;
    const bool only_suites = chosen_.empty() && !chosen_suites_.empty();
    if (!only_suites) {
      lists.tls1_2 = chosen_.empty() ? std::string(our_tls1_2) : chosen_;
      if (!left_out_.empty()) append(lists.tls1_2, left_out_);
      append(lists.tls1_2, never);
    }
    for (const std::string_view suite : suites) {
      const bool chosen = chosen_suites_.empty() || contains(chosen_suites_, suite);
      if (chosen && !contains(left_out_suites_, suite)) append(lists.tls1_3, suite);
    }
    return lists;
  }

 private:
  // False when `name` is neither a cipher nor a word for our own choice.
  bool add_cipher(std::string_view name, bool out) {
    if (equals_ignoring_case(name, "all") || equals_ignoring_case(name, "default")) {
      if (!out) append(chosen_, our_tls1_2);
      return true;
    }
    if (contains(suites, name)) {
      (out ? left_out_suites_ : chosen_suites_).push_back(name);
      return true;
    }
    const auto cipher = find_cipher(name);
    if (!cipher) return false;
    append(out ? left_out_ : chosen_, (out ? "!" : "") + std::string(*cipher));
    return true;
  }
  static void append(std::string& list, std::string_view entry) {
    if (!list.empty()) list += ':';
    list += entry;
  }
  static Result<> refuse(std::string_view name) {
    return fail(Errc::refused, "\"" + one_line(name) +
                                   "\" protects nothing today (NULL, export, RC4, DES, MD5) and "
                                   "is not to be had; leave it out");
  }

  std::string chosen_;
  std::string left_out_;
  std::vector<std::string_view> chosen_suites_;
  std::vector<std::string_view> left_out_suites_;
};

}  // namespace

Result<CipherLists> parse_cipher_specs(std::string_view specs) {
  if (specs.size() > longest_specs) return fail(Errc::refused, "too long for a list of ciphers");
  Lists lists;
  for (const std::string_view entry : split(specs, is_separator)) {
    if (auto added = lists.add(entry); !added) return fail(added.error());
  }
  return lists.take();
}

}  // namespace openmmp::tls
