#include "workers/proxy/http_message.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "ipc/runtime/secret.h"
#include "ipc/runtime/text.h"

namespace openmmp::proxy {
namespace {

constexpr size_t most_chunk_digits = 8;

void wipe_all(HttpHeaders& headers) {
  for (auto& header : headers) wipe(header.second);
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_token(std::string_view text) {
  constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (lower(c) >= 'a' && lower(c) <= 'z') || is_digit(c) || marks.find(c) != marks.npos;
  });
}

// Bytes above ASCII are nobody's business but the two ends'.
bool is_value(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) { return is_control(c) && c != '\t'; });
}

bool is_path(std::string_view text) {
  return text.starts_with('/') && std::all_of(text.begin(), text.end(), [](char c) {
           return static_cast<unsigned char>(c) > ' ' && static_cast<unsigned char>(c) < 0x7f;
         });
}

std::string_view trim(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

size_t encoded_size(const HttpRequest& request) {
  size_t size = 256 + request.path.size() + request.server.host.size() + request.body.size();
  for (const auto& [name, value] : request.headers) size += name.size() + value.size() + 4;
  return size;
}

}  // namespace

HttpRequest::~HttpRequest() {
  wipe_all(headers);
  wipe(body);
}

HttpResponse::~HttpResponse() {
  wipe_all(headers);
  wipe(body);
}

const std::string* HttpResponse::find(std::string_view lower_case_name) const {
  for (const auto& [name, value] : headers) {
    if (name == lower_case_name) return &value;
  }
  return nullptr;
}

Result<std::string> encode(const HttpRequest& request) {
  if (!is_token(request.method) || !is_path(request.path)) {
    return fail(Errc::protocol, fmt::format("'{}' is no path", one_line(request.path)));
  }
  for (const auto& [name, value] : request.headers) {
    if (!is_token(name) || !is_value(value)) {
      return fail(Errc::protocol, fmt::format("the header '{}' cannot be sent", one_line(name)));
    }
  }
  std::string text;
  text.reserve(encoded_size(request));  // one block, so that one wipe does
  const auto add = [&text](std::string_view name, std::string_view value) {
    text.append(name).append(": ").append(value).append("\r\n");
  };
  text.append(request.method).append(" ").append(request.path).append(" HTTP/1.1\r\n");
  add("Host", request.server.to_string());
  for (const auto& [name, value] : request.headers) add(name, value);
  if (!request.body.empty() || request.method != "GET") {
    add("Content-Length", std::to_string(request.body.size()));
  }
  add("Connection", "close");
  text.append("\r\n").append(request.body);
  return text;
}

// A growing vector would leave copies of short values behind.
HttpReader::HttpReader(bool wants_body) : wants_body_(wants_body) {
  response_.headers.reserve(most_headers);
}

HttpReader::~HttpReader() { wipe(unread_); }

Result<> HttpReader::add(std::string_view bytes) {
  if (complete()) return {};
  // A growing string leaves what it held before in memory that is not its own any more.
  std::string joined;
  joined.reserve(unread_.size() - used_ + bytes.size());
  joined.append(unread_, used_).append(bytes);
  scanned_ -= std::min(scanned_, used_);
  used_ = 0;
  wipe(unread_);
  unread_ = std::move(joined);
  return advance();
}

Result<> HttpReader::end() {
  if (state_ == State::body_until_end) state_ = State::complete;
  if (complete()) return {};
  return fail(Errc::closed, "the connection was closed before the answer was complete");
}

Result<> HttpReader::advance() {
  while (!complete()) {
    if (takes_bytes()) {
      if (used_ == unread_.size()) return {};
      if (const Result<> taken = take_bytes(); !taken) return taken;
      continue;
    }
    const size_t end = unread_.find('\n', std::max(used_, scanned_));
    const size_t size = std::min(end, unread_.size()) - used_;
    if (head_size_ + size >= longest_head) return fail(Errc::limit, "64 KiB of headers");
    if (end == unread_.npos) {
      scanned_ = unread_.size();
      return {};
    }
    std::string_view line = std::string_view(unread_).substr(used_, size);
    head_size_ += size + 1;
    used_ = end + 1;
    if (!line.ends_with('\r')) return fail(Errc::protocol, "a line that ends without CR");
    line.remove_suffix(1);
    if (const Result<> taken = take_line(line); !taken) return taken;
  }
  return {};
}

bool HttpReader::takes_bytes() const {
  return state_ == State::body || state_ == State::body_until_end || state_ == State::chunk;
}

