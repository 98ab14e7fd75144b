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

config::StoreGroup take_store_group(proto::StoreGroup& from) {
  config::StoreGroup group;
  group.name = from.name();
  group.hosts.assign(from.hosts().begin(), from.hosts().end());
  group.overrides = take_pairs(*from.mutable_overrides());
  return group;
}

void add_groups(const config::Service& service, proto::Birth& birth) {
  for (const config::VirtualDomain& domain : service.virtual_domains) {
    proto::VirtualDomain& to = *birth.add_virtual_domains();
    to.set_name(domain.name);
    for (const std::string& address : domain.addresses) to.add_addresses(address);
    for (const config::Pair& pair : domain.overrides) add_pair(*to.add_overrides(), pair);
  }
  for (const config::StoreGroup& group : service.store_groups) {
    proto::StoreGroup& to = *birth.add_store_groups();
    to.set_name(group.name);
    for (const std::string& host : group.hosts) to.add_hosts(host);
    for (const config::Pair& pair : group.overrides) add_pair(*to.add_overrides(), pair);
  }
}

// Names and details are two lists, because the names alone came first.
void add_file(NamedFile& file, proto::Birth& birth, Descriptors& descriptors) {
  birth.add_files(file.option);
  proto::FileDetail& detail = *birth.add_file_details();
  detail.set_path(file.path);
  detail.set_store_group(file.store_group);
  detail.set_index(file.index);
  detail.set_virtual_domain(file.virtual_domain);
  descriptors.push_back(std::move(file.file));
}

NamedFile take_file(const proto::Birth& birth, int at, UniqueFd descriptor) {
  NamedFile file(birth.files(at), std::move(descriptor));
  if (birth.file_details_size() == 0) return file;
  const proto::FileDetail& detail = birth.file_details(at);
  file.path = detail.path();
  file.store_group = detail.store_group();
  file.index = detail.index();
  file.virtual_domain = detail.virtual_domain();
  return file;
}

void add_keys(const tls::TicketKeys& from, proto::TicketKeys& to) {
  for (const tls::TicketKey& key : from) to.add_keys(std::string(key.bytes()));
}

// What Birth promises about the descriptors and lists that belong together.
Result<> check_counts(const proto::Birth& birth, size_t descriptors) {
  const size_t files = static_cast<size_t>(birth.files_size());
  const size_t expected = size_t{birth.listeners()} + files + (birth.log() ? 1 : 0);
  if (descriptors != expected) {
    return fail(Errc::protocol, fmt::format("Birth names {} descriptors and {} came with it",
                                            expected, descriptors));
  }
  if (birth.file_details_size() != 0 && birth.file_details_size() != birth.files_size()) {
    return fail(Errc::protocol, fmt::format("Birth names {} files and describes {}",
                                            birth.files_size(), birth.file_details_size()));
  }
  return {};
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
  add_groups(service, birth);
  if (inheritance.ticket_keys != nullptr) {
    add_keys(*inheritance.ticket_keys, *birth.mutable_ticket_keys());
  }
  Descriptors& descriptors = result.second;
  birth.set_listeners(static_cast<uint32_t>(inheritance.listeners.size()));
  std::move(inheritance.listeners.begin(), inheritance.listeners.end(),
            std::back_inserter(descriptors));
  for (NamedFile& file : inheritance.files) add_file(file, birth, descriptors);
  birth.set_log(static_cast<bool>(inheritance.log));
  if (inheritance.log) descriptors.push_back(std::move(inheritance.log));
  birth.set_user(inheritance.user);
  birth.set_group(inheritance.group);
  return result;
}

proto::ToWorker make_ticket_keys(const tls::TicketKeys& keys) {
  proto::ToWorker message;
  add_keys(keys, *message.mutable_ticket_keys());
  return message;
}

void wipe_keys(proto::TicketKeys& keys) {
  for (std::string& key : *keys.mutable_keys()) wipe(key);
}

Result<tls::TicketKeys> take_ticket_keys(proto::TicketKeys& keys) {
  tls::TicketKeys result;
  Result<> good;
  for (const std::string& bytes : keys.keys()) {
    Result<tls::TicketKey> key = tls::TicketKey::from_bytes(bytes);
    if (key) {
      result.push_back(std::move(*key));
    } else {
      good = fail(std::move(key.error()));
    }
  }
  wipe_keys(keys);
  if (!good) return fail(std::move(good.error()));
  return result;
}

Result<Birthright> take_birth(proto::Birth birth, Descriptors descriptors) {
  if (Result<> counted = check_counts(birth, descriptors.size()); !counted) {
    return fail(std::move(counted.error()));
  }
  Result<tls::TicketKeys> keys = take_ticket_keys(*birth.mutable_ticket_keys());
  if (!keys) return fail(std::move(keys.error()));
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
  for (proto::StoreGroup& group : *birth.mutable_store_groups()) {
    right.store_groups.push_back(take_store_group(group));
  }
  right.ticket_keys = std::move(*keys);
  auto next = std::make_move_iterator(descriptors.begin());
  const auto listeners_end = next + static_cast<std::ptrdiff_t>(birth.listeners());
  right.listeners.assign(next, listeners_end);
  next = listeners_end;
  for (int at = 0; at < birth.files_size(); ++at) {
    right.files.push_back(take_file(birth, at, *next++));
  }
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
