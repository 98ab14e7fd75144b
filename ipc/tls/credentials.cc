#include "ipc/tls/credentials.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cstring>

#include "ipc/tls/x509.h"

namespace openmmp::tls {

namespace {

// NSS keeps its certificates in databases, Berkeley DB or SQLite, and an old configuration names
// those: cert8.db, cert9.db.
bool is_nss_database(std::string_view text) {
  constexpr std::string_view berkeley[] = {{"\x00\x05\x31\x62", 4},
                                           {"\x62\x31\x05\x00", 4},
                                           {"\x00\x06\x15\x61", 4},
                                           {"\x61\x15\x06\x00", 4}};
  // cert8.db and key3.db begin with the magic number, later ones have it behind a page header.
  const auto has_magic = [text](std::string_view magic) {
    return text.starts_with(magic) ||
           text.substr(std::min<size_t>(12, text.size())).starts_with(magic);
  };
  return text.starts_with("SQLite format 3") ||
         std::any_of(std::begin(berkeley), std::end(berkeley), has_magic);
}

Failure no_pem(const std::string& name, std::string_view text) {
  if (text.find("-----BEGIN") != text.npos) {
    return fail(Errc::refused, name + ": no certificate in it, but another kind of PEM");
  }
  const std::string what =
      is_nss_database(text) ? ": a certificate database of NSS" : ": no PEM text (-----BEGIN ...)";
  return fail(Errc::refused,
              name + what +
                  "; convert a database with \"pk12util -o x.p12 -n NICKNAME -d DIR\", then "
                  "\"openssl pkcs12 -in x.p12 -nodes -out x.pem\"");
}

struct PasswordQuestion {
  std::string_view password;
  bool asked = false;
};

int give_password(char* to, int room, int, void* argument) {
  auto& question = *static_cast<PasswordQuestion*>(argument);
  question.asked = true;
  const std::string_view password = question.password;
  if (password.empty() || password.size() > static_cast<size_t>(room)) return -1;
  std::memcpy(to, password.data(), password.size());
  return static_cast<int>(password.size());
}

Result<Owned<EVP_PKEY>> load_key(const std::string& name, std::string_view pem,
                                 std::string_view password) {
  PasswordQuestion question{password};
  ERR_clear_error();
  Owned<EVP_PKEY> key(
      PEM_read_bio_PrivateKey(reader(pem).get(), nullptr, give_password, &question));
  const std::string reason = take_error();
  if (key) return key;
  if (question.asked) {
    return fail(Errc::refused,
                name + (question.password.empty() ? ": the private key is encrypted and there is "
                                                    "no password for it"
                                                  : ": the password of the private key is wrong"));
  }
  if (pem.find("PRIVATE KEY-----") == pem.npos) {
    if (is_nss_database(pem)) return no_pem(name, pem);
    return fail(Errc::refused, name + ": no private key in PEM (-----BEGIN PRIVATE KEY-----)");
  }
  return fail(Errc::refused, name + ": the private key cannot be read: " + reason);
}

Result<> check_chain(const std::string& name, X509* leaf, const STACK_OF(X509) * issuers) {
  X509* below = leaf;
  for (int i = 0; i < sk_X509_num(issuers); ++i) {
    X509* issuer = sk_X509_value(issuers, i);
    if (X509_check_issued(issuer, below) != X509_V_OK) {
      return fail(Errc::refused,
                  name + ": certificate " + std::to_string(i + 2) + " in it, \"" +
                      name_text(X509_get_subject_name(issuer)) + "\", is not the issuer of \"" +
                      name_text(X509_get_subject_name(below)) + "\" before it, which names \"" +
                      name_text(X509_get_issuer_name(below)) + '"');
    }
    below = issuer;
  }
  return {};
}

}  // namespace

Result<Owned<stack_st_X509>> load_certificates(const std::string& name, const std::string& pem) {
  const Owned<BIO> bio = reader(pem);
  Owned<STACK_OF(X509)> found(sk_X509_new_null());
  ERR_clear_error();
  while (X509* certificate = PEM_read_bio_X509_AUX(bio.get(), nullptr, nullptr, nullptr)) {
    sk_X509_push(found.get(), certificate);
  }
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  const std::string reason = take_error();
  if (!at_end) {
    return fail(Errc::refused, name + ": certificate " +
                                   std::to_string(sk_X509_num(found.get()) + 1) +
                                   " in it cannot be read: " + reason);
  }
  if (sk_X509_num(found.get()) == 0) return no_pem(name, pem);
  return found;
}

Result<Credentials> load_credentials(const std::string& name, const std::string& chain,
                                     std::string_view key, std::string_view password) {
  Result<Owned<stack_st_X509>> certificates = load_certificates(name, chain);
  if (!certificates) return fail(certificates.error());
  Credentials loaded;
  loaded.leaf.reset(sk_X509_shift(certificates->get()));
  loaded.issuers = std::move(*certificates);
  if (auto linked = check_chain(name, loaded.leaf.get(), loaded.issuers.get()); !linked) {
    return fail(linked.error());
  }
  Result<Owned<EVP_PKEY>> private_key = load_key(name, key.empty() ? chain : key, password);
  if (!private_key) return fail(private_key.error());
  loaded.key = std::move(*private_key);
  if (X509_check_private_key(loaded.leaf.get(), loaded.key.get()) != 1) {
    ERR_clear_error();
    return fail(Errc::refused, name + ": the private key is not that of the certificate \"" +
                                   name_text(X509_get_subject_name(loaded.leaf.get())) + '"');
  }
  return loaded;
}

}  // namespace openmmp::tls
