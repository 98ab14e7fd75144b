// An instance directory of a test's own, removed when the test ends.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

namespace openmmp::config {

class InstanceTest : public testing::Test {
 protected:
  InstanceTest() {
    std::string pattern = testing::TempDir() + "openmmp-config-XXXXXX";
    EXPECT_NE(mkdtemp(pattern.data()), nullptr);
    directory_ = std::filesystem::canonical(pattern).string();
  }
  ~InstanceTest() override { std::filesystem::remove_all(directory_); }

  void write(const std::string& name, std::string_view text) {
    std::ofstream(directory_ + "/" + name) << text;
  }
  bool exists(const std::string& name) const {
    return std::filesystem::exists(directory_ + "/" + name);
  }
  std::string contents(const std::string& name) const {
    std::ifstream in(directory_ + "/" + name);
    return std::string(std::istreambuf_iterator<char>(in), {});
  }

  std::string directory_;
};

}  // namespace openmmp::config
