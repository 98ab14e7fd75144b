#include "config/override_groups.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "config/cfg_file.h"
#include "config/option_value.h"
#include "config/section.h"

namespace openmmp::config {
namespace {

// Goes over the lines twice, see read_groups().
class Reader {
 public:
  Reader(const GroupSyntax& syntax, const std::string& file, Diagnostics& out)
      : syntax_(syntax), file_(file), out_(out) {}

  // Options may stand before the line of their group, so that one is needed first.
  void read_groups(const std::vector<RawLine>& lines) {
    for (const RawLine& line : lines) {
      const std::vector<std::string> words = split_words(line.text);
      if (is_group_line(words)) read_group(words, line.number);
    }
  }

  void read_options(const std::vector<RawLine>& lines) {
    for (const RawLine& line : lines) {
      if (!is_group_line(split_words(line.text))) read_option(line);
    }
  }

  std::vector<OverrideGroup> take() { return std::move(groups_); }

 private:
  bool is_group_line(const std::vector<std::string>& words) const {
    return !words.empty() && words[0] == syntax_.keyword;
  }

  OverrideGroup* find(std::string_view name) {
    const auto found = std::find_if(groups_.begin(), groups_.end(),
                                    [&](const OverrideGroup& g) { return g.name == name; });
    return found == groups_.end() ? nullptr : &*found;
  }

  void read_group(const std::vector<std::string>& words, int line) {
    const Place place{file_, line, {}};
    const bool too_many = words.size() > 2 + syntax_.max_members;
    if (words.size() < 3 || too_many || words[1].find(':') != std::string::npos) {
      out_.error(place, fmt::format("is not a {}; accepted: {}", syntax_.noun, syntax_.usage));
      return;
    }
    const OverrideGroup* const known = find(words[1]);
    if (known != nullptr && !syntax_.lines_add_up) {
      out_.error(place, fmt::format("'{}' is in line {} already; accepted: one line a {}", words[1],
                                    known->line, syntax_.noun));
      return;
    }
    for (size_t at = 2; at < words.size(); ++at) read_member(words[1], words[at], place);
  }

  void read_member(const std::string& name, std::string_view word, const Place& place) {
    Result<std::string> member = syntax_.member(word);
    if (!member) {
      out_.error(place, member.error().detail);
      return;
    }
    const auto [taken, is_new] = line_of_member_.emplace(*member, place.line);
    if (!is_new) {
      out_.error(place, fmt::format("{} has a {} in line {} already", *member, syntax_.noun,
                                    taken->second));
      return;
    }
    if (find(name) == nullptr) groups_.push_back({name, {}, {}, place.line});
    find(name)->members.push_back(std::move(*member));
  }

  void read_option(const RawLine& raw) {
    const Result<CfgLine> line = parse_cfg_line(raw);
    if (!line) {
      out_.error({file_, raw.number, {}},
                 fmt::format("is neither \"{}\" nor \"NAME:OPTION VALUE\": it {}", syntax_.usage,
                             line.error().detail));
      return;
    }
    OverrideGroup* const group = find(line->section);
    if (group == nullptr) {
      out_.warning({file_, raw.number, {}},
                   fmt::format("no {} line names '{}'; the line is ignored", syntax_.keyword,
                               line->section));
      return;
    }
    const Option* const option = option_of(*line, file_, syntax_.scope, out_);
    if (option == nullptr) return;
    // The value is checked here and stored as text: it overrides settings known only later.
    Settings scratch;
    if (Result<> set = set_value(scratch, *option, line->value); !set) {
      out_.error({file_, raw.number, std::string(option->name)}, set.error().detail);
      return;
    }
    std::erase_if(group->overrides, [&](const Pair& p) { return p.first == option->name; });
    group->overrides.emplace_back(option->name, line->value);
  }

  const GroupSyntax& syntax_;
  const std::string& file_;
  Diagnostics& out_;
  std::vector<OverrideGroup> groups_;
  std::map<std::string, int> line_of_member_;
};

}  // namespace

std::vector<OverrideGroup> parse_override_groups(const GroupSyntax& syntax, std::string_view text,
                                                 const std::string& file, Diagnostics& out) {
  const RawLines raw = significant_lines(text);
  for (const CfgFault& fault : raw.faults) out.error({file, fault.line, {}}, fault.text);
  Reader reader(syntax, file, out);
  reader.read_groups(raw.lines);
  reader.read_options(raw.lines);
  return reader.take();
}

}  // namespace openmmp::config