Result<> HttpReader::take_bytes() {
  const std::string_view bytes = std::string_view(unread_).substr(used_);
  const bool counted = state_ != State::body_until_end;
  const size_t count = counted ? std::min(remaining_, bytes.size()) : bytes.size();
  if (response_.body.size() + count > longest_body) return fail(Errc::limit, "64 KiB of answer");
  response_.body.append(bytes.substr(0, count));
  used_ += count;
  if (!counted) return {};
  remaining_ -= count;
  if (remaining_ == 0) state_ = state_ == State::body ? State::complete : State::chunk_end;
  return {};
}

Result<> HttpReader::take_line(std::string_view line) {
  switch (state_) {
    case State::status_line:
      return take_status(line);
    case State::header:
      return line.empty() ? end_head() : take_header(line);
    case State::chunk_size:
      return take_chunk_size(line);
    case State::chunk_end:
      if (!line.empty()) return fail(Errc::protocol, "a chunk is longer than it says");
      state_ = State::chunk_size;
      return {};
    default:  // a trailer, of which nothing is needed
      if (line.empty()) state_ = State::complete;
      return {};
  }
}

// "HTTP/1.1 200 OK", the last word and its blank may be missing.
Result<> HttpReader::take_status(std::string_view line) {
  constexpr size_t shortest = 12;
  const bool good = line.size() >= shortest && line.starts_with("HTTP/1.") && is_digit(line[7]) &&
                    line[8] == ' ' && line[9] >= '1' && line[9] <= '5' && is_digit(line[10]) &&
                    is_digit(line[11]) && (line.size() == shortest || line[shortest] == ' ') &&
                    is_value(line);
  if (!good) return fail(Errc::protocol, "not an answer in HTTP");
  std::from_chars(line.data() + 9, line.data() + shortest, response_.status);
  state_ = State::header;
  return {};
}

Result<> HttpReader::take_header(std::string_view line) {
  const size_t colon = line.find(':');
  // A blank at the start, the continuation of the line before, is no token either.
  if (colon == line.npos || !is_token(line.substr(0, colon)) || !is_value(line)) {
    return fail(Errc::protocol, "a malformed header");
  }
  if (response_.headers.size() == most_headers) return fail(Errc::limit, "more than 100 headers");
  response_.headers.emplace_back(lower_case(line.substr(0, colon)), trim(line.substr(colon + 1)));
  return {};
}

Result<> HttpReader::end_head() {
  if (response_.status < 200) {  // "100 Continue" and its kin: the answer follows
    wipe_all(response_.headers);
    response_.headers.clear();
    state_ = State::status_line;
    return {};
  }
  return choose_framing();
}

Result<> HttpReader::choose_framing() {
  const auto count = [this](std::string_view name) {
    return std::count_if(response_.headers.begin(), response_.headers.end(),
                         [&](const auto& header) { return header.first == name; });
  };
  if (count("content-length") + count("transfer-encoding") > 1) {
    return fail(Errc::protocol, "the length is given twice");
  }
  const std::string* const length = response_.find("content-length");
  const std::string* const encoding = response_.find("transfer-encoding");
  if (length != nullptr) {
    if (const Result<> taken = take_length(*length); !taken) return taken;
  } else if (encoding == nullptr) {
    state_ = State::body_until_end;
  } else if (equals_ignoring_case(*encoding, "chunked")) {
    state_ = State::chunk_size;
  } else {
    return fail(Errc::protocol, "an unknown Transfer-Encoding");
  }
  const bool has_none = !wants_body_ || response_.status == 204 || response_.status == 304;
  if (has_none) state_ = State::complete;
  return {};
}

Result<> HttpReader::take_length(std::string_view text) {
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, remaining_);
  if (read.ec != std::errc() || read.ptr != end) {
    return fail(Errc::protocol, "a malformed Content-Length");
  }
  if (wants_body_ && remaining_ > longest_body) return fail(Errc::limit, "64 KiB of answer");
  state_ = remaining_ == 0 ? State::complete : State::body;
  return {};
}

Result<> HttpReader::take_chunk_size(std::string_view line) {
  const std::string_view digits = trim(line.substr(0, line.find(';')));
  const char* const end = digits.data() + digits.size();
  const auto read = std::from_chars(digits.data(), end, remaining_, 16);
  if (digits.size() > most_chunk_digits || read.ec != std::errc() || read.ptr != end) {
    return fail(Errc::protocol, "a malformed chunk");
  }
  state_ = remaining_ == 0 ? State::trailer : State::chunk;
  return {};
}

}  // namespace openmmp::proxy
