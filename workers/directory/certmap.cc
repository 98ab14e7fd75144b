#include "workers/directory/certmap.h"

#include <fmt/format.h>

#include <algorithm>

#include "ipc/runtime/text.h"
#include "workers/directory/text.h"

namespace openmmp::directory {
namespace {

// Other names of the attributes that subjects consist of. OpenSSL, old certmap files and
// directories each have their own.
constexpr struct {
  std::string_view alias, name;
} aliases[] = {
    {"e", "mail"},
    {"email", "mail"},
    {"emailaddress", "mail"},
    {"rfc822mailbox", "mail"},
    {"pkcs9email", "mail"},
    {"1.2.840.113549.1.9.1", "mail"},
    {"0.9.2342.19200300.100.1.3", "mail"},
    {"userid", "uid"},
    {"0.9.2342.19200300.100.1.1", "uid"},
    {"commonname", "cn"},
    {"2.5.4.3", "cn"},
    {"organizationname", "o"},
    {"2.5.4.10", "o"},
    {"organizationalunitname", "ou"},
    {"2.5.4.11", "ou"},
    {"countryname", "c"},
    {"2.5.4.6", "c"},
    {"localityname", "l"},
    {"2.5.4.7", "l"},
    {"s", "st"},
    {"sp", "st"},
    {"stateorprovincename", "st"},
    {"2.5.4.8", "st"},
    {"domaincomponent", "dc"},
    {"0.9.2342.19200300.100.1.25", "dc"},
};

std::string one_name(std::string_view attribute) {
  const std::string name = lower_case(attribute);
  for (const auto& [alias, to] : aliases) {
    if (name == alias) return std::string(to);
  }
  return name;
}

Result<Dn> dn_with_one_name(std::string_view text) {
  Result<std::vector<Rdn>> rdns = parse_rdns(text);
  if (!rdns) return fail(std::move(rdns.error()));
  for (Rdn& rdn : *rdns) {
    for (DnPart& part : rdn) part.type = one_name(part.type);
  }
  return Dn::parse(dn_text(*rdns));
}

bool is_attribute(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_attribute_character);
}

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

Failure refused(std::string_view why) {
  return fail(Errc::refused, fmt::format("the client's certificate: {}", why));
}

// The subject's RDNs when each is one attribute with a value.
Result<std::vector<Rdn>> parse_subject(std::string_view subject) {
  Result<std::vector<Rdn>> rdns = parse_rdns(subject);
  if (!rdns) return refused("its subject is malformed");
  if (rdns->empty()) return refused("its subject is empty");
  for (const Rdn& rdn : *rdns) {
    if (rdn.size() != 1) return refused("its subject has an RDN of several attributes");
    if (rdn[0].value.empty()) return refused("its subject has an attribute without a value");
    if (!is_utf8(rdn[0].value)) return refused("its subject is not UTF-8");
  }
  return rdns;
}

std::vector<std::string> values_of(const std::vector<Rdn>& subject, std::string_view name) {
  std::vector<std::string> values;
  for (const Rdn& rdn : subject) {
    if (one_name(rdn[0].type) == name) values.push_back(rdn[0].value);
  }
  return values;
}

// The values for one component. Domain components mean something only together; of all else a
// second value would leave a choice to whoever wrote the subject.
Result<std::vector<std::string>> taken_values(const std::vector<Rdn>& subject,
                                              const std::string& name, bool may_be_several) {
  std::vector<std::string> values = values_of(subject, name);
  if (values.empty()) return refused(fmt::format("its subject has no {}", name));
  if (values.size() > 1 && !may_be_several) {
    return refused(fmt::format("its subject has more than one {}", name));
  }
  return values;
}

}  // namespace

// Reads the lines twice: properties may stand before the certmap line of their name.
class CertMapReader {
 public:
  void read(std::string_view text) {
    config::RawLines raw = config::significant_lines(text);
    out_.errors = std::move(raw.faults);
    for (const config::RawLine& line : raw.lines) {
      if (is_mapping(line)) read_mapping(line);
    }
    for (const config::RawLine& line : raw.lines) {
      if (!is_mapping(line)) read_property(line);
    }
    for (const CertMap::Mapping& mapping : mappings()) check(mapping);
    if (find("default") == nullptr) {
      error(0, "has no default mapping; needed: certmap default default");
    }
  }

