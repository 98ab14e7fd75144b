#include "workers/sasl/gs2.h"

#include <algorithm>

#include "workers/sasl/credentials.h"

namespace openmmp::sasl {
namespace {

// Three bytes for each of a name that check_name() lets through.
constexpr size_t longest_saslname = 3 * 1024;
constexpr size_t longest_binding_type = 64;

bool is_type_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '-';
}

Result<> take_flag(std::string_view flag, Gs2Header& header) {
  if (flag == "n") return {};
  if (flag == "y") {
    header.binding = Gs2Header::Binding::not_offered;
    return {};
  }
  if (!flag.starts_with("p=")) return fail(Errc::protocol, "The message has no GS2 header.");
  const std::string_view type = flag.substr(2);
  if (type.empty() || type.size() > longest_binding_type ||
      !std::all_of(type.begin(), type.end(), is_type_character)) {
    return fail(Errc::protocol, "The channel binding type is malformed.");
  }
  header.binding = Gs2Header::Binding::used;
  header.binding_type = type;
  return {};
}

Result<> take_authzid(std::string_view text, Gs2Header& header) {
  if (text.empty()) return {};
  if (!text.starts_with("a=")) return fail(Errc::protocol, "The GS2 header is malformed.");
  Result<std::string> name = decode_saslname(text.substr(2));
  if (!name) return fail(std::move(name.error()));
  header.authzid = std::move(*name);
  return {};
}

}  // namespace

Result<Gs2Header> take_gs2_header(std::string_view& message) {
  const size_t first = message.find(',');
  const size_t second = first == message.npos ? first : message.find(',', first + 1);
  if (second == message.npos) return fail(Errc::protocol, "The message has no GS2 header.");
  Gs2Header header;
  if (auto good = take_flag(message.substr(0, first), header); !good) {
    return fail(std::move(good.error()));
  }
  if (auto good = take_authzid(message.substr(first + 1, second - first - 1), header); !good) {
    return fail(std::move(good.error()));
  }
  header.text = message.substr(0, second + 1);
  message.remove_prefix(second + 1);
  return header;
}

Result<std::string> decode_saslname(std::string_view text) {
  if (text.size() > longest_saslname) return fail(Errc::refused, "The user name is too long.");
  std::string name;
  while (!text.empty()) {
    if (text.front() != '=') {
      name += text.front();
      text.remove_prefix(1);
      continue;
    }
    const std::string_view escape = text.substr(0, 3);
    if (escape != "=2C" && escape != "=3D") {
      return fail(Errc::protocol, "The user name has an \"=\" that is neither =2C nor =3D.");
    }
    name += escape == "=2C" ? ',' : '=';
    text.remove_prefix(3);
  }
  if (auto good = check_name(name); !good) return fail(std::move(good.error()));
  return name;
}

std::string encode_saslname(std::string_view name) {
  std::string text;
  for (const char c : name) {
    if (c == ',') {
      text += "=2C";
    } else if (c == '=') {
      text += "=3D";
    } else {
      text += c;
    }
  }
  return text;
}

}  // namespace openmmp::sasl
