// What every fuzz target shares. A target is one file that includes this one and defines
// check_input(). It is linked with libFuzzer, or with replay_main.cc, which plays the seeds.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "ipc/runtime/check.h"

namespace openmmp::fuzz {

// Ends the process with CHECK() when `input` makes the parser break one of its promises.
void check_input(std::string_view input);

// Bytes in a block of their own and of their size, so that the sanitizer sees a step past the end.
class Exact {
 public:
  explicit Exact(std::string_view bytes) : bytes_(bytes.begin(), bytes.end()) {}
  std::string_view view() const { return {bytes_.data(), bytes_.size()}; }

 private:
  std::vector<char> bytes_;
};

// Cuts the first line off `rest`, without its LF or CRLF.
inline Exact take_line(std::string_view& rest) {
  const size_t lf = std::min(rest.find('\n'), rest.size());
  std::string_view line = rest.substr(0, lf);
  rest.remove_prefix(std::min(lf + 1, rest.size()));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return Exact(line);
}

// For parsers that are given lines: each line of `input`.
template <class Check>
void for_each_line(std::string_view input, Check check) {
  while (!input.empty()) check(take_line(input).view());
}

// What may be printed or sent as a part of one line.
inline bool is_one_line(std::string_view text) {
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; });
}

}  // namespace openmmp::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  openmmp::fuzz::check_input({reinterpret_cast<const char*>(data), size});
  return 0;
}
