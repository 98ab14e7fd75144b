// An instance directory of a test's own, removed when the test ends.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <cstdlib>
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
  // NAME.pem and NAME.key, by openssl(1): for `names` ("DNS:a.example,DNS:b.example"), valid from
  // now for `days`.
  void make_certificate(const std::string& name, const std::string& names = "DNS:mail.example",
                        const std::string& key = "ec -pkeyopt ec_paramgen_curve:prime256v1",
                        int days = 365) {
    run("openssl req -x509 -nodes -newkey " + key + " -subj /CN=" + name +
        " -addext subjectAltName=" + names + " -days " + std::to_string(days) + " -keyout " + name +
        ".key -out " + name + ".pem");
  }
  // In the directory, without output.
  void run(const std::string& command) {
    ASSERT_EQ(
        std::system(("{ cd " + directory_ + " && " + command + "; } >/dev/null 2>&1").c_str()), 0)
        << command;
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
