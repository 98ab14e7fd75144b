#include "tests/dialogs/script.h"

#include <fmt/format.h>

#include <cctype>
#include <charconv>

#include "workers/sasl/base64.h"

namespace openmmp::dialogs {

namespace {

std::string_view take_word(std::string_view& rest) {
  while (rest.starts_with(' ')) rest.remove_prefix(1);
  const size_t end = std::min(rest.find(' '), rest.size());
  const std::string_view word = rest.substr(0, end);
  rest.remove_prefix(end);
  if (rest.starts_with(' ')) rest.remove_prefix(1);
  return word;
}

// \r \n \t \0 \\ \xNN
std::string unescape(std::string_view text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      plain += text[i];
      continue;
    }
    switch (text[++i]) {
      case 'r':
        plain += '\r';
        break;
      case 'n':
        plain += '\n';
        break;
      case 't':
        plain += '\t';
        break;
      case '0':
        plain += '\0';
        break;
      case 'x': {
        unsigned value = 0;
        std::from_chars(text.data() + i + 1, text.data() + std::min(i + 3, text.size()), value, 16);
        plain += static_cast<char>(value);
        i += 2;
        break;
      }
      default:
        plain += text[i];
    }
  }
  return plain;
}

// "COUNT text": the text so often, each with `end` behind it.
std::string repeated(std::string_view rest, std::string_view end) {
  const std::string_view count_word = take_word(rest);
  size_t count = 0;
  std::from_chars(count_word.data(), count_word.data() + count_word.size(), count);
  std::string all;
  for (size_t i = 0; i < count; ++i) all.append(rest).append(end);
  return all;
}

// Verbs whose text is used as it stands.
const std::map<std::string_view, Action> plain_verbs = {
    {"<", Action::expect},    {"!", Action::never},
    {"close", Action::close}, {"shutdown", Action::shutdown},
    {"apop", Action::apop},   {"cram", Action::cram},
    {"scram", Action::scram}, {"cert", Action::certificate},
    {"tls", Action::tls},     {"tls-fails", Action::tls_fails},
    {"until", Action::until}, {"pause", Action::pause},
};

// Replaces base64{text}, whose text may have escapes, and repeat{N text}; one within the other.
std::string expand(std::string text) {
  for (;;) {
    const size_t encoded = text.rfind("base64{");
    const size_t multiplied = text.rfind("repeat{");
    // The last one has none inside.
    const bool is_encoded =
        encoded != std::string::npos && (multiplied == std::string::npos || encoded > multiplied);
    const size_t begin = is_encoded ? encoded : multiplied;
    if (begin == std::string::npos) return text;
    const size_t inside = begin + std::string_view("base64{").size();
    const size_t end = text.find('}', inside);
    if (end == std::string::npos) return text;
    const std::string content = text.substr(inside, end - inside);
    text.replace(begin, end + 1 - begin,
                 is_encoded ? sasl::base64_encode(unescape(content)) : repeated(content, ""));
  }
}

Result<Step> parse_step(std::string_view side, std::string_view verb, std::string_view rest) {
  Step step;
  step.side = side == "client" ? Side::client : side == "backend" ? Side::backend : Side::log;
  if (verb == ">") {
    step.text = std::string(rest) + "\r\n";
  } else if (verb == ">-") {
    step.text = unescape(rest);
  } else if (verb == "repeat") {
    step.text = repeated(rest, "\r\n");
  } else if (verb == "repeat-") {
    step.text = unescape(repeated(rest, ""));
  } else if (verb == "=" && rest == "closed") {
    step.action = Action::closed;
  } else if (verb == "drip") {
    step.action = Action::drip;
    step.text = unescape(rest);
  } else if (verb == "<-") {
    step.action = Action::expect_bytes;
    step.text = unescape(rest);
  } else if (const auto plain = plain_verbs.find(verb); plain != plain_verbs.end()) {
    step.action = plain->second;
    step.text = rest;
  } else {
    return fail(Errc::protocol, fmt::format("no such step: '{} {} {}'", side, verb, rest));
  }
  return step;
}

bool word_character(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; }

// The name behind the `$` at text[at], empty when there is none.
std::string_view name_at(std::string_view text, size_t at) {
  size_t end = at + 1;
  while (end < text.size() && word_character(text[end])) ++end;
  return text.substr(at + 1, end - at - 1);
}

}  // namespace

Result<Script> parse_script(std::string_view text) {
  Script script;
  int number = 0;
  while (!text.empty()) {
    ++number;
    const size_t lf = std::min(text.find('\n'), text.size());
    const std::string expanded = expand(std::string(text.substr(0, lf)));
    std::string_view line = expanded;
    text.remove_prefix(std::min(lf + 1, text.size()));
    if (line.empty() || line.front() == '#') continue;
    const std::string_view first = take_word(line);
    if (first == "taken") {
      script.taken.emplace_back(line);
      continue;
    }
    const std::string_view second = take_word(line);
    if (first == "popped") {
      script.popped.emplace_back(second, line);
      continue;
    }
    if (first == "set") {
      script.settings.emplace_back(second, line);
      continue;
    }
    if (first != "client" && first != "backend" && first != "log") {
      return fail(Errc::protocol, fmt::format("line {}: nobody is called '{}'", number, first));
    }
    Result<Step> step = parse_step(first, second, line);
    if (!step) return fail(Errc::protocol, fmt::format("line {}: {}", number, step.error().detail));
    step->line = number;
    auto& list = step->action == Action::never ? script.never
                 : step->side == Side::log     ? script.logged
                                               : script.steps;
    list.push_back(std::move(*step));
  }
  if (script.steps.empty()) return fail(Errc::protocol, "a dialog without steps");
  return script;
}

bool matches(std::string_view pattern, std::string_view line, Bindings& bindings) {
  while (!pattern.empty() && !line.empty() && pattern.front() == line.front() &&
         pattern.front() != '*' && pattern.front() != '$') {
    pattern.remove_prefix(1);
    line.remove_prefix(1);
  }
  if (pattern.empty()) return line.empty();
  if (pattern.front() == '*') {
    for (size_t skip = 0; skip <= line.size(); ++skip) {
      if (matches(pattern.substr(1), line.substr(skip), bindings)) return true;
    }
    return false;
  }
  if (pattern.front() == '$' && !name_at(pattern, 0).empty()) {
    const std::string name(name_at(pattern, 0));
    const std::string word(line.substr(0, line.find(' ')));
    const auto [bound, fresh] = bindings.emplace(name, word);
    if (!line.starts_with(bound->second) || bound->second.empty()) return false;
    return matches(pattern.substr(1 + name.size()), line.substr(bound->second.size()), bindings);
  }
  return !line.empty() && pattern.front() == line.front() &&
         matches(pattern.substr(1), line.substr(1), bindings);
}

std::string substitute(std::string_view text, const Bindings& bindings) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    const std::string_view name = text[i] == '$' ? name_at(text, i) : std::string_view();
    const auto bound = bindings.find(std::string(name));
    if (bound == bindings.end()) {
      result += text[i];
    } else {
      result += bound->second;
      i += name.size();
    }
  }
  return result;
}

}  // namespace openmmp::dialogs