  ParsedCertMap take() { return std::move(out_); }

 private:
  using Mapping = CertMap::Mapping;

  static bool is_mapping(const config::RawLine& line) {
    return line.text.starts_with("certmap") && config::split_words(line.text)[0] == "certmap";
  }

  void error(int line, std::string_view text) { out_.errors.push_back({line, one_line(text)}); }
  void warning(int line, std::string_view text) { out_.warnings.push_back({line, one_line(text)}); }
  std::vector<Mapping>& mappings() { return out_.map.mappings_; }

  Mapping* find(std::string_view name) {
    const auto found = std::find_if(mappings().begin(), mappings().end(),
                                    [&](const Mapping& m) { return m.name == name; });
    return found == mappings().end() ? nullptr : &*found;
  }

  void read_mapping(const config::RawLine& raw) {
    const auto words = config::split_words(raw.text);
    if (words.size() < 3 || words[1].find(':') != std::string::npos) {
      return error(raw.number, "is no mapping; accepted: certmap NAME ISSUER_DN");
    }
    Mapping mapping;
    mapping.name = words[1];
    mapping.line = raw.number;
    // The issuer is the rest of the line, blanks and all.
    const size_t behind_certmap = raw.text.find(words[1], words[0].size());
    const std::string_view issuer = trimmed(raw.text.substr(behind_certmap + words[1].size()));
    if ((words[1] == "default") != (issuer == "default")) {
      return error(raw.number, "the mapping \"default\" has the issuer \"default\", no other has");
    }
    if (issuer != "default") {
      Result<Dn> dn = dn_with_one_name(issuer);
      if (!dn) return error(raw.number, dn.error().detail);
      mapping.issuer = std::move(*dn);
    }
    for (const Mapping& other : mappings()) {
      if (other.name == mapping.name || other.issuer == mapping.issuer) {
        return error(raw.number,
                     fmt::format("name or issuer are those of line {} already", other.line));
      }
    }
    mappings().push_back(std::move(mapping));
  }

  void read_property(const config::RawLine& raw) {
    const Result<config::CfgLine> line = config::parse_cfg_line(raw);
    if (!line) {
      return error(raw.number,
                   "is neither \"certmap NAME ISSUER_DN\" nor \"NAME:PROPERTY VALUE\": it " +
                       line.error().detail);
    }
    Mapping* const mapping = find(line->section);
    if (mapping == nullptr) {
      return warning(raw.number,
                     fmt::format("no certmap line names '{}'; the line is ignored", line->section));
    }
    if (Result<> set = set_property(*mapping, *line); !set) error(raw.number, set.error().detail);
  }

  Result<> set_property(Mapping& mapping, const config::CfgLine& line) {
    const std::string key = lower_case(line.key);
    if (key == "dncomps" || key == "filtercomps") return set_components(mapping, key, line.value);
    if (key == "verifycert") return set_verify(mapping, line.value);
    if (key == "cmapldapattr") return set_attribute(mapping, line.value);
    const bool plug_in = key == "library" || key == "initfn";
    warning(line.number,
            fmt::format("{} is ignored: {}", line.key,
                        plug_in ? "plug-ins are not loaded; FROM=TO in DNComps and FilterComps "
                                  "renames attributes"
                                : "accepted are DNComps, FilterComps, verifycert, CmapLdapAttr"));
    return {};
  }

  static Result<> set_components(Mapping& mapping, std::string_view key, std::string_view text) {
    std::vector<CertMap::Component> list;
    while (!trimmed(text).empty()) {
      const size_t comma = std::min(text.find(','), text.size());
      const std::string_view item = text.substr(0, comma);
      text.remove_prefix(std::min(comma + 1, text.size()));
      const size_t equals = std::min(item.find('='), item.size());
      const std::string_view from = trimmed(item.substr(0, equals));
      const std::string_view to = equals == item.size() ? from : trimmed(item.substr(equals + 1));
      if (!is_attribute(from) || !is_attribute(to)) {
        return fail(Errc::protocol, fmt::format("'{}' is no attribute; accepted: attributes with "
                                                "commas between them, as in \"e=mail, uid\"",
                                                item));
      }
      // Without "=", the directory's own name for it.
      list.push_back({one_name(from), equals == item.size() ? one_name(to) : std::string(to)});
    }
    if (key == "dncomps") {
      mapping.base = std::move(list);
    } else {
      mapping.filter = std::move(list);
    }
    return {};
  }

