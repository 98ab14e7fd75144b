// The same entries in a real slapd and in an embedded directory, for tests that ask both the same
// questions. A suite has one slapd, which its SetUpTestSuite() starts.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "tests/unit/directory/slapd.h"
#include "workers/directory/directory.h"

namespace openmmp::directory {

// A file without a name.
UniqueFd file_of(const std::string& text);
// "refused: " or "unavailable: ", and why; all other errors are wrong.
std::string text_of(const Error& error);

class TwinTest : public testing::Test {
 protected:
  static void start_slapd(const std::string& ldif);
  static void TearDownTestSuite() { slapd.reset(); }
  static std::string ldap_url() { return slapd->url() + "/o=example"; }
  static constexpr const char* ldif_url = "ldif:users.ldif?o=example";

  TwinTest();
  // Expects that nothing of `never_logged` is in the log.
  ~TwinTest() override;

  // Makes `directory` of `settings`, with this LdapUrl and the suite's entries.
  Result<> open(const std::string& url);
  template <class T>
  Result<T>& finish(Task<T>& task) {
    task.start([](void* self) { static_cast<TwinTest*>(self)->loop.stop(); }, this);
    while (!task.finished()) loop.run();
    return task.result();
  }

  static std::string entries;
  static std::unique_ptr<Slapd> slapd;
  Loop loop;
  UniqueFd log_file = file_of("");
  Log log{"Test"};
  std::string never_logged;
  config::Settings settings;
  std::string certmap;  // CertMapFile; empty: none
  std::unique_ptr<Directory> directory;
};

}  // namespace openmmp::directory
