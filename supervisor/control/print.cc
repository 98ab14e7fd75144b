#include "supervisor/control/print.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <vector>

namespace openmmp::control {

namespace {

using Row = std::vector<std::string>;

// Columns as wide as their widest cell; numbers stand right, the rest left.
std::string table_text(const std::vector<Row>& rows, const std::vector<bool>& numeric) {
  std::vector<size_t> widths(numeric.size(), 0);
  for (const Row& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const Row& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      line += numeric[i] ? fmt::format("{:>{}}  ", row[i], widths[i])
                         : fmt::format("{:<{}}  ", row[i], widths[i]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

Row worker_row(const proto::WorkerStatus& worker) {
  const bool running = worker.pid() != 0;
  return Row{running ? std::to_string(worker.pid()) : "-",
             worker.service(),
             worker.generation() != 0 ? std::to_string(worker.generation()) : "-",
             worker.state(),
             running ? duration_text(worker.age_seconds()) : "-",
             std::to_string(worker.sessions()),
             std::to_string(worker.logins()),
             std::to_string(worker.failures()),
             running ? size_text(worker.memory_bytes()) : "-",
             std::to_string(worker.restarts())};
}

nlohmann::ordered_json worker_json(const proto::WorkerStatus& worker) {
  return {{"pid", worker.pid()},
          {"service", worker.service()},
          {"generation", worker.generation()},
          {"index", worker.index()},
          {"state", worker.state()},
          {"age_seconds", worker.age_seconds()},
          {"sessions", worker.sessions()},
          {"accepted", worker.accepted()},
          {"logins", worker.logins()},
          {"failures", worker.failures()},
          {"memory_bytes", worker.memory_bytes()},
          {"restarts", worker.restarts()},
          {"last_problem", worker.last_problem()}};
}

nlohmann::ordered_json shared_state_json(const proto::SharedStateStatus& shared) {
  return {{"connected", shared.connected()},
          {"server", shared.server()},
          {"since_seconds", shared.since_seconds()},
          {"reason", shared.reason()}};
}

// "connected to redis://10.0.0.7:6379 for 2h 5m"
std::string shared_state_text(const proto::SharedStateStatus& shared) {
  const std::string time = duration_text(shared.since_seconds());
  if (shared.connected()) return fmt::format("connected to {} for {}", shared.server(), time);
  return fmt::format("away for {}, last tried {}: {}", time, shared.server(), shared.reason());
}

void add_status(nlohmann::ordered_json& to, const proto::StatusReply& status) {
  to["instance"] = status.instance();
  to["version"] = status.version();
  to["pid"] = status.pid();
  to["uptime_seconds"] = status.uptime_seconds();
  to["generation"] = status.generation();
  to["listeners"] = std::vector<std::string>(status.listeners().begin(), status.listeners().end());
  to["workers"] = nlohmann::ordered_json::array();
  for (const proto::WorkerStatus& worker : status.workers()) {
    to["workers"].push_back(worker_json(worker));
  }
  if (status.has_state_process()) to["state_process"] = worker_json(status.state_process());
  if (status.has_shared_state()) to["shared_state"] = shared_state_json(status.shared_state());
}

nlohmann::ordered_json bad_guys_json(const proto::StateReply& state) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const proto::BadGuyRow& row : state.bad_guys()) {
    list.push_back({{"address", row.address()},
                    {"badness", row.badness()},
                    {"age_seconds", row.age_seconds()}});
  }
  return list;
}

nlohmann::ordered_json stores_json(const proto::StateReply& state) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const proto::StoreRow& row : state.stores()) {
    list.push_back({{"store", row.store()},
                    {"up", row.up()},
                    {"enabled", row.enabled()},
                    {"failures", row.failures()},
                    {"since_seconds", row.since_seconds()},
                    {"reason", row.reason()}});
  }
  return list;
}

nlohmann::ordered_json relays_json(const proto::StateReply& state) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const proto::RelayRow& row : state.relays()) {
    list.push_back({{"relay", row.relay()},
                    {"enabled", row.enabled()},
                    {"avoided_seconds", row.avoided_seconds()},
                    {"sessions", row.sessions()},
                    {"failed_seconds", row.failed_seconds()},
                    {"reason", row.reason()}});
  }
  return list;
}

nlohmann::ordered_json auth_json(const proto::StateReply& state) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const proto::AuthRow& row : state.auth()) {
    list.push_back({{"address", row.address()},
                    {"user", row.user()},
                    {"age_seconds", row.age_seconds()},
                    {"left_seconds", row.left_seconds()}});
  }
  return list;
}

std::string relay_state(const proto::RelayRow& row) {
  if (!row.enabled()) return "down by operator";
  if (row.avoided_seconds() == 0) return "up";
  const auto until = std::chrono::system_clock::now() + std::chrono::seconds(row.avoided_seconds());
  const std::tm local = fmt::localtime(std::chrono::system_clock::to_time_t(until));
  return fmt::format("avoided until {:%H:%M:%S}", local);
}

void add_lookup(nlohmann::ordered_json& to, const proto::LookupReport& report) {
  to["found"] = report.found();
  to["steps"] = nlohmann::ordered_json::array();
  for (const proto::LookupStep& step : report.steps()) {
    to["steps"].push_back({{"what", step.what()}, {"value", step.value()}});
  }
}

}  // namespace

