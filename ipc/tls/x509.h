// What is written in a certificate. For the rest of ipc/tls.
#pragma once

#include <string>
#include <vector>

struct X509_name_st;
struct x509_st;

namespace openmmp::tls {

// RFC 2253, with UTF-8 as it is and control characters escaped.
std::string name_text(const X509_name_st* name);
std::string der_of(const x509_st* certificate);
std::string fingerprint_of(const x509_st* certificate);  // SHA-256, raw
// The DNS names and addresses that it is for, lower case; where it has no alternative names, the
// common names of its subject.
std::vector<std::string> names_of(const x509_st* certificate);

}  // namespace openmmp::tls
