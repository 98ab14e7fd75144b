#include "ipc/handover.h"

#include <fmt/format.h>

#include <iterator>

namespace openmmp::ipc {

namespace {

void add_pair(proto::Pair& to, const config::Pair& from) {
  to.set_name(from.first);
  to.set_value(from.second);
}

config::Pairs take_pairs(google::protobuf::RepeatedPtrField<proto::Pair>& from) {
  config::Pairs pairs;
  for (proto::Pair& pair : from) {
    pairs.emplace_back(pair.name(), pair.value());
    wipe(*pair.mutable_value());  // it may be a password
  }
  return pairs;
}

config::VirtualDomain take_domain(proto::VirtualDomain& from) {
  config::VirtualDomain domain;
  domain.name = from.name();
  domain.addresses.assign(from.addresses().begin(), from.addresses().end());
  domain.overrides = take_pairs(*from.mutable_overrides());
  return domain;
}

}  // namespace

std::pair<proto::ToWorker, Descriptors> make_birth(const config::Service& service,
                                                   Inheritance inheritance) {
  std::pair<proto::ToWorker, Descriptors> result;
  proto::Birth& birth = *result.first.mutable_birth();
  birth.set_service(service.name);
  birth.set_log_name(service.log_name);
  birth.set_generation(inheritance.generation);
  birth.set_index(inheritance.index);
  for (const config::Pair& pair : service.pairs) add_pair(*birth.add_settings(), pair);
  for (const config::VirtualDomain& domain : service.virtual_domains) {
    proto::VirtualDomain& to = *birth.add_virtual_domains();
    to.set_name(domain.name);
    for (const std::string& address : domain.addresses) to.add_addresses(address);
    for (const config::Pair& pair : domain.overrides) add_pair(*to.add_overrides(), pair);
  }
  Descriptors& descriptors = result.second;
  birth.set_listeners(static_cast<uint32_t>(inheritance.listeners.size()));
  std::move(inheritance.listeners.begin(), inheritance.listeners.end(),
            std::back_inserter(descriptors));
  for (NamedFile& file : inheritance.files) {
    birth.add_files(file.option);
    descriptors.push_back(std::move(file.file));
  }
  birth.set_log(static_cast<bool>(inheritance.log));
  if (inheritance.log) descriptors.push_back(std::move(inheritance.log));
  birth.set_user(inheritance.user);
  birth.set_group(inheritance.group);
  return result;
}

Result<Birthright> take_birth(proto::Birth birth, Descriptors descriptors) {
  const size_t files = static_cast<size_t>(birth.files_size());
  const size_t expected = size_t{birth.listeners()} + files + (birth.log() ? 1 : 0);
  if (descriptors.size() != expected) {
    return fail(Errc::protocol, fmt::format("Birth names {} descriptors and {} came with it",
                                            expected, descriptors.size()));
  }
  Birthright right;
  right.service = birth.service();
  right.log_name = birth.log_name();
  right.generation = birth.generation();
  right.index = birth.index();
  right.user = birth.user();
  right.group = birth.group();
  right.settings = take_pairs(*birth.mutable_settings());
  for (proto::VirtualDomain& domain : *birth.mutable_virtual_domains()) {
    right.virtual_domains.push_back(take_domain(domain));
  }
  auto next = std::make_move_iterator(descriptors.begin());
  const auto listeners_end = next + static_cast<std::ptrdiff_t>(birth.listeners());
  right.listeners.assign(next, listeners_end);
  next = listeners_end;
  for (const std::string& option : birth.files()) right.files.emplace_back(option, *next++);
  if (birth.log()) right.log = *next;
  return right;
}

Task<Birthright> receive_birth(ToSupervisorChannel& channel) {
  Received<proto::ToWorker> received = co_await channel.receive();
  if (!received.message.has_birth()) {
    co_await fail(Errc::protocol, "the first message of the supervisor is not Birth");
  }
  proto::Birth birth = std::move(*received.message.mutable_birth());
  Result<Birthright> right = take_birth(std::move(birth), std::move(received.descriptors));
  co_return std::move(right);
}

}  // namespace openmmp::ipc