std::string duration_text(uint64_t seconds) {
  struct Unit {
    uint64_t seconds;
    char letter;
  };
  constexpr Unit units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}};
  for (size_t i = 0; i < std::size(units); ++i) {
    if (seconds < units[i].seconds) continue;
    const uint64_t smaller = i + 1 < std::size(units) ? units[i + 1].seconds : 1;
    const char letter = i + 1 < std::size(units) ? units[i + 1].letter : 's';
    return fmt::format("{}{} {}{}", seconds / units[i].seconds, units[i].letter,
                       seconds % units[i].seconds / smaller, letter);
  }
  return fmt::format("{}s", seconds);
}

std::string size_text(uint64_t bytes) {
  if (bytes < 1024) return fmt::format("{} B", bytes);
  const double kib = static_cast<double>(bytes) / 1024;
  if (kib < 1024) return fmt::format("{:.1f} KiB", kib);
  if (kib < 1024 * 1024) return fmt::format("{:.1f} MiB", kib / 1024);
  return fmt::format("{:.1f} GiB", kib / (1024 * 1024));
}

std::string status_text(const proto::StatusReply& status) {
  std::string text = fmt::format(
      "instance    {}\nversion     {}\npid         {}\nuptime      {}\ngeneration  {}\n",
      status.instance(), status.version(), status.pid(), duration_text(status.uptime_seconds()),
      status.generation());
  text += "listeners  ";
  for (const std::string& listener : status.listeners()) text += " " + listener;
  text += "\n";
  if (status.has_shared_state()) {
    text += "shared      " + shared_state_text(status.shared_state()) + "\n";
  }
  text += "\n";
  std::vector<Row> rows{{"PID", "SERVICE", "GEN", "STATE", "AGE", "SESSIONS", "LOGINS", "FAILURES",
                         "MEMORY", "RESTARTS"}};
  if (status.has_state_process()) rows.push_back(worker_row(status.state_process()));
  for (const proto::WorkerStatus& worker : status.workers()) rows.push_back(worker_row(worker));
  text += table_text(rows, {true, false, true, false, true, true, true, true, true, true});
  if (!status.state_process().last_problem().empty()) {
    text += "\nmmp-state: " + status.state_process().last_problem();
  }
  for (const proto::WorkerStatus& worker : status.workers()) {
    if (worker.last_problem().empty()) continue;
    text +=
        fmt::format("\n{} worker {}: {}", worker.service(), worker.index(), worker.last_problem());
  }
  return text.back() == '\n' ? text : text + "\n";
}

std::string lookup_text(const proto::LookupReport& report) {
  std::vector<Row> rows;
  for (const proto::LookupStep& step : report.steps()) rows.push_back({step.what(), step.value()});
  return table_text(rows, {false, false}) + (report.found() ? "" : "not found\n");
}

std::string bad_guys_text(const proto::StateReply& state) {
  std::vector<Row> rows{{"ADDRESS", "BADNESS", "AGE"}};
  for (const proto::BadGuyRow& row : state.bad_guys()) {
    rows.push_back(
        {row.address(), std::to_string(row.badness()), duration_text(row.age_seconds())});
  }
  return table_text(rows, {false, true, true});
}

std::string stores_text(const proto::StateReply& state) {
  std::vector<Row> rows{{"STORE", "STATE", "ADMIN", "FAILURES", "SINCE", "REASON"}};
  for (const proto::StoreRow& row : state.stores()) {
    rows.push_back({row.store(), row.up() ? "UP" : "DOWN", row.enabled() ? "up" : "down",
                    std::to_string(row.failures()), duration_text(row.since_seconds()),
                    row.reason()});
  }
  return table_text(rows, {false, false, false, true, true, false});
}

std::string relays_text(const proto::StateReply& state) {
  std::vector<Row> rows{{"RELAY", "STATE", "SESSIONS", "FAILED", "REASON"}};
  for (const proto::RelayRow& row : state.relays()) {
    const bool has_failed = !row.reason().empty();
    rows.push_back({row.relay(), relay_state(row), std::to_string(row.sessions()),
                    has_failed ? duration_text(row.failed_seconds()) : "-", row.reason()});
  }
  return table_text(rows, {false, false, true, true, false});
}

std::string auth_text(const proto::StateReply& state) {
  std::vector<Row> rows{{"ADDRESS", "USER", "AGE", "LEFT"}};
  for (const proto::AuthRow& row : state.auth()) {
    rows.push_back({row.address(), row.user(), duration_text(row.age_seconds()),
                    duration_text(row.left_seconds())});
  }
  return table_text(rows, {false, false, true, true});
}

std::string messages_text(const proto::ControlReply& reply) {
  std::string text;
  for (const std::string& message : reply.messages()) text += message + "\n";
  return text;
}

std::string reply_json(const proto::ControlReply& reply) {
  nlohmann::ordered_json document;
  document["ok"] = reply.ok();
  document["messages"] = std::vector<std::string>(reply.messages().begin(), reply.messages().end());
  if (reply.has_status()) add_status(document, reply.status());
  if (reply.has_lookup()) add_lookup(document, reply.lookup());
  if (reply.has_state()) {
    document["bad_guys"] = bad_guys_json(reply.state());
    document["stores"] = stores_json(reply.state());
    document["relays"] = relays_json(reply.state());
    document["auth"] = auth_json(reply.state());
  }
  // Names and messages may come from anywhere: what is no UTF-8 must not stop the document.
  return document.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace openmmp::control
