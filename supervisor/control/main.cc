// mmpctl, the operator's command line.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <iostream>

#include "config/report.h"
#include "supervisor/control/client.h"
#include "supervisor/control/print.h"
#include "supervisor/instance.h"

namespace openmmp::control {
namespace {

// Exit statuses, the same for every command.
constexpr int done = 0;
constexpr int refused = 1;
constexpr int bad_arguments = 2;
constexpr int not_running = 3;

// What is printed though it has no rows.
enum class List { none, bad_guys, stores, relays, auth };

struct Options {
  std::string directory = ".";
  bool json = false;
  std::string user;
  std::string service;
  std::string local_ip;
  std::string client_ip;
  std::string forgive;
  std::string store_up;
  std::string store_down;
  std::string relay_up;
  std::string relay_down;
  std::string address;
  List list = List::none;
};

int check(const Options& options) {
  const config::Config config = config::load(options.directory);
  std::cout << (options.json ? config::check_json(config) : config::check_text(config));
  return config.ok() ? done : refused;
}

std::string list_text(List list, const proto::StateReply& state) {
  switch (list) {
    case List::bad_guys:
      return bad_guys_text(state);
    case List::stores:
      return stores_text(state);
    case List::relays:
      return relays_text(state);
    case List::auth:
      return auth_text(state);
    case List::none:
      break;
  }
  return "";
}

void print(const Options& options, const proto::ControlReply& reply) {
  if (options.json) {
    std::cout << reply_json(reply);
    return;
  }
  if (reply.has_status()) std::cout << status_text(reply.status());
  if (reply.has_lookup()) std::cout << lookup_text(reply.lookup());
  if (reply.ok()) std::cout << list_text(options.list, reply.state());
  (reply.ok() ? std::cout : std::cerr) << messages_text(reply);
}

int ask_instance(const Options& options, const proto::ControlRequest& request) {
  // From inside, because a socket's path has a small limit and a directory's has none.
  if (::chdir(options.directory.c_str()) != 0) {
    std::cerr << "mmpctl: " << options.directory << ": " << std::strerror(errno) << '\n';
    return bad_arguments;
  }
  const Result<proto::ControlReply> reply = ask(supervisor::control_socket_path, request);
  if (reply) {
    print(options, *reply);
    return reply->ok() ? done : refused;
  }
  // A program that asked for JSON gets JSON also when there is nobody to ask.
  if (options.json) {
    proto::ControlReply none;
    none.add_messages(reply.error().detail);
    print(options, none);
  } else {
    std::cerr << "mmpctl: " << reply.error().detail << '\n';
  }
  return reply.error().code == Errc::closed ? not_running : refused;
}

// The questions that mmp-state answers.
void ask_of_state(const CLI::App& app, Options& options, proto::ControlRequest& request) {
  if (app.got_subcommand("badguys")) {
    request.mutable_state()->mutable_bad_guys()->set_forgive(options.forgive);
    if (options.forgive.empty()) options.list = List::bad_guys;
  }
  if (app.got_subcommand("stores")) {
    proto::StateRequest::Stores& stores = *request.mutable_state()->mutable_stores();
    stores.set_enable(options.store_up);
    stores.set_disable(options.store_down);
    if (options.store_up.empty() && options.store_down.empty()) options.list = List::stores;
  }
  if (app.got_subcommand("relays")) {
    proto::StateRequest::Relays& relays = *request.mutable_state()->mutable_relays();
    relays.set_enable(options.relay_up);
    relays.set_disable(options.relay_down);
    if (options.relay_up.empty() && options.relay_down.empty()) options.list = List::relays;
  }
  if (app.got_subcommand("auth")) {
    request.mutable_state()->mutable_auth()->set_address(options.address);
    options.list = List::auth;
  }
}

int run(const CLI::App& app, Options options) {
  if (app.got_subcommand("check")) return check(options);
  proto::ControlRequest request;
  if (app.got_subcommand("status")) request.mutable_status();
  if (app.got_subcommand("reload")) request.mutable_reload();
  if (app.got_subcommand("stop")) request.mutable_stop();
  if (app.got_subcommand("lookup")) {
    proto::ControlRequest::LookupRequest& lookup = *request.mutable_lookup();
    lookup.set_user(options.user);
    lookup.set_service(options.service);
    lookup.set_local_ip(options.local_ip);
    lookup.set_client_ip(options.client_ip);
  }
  ask_of_state(app, options, request);
  return ask_instance(options, request);
}

// A list, of which `up NAME` and `down NAME` put an item in and take it out.
void add_switch(CLI::App& app, const std::string& name, const std::string& description,
                const std::string& what, std::string& up, std::string& down) {
  CLI::App* list = app.add_subcommand(name, description);
  list->require_subcommand(0, 1);
  const std::string item = name.substr(0, name.size() - 1);
  list->add_subcommand("up", "have " + what + " go there again")
      ->add_option(item, up, "HOST or HOST:PORT")
      ->required();
  list->add_subcommand("down", "have no " + what + " go there")
      ->add_option(item, down, "HOST or HOST:PORT")
      ->required();
}

}  // namespace
}  // namespace openmmp::control

int main(int argc, char** argv) {
  openmmp::control::Options options;
  CLI::App app("Looks at and steers a running openmmp instance.", "mmpctl");
  app.set_version_flag("--version", OPENMMP_VERSION);
  app.add_option("-d", options.directory, "directory of the instance")->capture_default_str();
  app.add_flag("--json", options.json, "print one JSON document");
  app.require_subcommand(1);
  app.fallthrough();
  app.add_subcommand("status", "generations, workers, sessions, uptime");
  app.add_subcommand("reload", "read the configuration again; sessions go on");
  app.add_subcommand("stop", "end all sessions and the instance");
  app.add_subcommand("check", "read the configuration and say what is wrong with it");
  CLI::App* lookup = app.add_subcommand("lookup", "how a login name becomes a store, step by step");
  lookup->add_option("user", options.user, "the name as a client would send it")->required();
  lookup->add_option("--service", options.service, "ask a worker of this service");
  lookup->add_option("--local-ip", options.local_ip, "as if the client had connected here");
  lookup->add_option("--client-ip", options.client_ip, "as if the client came from here");
  CLI::App* bad_guys = app.add_subcommand("badguys", "addresses that logins failed from lately");
  bad_guys->add_option("--forgive", options.forgive, "hold this address no longer")
      ->type_name("IP");
  openmmp::control::add_switch(app, "stores", "which stores are up, and which are taken out",
                               "logins", options.store_up, options.store_down);
  openmmp::control::add_switch(app, "relays",
                               "which SMTP relays are avoided, and which are taken out", "sessions",
                               options.relay_up, options.relay_down);
  app.add_subcommand("auth", "who may send mail after a login by POP, and for how long")
      ->add_option("address", options.address, "only from here");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : openmmp::control::bad_arguments;
  }
  return openmmp::control::run(app, options);
}