  static Result<> set_verify(Mapping& mapping, std::string_view value) {
    mapping.verify_cert = equals_ignoring_case(value, "on");
    if (mapping.verify_cert || equals_ignoring_case(value, "off")) return {};
    return fail(Errc::protocol, fmt::format("verifycert is '{}'; accepted: on, off", value));
  }

  static Result<> set_attribute(Mapping& mapping, std::string_view value) {
    if (!value.empty() && !is_attribute(value)) {
      return fail(Errc::protocol,
                  fmt::format("CmapLdapAttr is '{}', which is no attribute", value));
    }
    mapping.subject_attribute = value;
    return {};
  }

  void check(const Mapping& mapping) {
    const bool everywhere = mapping.base && mapping.base->empty();
    if (!mapping.subject_attribute.empty()) {
      if (mapping.base || !mapping.filter.empty()) {
        warning(mapping.line, "DNComps and FilterComps are ignored: CmapLdapAttr decides");
      }
    } else if (everywhere && mapping.filter.empty()) {
      error(mapping.line,
            "any certificate would be any entry: DNComps is empty, so FilterComps must be set");
    }
  }

  ParsedCertMap out_;
};

const CertMap::Mapping* CertMap::mapping_of(const Dn& issuer) const {
  const Mapping* chosen = nullptr;
  for (const Mapping& mapping : mappings_) {
    if (mapping.issuer == issuer) return &mapping;
    if (!mapping.issuer) chosen = &mapping;
  }
  return chosen;
}

Result<std::string> CertMap::base_of(const Mapping& mapping, const std::vector<Rdn>& subject) {
  if (!mapping.base) return dn_text(subject);
  std::vector<Rdn> base;
  for (const Component& component : *mapping.base) {
    const auto values = taken_values(subject, component.from, component.from == "dc");
    if (!values) return fail(values.error());
    for (const std::string& value : *values) base.push_back({DnPart(component.to, value)});
  }
  return dn_text(base);
}

Result<std::string> CertMap::filter_of(const Mapping& mapping, const std::vector<Rdn>& subject) {
  std::string filter;
  for (const Component& component : mapping.filter) {
    const auto values = taken_values(subject, component.from, false);
    if (!values) return fail(values.error());
    filter += fmt::format("({}={})", component.to, filter_escaped(values->front()));
  }
  if (mapping.filter.empty()) return "(objectclass=*)";
  return mapping.filter.size() > 1 ? "(&" + filter + ")" : filter;
}

Result<CertLookup> CertMap::apply(std::string_view subject_text,
                                  std::string_view issuer_text) const {
  const Result<std::vector<Rdn>> subject = parse_subject(subject_text);
  if (!subject) return fail(subject.error());
  const Result<Dn> issuer = dn_with_one_name(issuer_text);
  if (!issuer || issuer->is_root()) return refused("its issuer is empty or malformed");
  const Mapping* const mapping = mapping_of(*issuer);
  if (mapping == nullptr) return refused("no mapping is for its issuer");

  CertLookup lookup;
  lookup.verify_cert = mapping->verify_cert;
  if (!mapping->subject_attribute.empty()) {
    lookup.filter =
        fmt::format("({}={})", mapping->subject_attribute, filter_escaped(dn_text(*subject)));
    return lookup;
  }
  Result<std::string> base = base_of(*mapping, *subject);
  if (!base) return fail(std::move(base.error()));
  Result<std::string> filter = filter_of(*mapping, *subject);
  if (!filter) return fail(std::move(filter.error()));
  lookup.base = std::move(*base);
  lookup.filter = std::move(*filter);
  lookup.base_only = mapping->filter.empty();
  return lookup;
}

ParsedCertMap parse_certmap(std::string_view text) {
  CertMapReader reader;
  reader.read(text);
  return reader.take();
}

}  // namespace openmmp::directory
