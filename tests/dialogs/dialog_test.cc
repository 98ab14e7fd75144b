// Plays every tests/dialogs/*/*.dialog to its end, and then once for each turn of the loop with the
// session destroyed there, with the client gone there, and with the store gone there. Under
// AddressSanitizer and LeakSanitizer that is the proof of the lifetime rules; the Loop's destructor
// CHECKs that no handle was forgotten.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/dialogs/session_of.h"
#include "workers/imap/imap_dialect.h"
#include "workers/pop3/pop3_dialect.h"

namespace openmmp::dialogs {
namespace {

constexpr int max_kills = 120;

std::vector<std::string> dialog_files() {
  std::vector<std::string> files;
  for (const char* folder : {"tests/dialogs/imap", "tests/dialogs/pop3", "tests/dialogs/smtp"}) {
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      if (entry.path().extension() == ".dialog") files.push_back(entry.path().string());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

class Dialog : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    std::ifstream file(GetParam());
    std::stringstream text;
    text << file.rdbuf();
    Result<Script> script = parse_script(text.str());
    ASSERT_TRUE(script) << GetParam() << ": " << script.error().detail;
    script_ = std::move(*script);
  }
  bool speaks(const char* protocol) const { return GetParam().find(protocol) != std::string::npos; }
  MakeSession make_session() const {
    if (speaks("/smtp/")) return smtp_session();
    return speaks("/imap/") ? session_of<imap::ImapDialect>() : session_of<pop3::Pop3Dialect>();
  }
  proxy::Stores::Protocol protocol() const {
    if (speaks("/smtp/")) return {25, "smtp", true};
    return speaks("/imap/") ? proxy::Stores::Protocol(143, "imap")
                            : proxy::Stores::Protocol(110, "pop3");
  }
  // Plays the dialog anew for each of its turns, up to there, and lets `happen` happen.
  template <class Event>
  void at_every_turn(Event happen) const {
    int turns = 0;
    {
      Stage whole(script_, make_session(), protocol());
      while (whole.turn()) {
      }
      turns = whole.turns();
    }
    const int stride = std::max(1, turns / max_kills);
    for (int last = 0; last <= turns; last += stride) {
      Stage stage(script_, make_session(), protocol());
      while (stage.turns() < last && stage.turn()) {
      }
      happen(stage);
      // Lines that were to be logged may be missing; nothing else may be amiss.
      const std::string verdict = stage.verdict();
      EXPECT_EQ(verdict.find("does not end"), std::string::npos) << GetParam();
      EXPECT_EQ(verdict.find("was said"), std::string::npos) << GetParam() << ' ' << verdict;
    }
  }
  Script script_;
};

TEST_P(Dialog, Plays) {
  for (const Calls calls : {Calls::together, Calls::one_by_one}) {
    Stage stage(script_, make_session(), protocol(), calls);
    while (stage.turn()) {
    }
    ASSERT_EQ(stage.failure(), "") << GetParam();
    EXPECT_EQ(stage.verdict(), "") << GetParam();
  }
}

TEST_P(Dialog, MayDieAtEveryTurn) {
  at_every_turn([](Stage& stage) { stage.destroy_session(); });
}

TEST_P(Dialog, MayLoseTheClientAtEveryTurn) {
  at_every_turn([](Stage& stage) { stage.hang_up(Side::client); });
}

TEST_P(Dialog, MayLoseTheStoreAtEveryTurn) {
  at_every_turn([](Stage& stage) { stage.hang_up(Side::backend); });
}

INSTANTIATE_TEST_SUITE_P(All, Dialog, testing::ValuesIn(dialog_files()),
                         [](const testing::TestParamInfo<std::string>& param) {
                           std::string name = param.param.substr(sizeof "tests/dialogs");
                           name.resize(name.rfind('.'));
                           std::replace_if(
                               name.begin(), name.end(),
                               [](char c) { return !std::isalnum(static_cast<unsigned char>(c)); },
                               '_');
                           return name;
                         });

}  // namespace
}  // namespace openmmp::dialogs
