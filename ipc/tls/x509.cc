#include "ipc/tls/x509.h"

#include <arpa/inet.h>
#include <openssl/x509v3.h>

#include <algorithm>

#include "ipc/runtime/text.h"
#include "ipc/tls/openssl.h"

namespace openmmp::tls {

namespace {

std::string_view bytes_in(const ASN1_STRING* string) {
  const void* data = ASN1_STRING_get0_data(string);
  return {static_cast<const char*>(data), static_cast<size_t>(ASN1_STRING_length(string))};
}

std::string address_text(std::string_view bytes) {
  char text[INET6_ADDRSTRLEN] = "";
  if (bytes.size() == 4) inet_ntop(AF_INET, bytes.data(), text, sizeof text);
  if (bytes.size() == 16) inet_ntop(AF_INET6, bytes.data(), text, sizeof text);
  return text;
}

std::string name_in(const GENERAL_NAME* name) {
  if (name->type == GEN_DNS) return lower_case(bytes_in(name->d.dNSName));
  if (name->type == GEN_IPADD) return address_text(bytes_in(name->d.iPAddress));
  return {};
}

// A name with a control character in it is a trick (RFC 6125 has none): "good.example\0.evil".
void add_name(std::vector<std::string>& names, std::string name) {
  const bool strange = std::any_of(name.begin(), name.end(), is_control);
  if (name.empty() || strange || std::find(names.begin(), names.end(), name) != names.end()) return;
  names.push_back(std::move(name));
}

}  // namespace

std::string name_text(const X509_name_st* name) {
  const Owned<BIO> bio(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return size > 0 ? std::string(text, static_cast<size_t>(size)) : std::string();
}

std::string der_of(const x509_st* certificate) {
  const int size = i2d_X509(certificate, nullptr);
  if (size <= 0) return {};
  std::string der(static_cast<size_t>(size), '\0');
  unsigned char* to = bytes_of(der);
  i2d_X509(certificate, &to);
  return der;
}

std::string fingerprint_of(const x509_st* certificate) {
  std::string data(EVP_MAX_MD_SIZE, '\0');
  unsigned size = 0;
  X509_digest(certificate, EVP_sha256(), bytes_of(data), &size);
  data.resize(size);
  return data;
}

// Of the alternative names, or where there are none of the subject, as before RFC 6125.
std::vector<std::string> names_of(const x509_st* certificate) {
  std::vector<std::string> names;
  const Owned<GENERAL_NAMES> alternatives(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; i < sk_GENERAL_NAME_num(alternatives.get()); ++i) {
    add_name(names, name_in(sk_GENERAL_NAME_value(alternatives.get(), i)));
  }
  if (!names.empty()) return names;
  const X509_NAME* subject = X509_get_subject_name(certificate);
  for (int at = -1; (at = X509_NAME_get_index_by_NID(subject, NID_commonName, at)) >= 0;) {
    const ASN1_STRING* value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
    add_name(names, lower_case(bytes_in(value)));
  }
  return names;
}

}  // namespace openmmp::tls
