#include "supervisor/control/print.h"

#include <gtest/gtest.h>

#include <regex>

namespace openmmp::control {
namespace {

TEST(Print, Durations) {
  struct Case {
    uint64_t seconds;
    const char* text;
  };
  const Case cases[] = {{0, "0s"},       {59, "59s"},        {60, "1m 0s"},    {3599, "59m 59s"},
                        {3600, "1h 0m"}, {86399, "23h 59m"}, {86400, "1d 0h"}, {273600, "3d 4h"}};
  for (const Case& c : cases) EXPECT_EQ(duration_text(c.seconds), c.text);
}

TEST(Print, Sizes) {
  struct Case {
    uint64_t bytes;
    const char* text;
  };
  const Case cases[] = {{0, "0 B"},
                        {1023, "1023 B"},
                        {1024, "1.0 KiB"},
                        {3565158, "3.4 MiB"},
                        {5368709120, "5.0 GiB"}};
  for (const Case& c : cases) EXPECT_EQ(size_text(c.bytes), c.text);
}

proto::ControlReply example() {
  proto::ControlReply reply;
  reply.set_ok(true);
  proto::StatusReply& status = *reply.mutable_status();
  status.set_instance("/srv/mmp");
  status.set_version("1.2");
  status.set_pid(10);
  status.set_uptime_seconds(61);
  status.set_generation(2);
  status.add_listeners("0.0.0.0:143");
  proto::WorkerStatus& ready = *status.add_workers();
  ready.set_pid(12345);
  ready.set_service("ImapProxyAService@143");
  ready.set_generation(2);
  ready.set_state("ready");
  ready.set_sessions(7);
  ready.set_memory_bytes(2048);
  proto::WorkerStatus& waiting = *status.add_workers();
  waiting.set_service("PopProxyAService@110");
  waiting.set_generation(2);
  waiting.set_index(1);
  waiting.set_state("waiting");
  waiting.set_restarts(3);
  waiting.set_last_problem("signal 11");
  return reply;
}

TEST(Print, StatusTable) {
  EXPECT_EQ(status_text(example().status()),
            "instance    /srv/mmp\n"
            "version     1.2\n"
            "pid         10\n"
            "uptime      1m 1s\n"
            "generation  2\n"
            "listeners   0.0.0.0:143\n"
            "\n"
            "  PID  SERVICE                GEN  STATE    AGE  SESSIONS  LOGINS  FAILURES   MEMORY  "
            "RESTARTS\n"
            "12345  ImapProxyAService@143    2  ready     0s         7       0         0  2.0 KiB  "
            "       0\n"
            "    -  PopProxyAService@110     2  waiting    -         0       0         0        -  "
            "       3\n"
            "\n"
            "PopProxyAService@110 worker 1: signal 11\n");
}

TEST(Print, MmpStateIsARowAmongTheWorkers) {
  proto::StatusReply status = example().status();
  proto::WorkerStatus& state = *status.mutable_state_process();
  state.set_service("mmp-state");
  state.set_pid(77);
  state.set_state("ready");
  state.set_last_problem("signal 9");
  const std::string text = status_text(status);
  EXPECT_NE(text.find("   77  mmp-state                -  ready     0s"), std::string::npos)
      << text;
  EXPECT_NE(text.find("mmp-state: signal 9\n"), std::string::npos) << text;
  proto::ControlReply reply;
  *reply.mutable_status() = status;
  EXPECT_NE(reply_json(reply).find("\"state_process\": {"), std::string::npos);
}

TEST(Print, SharedStateIsALineWhenItIsSet) {
  proto::ControlReply reply = example();
  EXPECT_EQ(status_text(reply.status()).find("shared"), std::string::npos);
  EXPECT_EQ(reply_json(reply).find("shared_state"), std::string::npos);
  proto::SharedStateStatus& shared = *reply.mutable_status()->mutable_shared_state();
  shared.set_server("redis://cache:6379");
  shared.set_since_seconds(7200);
  shared.set_connected(true);
  EXPECT_NE(
      status_text(reply.status()).find("\nshared      connected to redis://cache:6379 for 2h"),
      std::string::npos);
  shared.set_connected(false);
  shared.set_reason("no reply within 5 s");
  EXPECT_NE(status_text(reply.status())
                .find("\nshared      away for 2h 0m, last tried redis://cache:6379: no reply"),
            std::string::npos);
  EXPECT_NE(reply_json(reply).find("\"reason\": \"no reply within 5 s\""), std::string::npos);
}

TEST(Print, BadGuys) {
  proto::ControlReply reply;
  proto::BadGuyRow& row = *reply.mutable_state()->add_bad_guys();
  row.set_address("192.0.2.1");
  row.set_badness(60);
  row.set_age_seconds(61);
  EXPECT_EQ(bad_guys_text(reply.state()),
            "ADDRESS    BADNESS    AGE\n"
            "192.0.2.1       60  1m 1s\n");
  const std::string json = reply_json(reply);
  for (const char* key : {"bad_guys", "address", "badness", "age_seconds", "stores"}) {
    EXPECT_NE(json.find("\"" + std::string(key) + "\": "), std::string::npos) << key;
  }
}

TEST(Print, Stores) {
  proto::ControlReply reply;
  proto::StoreRow& down = *reply.mutable_state()->add_stores();
  down.set_store("store1:143");
  down.set_failures(3);
  down.set_since_seconds(5);
  down.set_reason("no greeting \xff");
  proto::StoreRow& up = *reply.mutable_state()->add_stores();
  up.set_store("store2:143");
  up.set_up(true);
  up.set_enabled(true);
  EXPECT_EQ(stores_text(reply.state()),
            "STORE       STATE  ADMIN  FAILURES  SINCE  REASON\n"
            "store1:143  DOWN   down          3     5s  no greeting \xff\n"
            "store2:143  UP     up            0     0s\n");
  const std::string json = reply_json(reply);
  for (const char* key : {"store", "up", "enabled", "failures", "since_seconds", "reason"}) {
    EXPECT_NE(json.find("\"" + std::string(key) + "\": "), std::string::npos) << key;
  }
}

TEST(Print, Relays) {
  proto::ControlReply reply;
  proto::RelayRow& failed = *reply.mutable_state()->add_relays();
  failed.set_relay("gonzo:25");
  failed.set_enabled(true);
  failed.set_reason("refused");
  failed.set_failed_seconds(61);
  failed.set_avoided_seconds(539);
  proto::RelayRow& out = *reply.mutable_state()->add_relays();
  out.set_relay("manatee:485");
  proto::RelayRow& up = *reply.mutable_state()->add_relays();
  up.set_relay("mothra:25");
  up.set_enabled(true);
  up.set_sessions(12);
  // By the clock on the wall, which the test does not know.
  const std::regex hour("[0-2][0-9]:[0-5][0-9]:[0-5][0-9]");
  EXPECT_EQ(std::regex_replace(relays_text(reply.state()), hour, "HH:MM:SS"),
            "RELAY        STATE                   SESSIONS  FAILED  REASON\n"
            "gonzo:25     avoided until HH:MM:SS         0   1m 1s  refused\n"
            "manatee:485  down by operator               0       -\n"
            "mothra:25    up                            12       -\n");
  const std::string json = reply_json(reply);
  for (const char* key :
       {"relays", "relay", "enabled", "avoided_seconds", "sessions", "failed_seconds", "reason"}) {
    EXPECT_NE(json.find("\"" + std::string(key) + "\": "), std::string::npos) << key;
  }
}

TEST(Print, Auth) {
  proto::ControlReply reply;
  proto::AuthRow& row = *reply.mutable_state()->add_auth();
  row.set_address("192.0.2.7");
  row.set_user("joe@example.com");
  row.set_age_seconds(10);
  row.set_left_seconds(890);
  EXPECT_EQ(auth_text(reply.state()),
            "ADDRESS    USER             AGE     LEFT\n"
            "192.0.2.7  joe@example.com  10s  14m 50s\n");
  const std::string json = reply_json(reply);
  for (const char* key : {"auth", "address", "user", "age_seconds", "left_seconds"}) {
    EXPECT_NE(json.find("\"" + std::string(key) + "\": "), std::string::npos) << key;
  }
}

TEST(Print, JsonHasEveryKeyAndSurvivesAnyBytes) {
  proto::ControlReply reply = example();
  reply.mutable_status()->mutable_workers(1)->set_last_problem("bad \xff byte");
  const std::string text = reply_json(reply);
  for (const char* key :
       {"ok",          "messages",    "instance", "version", "pid",      "uptime_seconds",
        "generation",  "listeners",   "workers",  "service", "index",    "state",
        "age_seconds", "sessions",    "accepted", "logins",  "failures", "memory_bytes",
        "restarts",    "last_problem"}) {
    EXPECT_NE(text.find("\"" + std::string(key) + "\": "), std::string::npos) << key;
  }
  EXPECT_EQ(text.find("steps"), std::string::npos);
}

TEST(Print, Lookup) {
  proto::ControlReply reply;
  proto::LookupStep& step = *reply.mutable_lookup()->add_steps();
  step.set_what("filter");
  step.set_value("(uid=joe)");
  EXPECT_EQ(lookup_text(reply.lookup()), "filter  (uid=joe)\nnot found\n");
  EXPECT_NE(reply_json(reply).find("\"found\": false"), std::string::npos);
  reply.mutable_lookup()->set_found(true);
  EXPECT_EQ(lookup_text(reply.lookup()), "filter  (uid=joe)\n");
}

}  // namespace
}  // namespace openmmp::control
