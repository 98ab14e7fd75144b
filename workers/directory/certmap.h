// certmap.conf: which entry of the directory a client's certificate stands for.
//   certmap NAME ISSUER_DN
//   NAME:PROPERTY [VALUE]
// A mapping named "default" with the issuer "default" must be there; the others are chosen by the
// certificate's issuer. Properties (NAMES is "e=mail, uid": FROM the subject, =TO in the
// directory):
//   DNComps NAMES       search below a DN made of these; no value: everywhere; absent: the subject
//   FilterComps NAMES   search for entries that match these
//   CmapLdapAttr NAME   search everywhere for entries in which this attribute is the subject
//   verifycert on       the entry must hold the certificate
// A subject that leaves a choice about who it is gets refused. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/cfg_file.h"
#include "ipc/runtime/result.h"
#include "workers/directory/dn.h"

namespace openmmp::directory {

// The one entry that it finds is the client's.
struct CertLookup {
  std::string base;          // empty: the whole tree
  bool base_only = false;    // the entry of that name, nothing below it
  std::string filter;        // escaped as RFC 4515 asks
  bool verify_cert = false;  // the entry must hold the certificate
};

class CertMap {
 public:
  // `subject` and `issuer` as X509_NAME_print_ex() writes them with XN_FLAG_RFC2253. Errc::refused:
  // the certificate is nobody's; `detail` says why.
  Result<CertLookup> apply(std::string_view subject, std::string_view issuer) const;

 private:
  friend class CertMapReader;

  struct Component {
    std::string from;  // of the subject
    std::string to;    // of the directory
  };
  struct Mapping {
    std::string name;
    int line = 0;
    std::optional<Dn> issuer;  // nothing: the default mapping
    std::optional<std::vector<Component>> base;
    std::vector<Component> filter;
    std::string subject_attribute;
    bool verify_cert = false;
  };

  const Mapping* mapping_of(const Dn& issuer) const;
  static Result<std::string> base_of(const Mapping& mapping, const std::vector<Rdn>& subject);
  static Result<std::string> filter_of(const Mapping& mapping, const std::vector<Rdn>& subject);

  std::vector<Mapping> mappings_;
};

struct ParsedCertMap {
  CertMap map;  // not to be used when there are errors
  std::vector<config::CfgFault> errors;
  std::vector<config::CfgFault> warnings;
};
ParsedCertMap parse_certmap(std::string_view text);

}  // namespace openmmp::directory
