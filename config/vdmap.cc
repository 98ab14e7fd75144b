#include "config/vdmap.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "config/cfg_file.h"
#include "config/option_value.h"
#include "config/section.h"

namespace openmmp::config {
namespace {

// Goes over the lines twice, see read_domains().
class Reader {
 public:
  Reader(const std::string& file, Diagnostics& out) : file_(file), out_(out) {}

  // Options may stand before the vdmap line of their name, so that one is needed first.
  void read_domains(const std::vector<RawLine>& lines) {
    for (const RawLine& line : lines) {
      const std::vector<std::string> words = split_words(line.text);
      if (is_domain_line(words)) read_domain(words, line.number);
    }
  }

  void read_options(const std::vector<RawLine>& lines) {
    for (const RawLine& line : lines) {
      if (!is_domain_line(split_words(line.text))) read_option(line);
    }
  }

  std::vector<VirtualDomain> take() { return std::move(domains_); }

 private:
  static bool is_domain_line(const std::vector<std::string>& words) {
    return !words.empty() && words[0] == "vdmap";
  }

  VirtualDomain* find(std::string_view name) {
    const auto found = std::find_if(domains_.begin(), domains_.end(),
                                    [&](const VirtualDomain& d) { return d.name == name; });
    return found == domains_.end() ? nullptr : &*found;
  }

  void read_domain(const std::vector<std::string>& words, int line) {
    const Place place{file_, line, {}};
    if (words.size() != 3 || words[1].find(':') != std::string::npos) {
      out_.error(place, "is not a virtual domain; accepted: vdmap NAME IPADDR");
      return;
    }
    const auto address = SocketAddress::parse(words[2], 0);
    if (!address) {
      out_.error(place, fmt::format("{}; accepted: a local IPv4 or IPv6 address, as 192.0.2.1",
                                    address.error().detail));
      return;
    }
    // As the socket's address will be written, so that "::1" and "0:0::1" are the same.
    const std::string ip = address->ip();
    const auto [taken, is_new] = line_of_address_.emplace(ip, line);
    if (!is_new) {
      out_.error(place,
                 fmt::format("{} has a virtual domain in line {} already", ip, taken->second));
      return;
    }
    if (find(words[1]) == nullptr) domains_.push_back({words[1], {}, {}});
    find(words[1])->addresses.push_back(ip);
  }

  void read_option(const RawLine& raw) {
    const Result<CfgLine> line = parse_cfg_line(raw);
    if (!line) {
      out_.error(
          {file_, raw.number, {}},
          "is neither \"vdmap NAME IPADDR\" nor \"NAME:OPTION VALUE\": it " + line.error().detail);
      return;
    }
    VirtualDomain* const domain = find(line->section);
    if (domain == nullptr) {
      out_.warning({file_, raw.number, {}},
                   fmt::format("no vdmap line names '{}'; the line is ignored", line->section));
      return;
    }
    const Option* const option = option_of(*line, file_, in_vdmap, out_);
    if (option == nullptr) return;
    // The value is checked here and stored as text: it overrides settings known only later.
    Settings scratch;
    if (Result<> set = set_value(scratch, *option, line->value); !set) {
      out_.error({file_, raw.number, std::string(option->name)}, set.error().detail);
      return;
    }
    std::erase_if(domain->overrides, [&](const Pair& p) { return p.first == option->name; });
    domain->overrides.emplace_back(option->name, line->value);
  }

  const std::string& file_;
  Diagnostics& out_;
  std::vector<VirtualDomain> domains_;
  std::map<std::string, int> line_of_address_;
};

}  // namespace

std::vector<VirtualDomain> parse_vdmap(std::string_view text, const std::string& file,
                                       Diagnostics& out) {
  const RawLines raw = significant_lines(text);
  for (const CfgFault& fault : raw.faults) out.error({file, fault.line, {}}, fault.text);
  Reader reader(file, out);
  reader.read_domains(raw.lines);
  reader.read_options(raw.lines);
  return reader.take();
}

}  // namespace openmmp::config
