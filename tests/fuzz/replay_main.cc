// Plays inputs to a fuzz target once, for compilers without libFuzzer and for ctest. Arguments are
// folders: of seeds, each file an input; or of dialogs, in which all that the client says is one
// input, all that the store says another, and each of their steps one more.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/dialogs/script.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace openmmp::fuzz {
namespace {

namespace fs = std::filesystem;

void play(const std::string& input) {
  // A block of its own, without a string's NUL behind it.
  const std::vector<uint8_t> bytes(input.begin(), input.end());
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

// How many inputs were in it; 0 when it is no dialog.
int play_dialog(const std::string& text) {
  const Result<dialogs::Script> script = dialogs::parse_script(text);
  if (!script) return 0;
  std::string client, backend;
  int count = 2;
  for (const dialogs::Step& step : script->steps) {
    if (step.action != dialogs::Action::send) continue;
    (step.side == dialogs::Side::client ? client : backend) += step.text;
    play(step.text);
    ++count;
  }
  play(client);
  play(backend);
  return count;
}

int play_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text(std::istreambuf_iterator<char>(file), {});
  std::fprintf(stderr, "%s\n", path.c_str());  // the last one named is the one that failed
  if (path.extension() == ".dialog") return play_dialog(text);
  play(text);
  return 1;
}

// -1: a folder without inputs, which is a mistake in the call.
int play_folder(const fs::path& folder) {
  int count = 0;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    const int played = play_file(entry.path());
    if (played == 0) std::fprintf(stderr, "%s: no dialog\n", entry.path().c_str());
    if (played == 0) return -1;
    count += played;
  }
  if (count == 0) std::fprintf(stderr, "%s: no inputs\n", folder.c_str());
  return count == 0 ? -1 : count;
}

}  // namespace
}  // namespace openmmp::fuzz

int main(int argc, char** argv) {
  int total = 0;
  for (int i = 1; i < argc; ++i) {
    const int count = openmmp::fuzz::play_folder(argv[i]);
    if (count < 0) return 1;
    total += count;
  }
  std::printf("%d inputs\n", total);
  return total == 0 ? 1 : 0;
}
