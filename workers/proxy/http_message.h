// HTTP/1.1 as a client needs it that asks one question on one connection (RFC 9112): a request as
// text, and a response made of what comes in. Pure. There may be passwords in both, so both wipe
// themselves.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ipc/runtime/address.h"
#include "ipc/runtime/result.h"

namespace openmmp::proxy {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
  HttpRequest() = default;
  HttpRequest(HttpRequest&&) noexcept = default;
  HttpRequest& operator=(HttpRequest&&) noexcept = default;
  ~HttpRequest();

  HostPort server;
  std::string method = "GET";
  std::string path = "/";  // and what stands behind "?"
  HttpHeaders headers;     // besides Host, Content-Length and Connection
  std::string body;
  bool wants_body = true;  // no: the answer is complete with its headers
};

// Errc::protocol: a name, value, method or path that would be read as something else, as one with
// CR, LF or NUL in it. `detail` names the header and nothing of its value. The text is to be wiped.
Result<std::string> encode(const HttpRequest& request);

struct HttpResponse {
  HttpResponse() = default;
  HttpResponse(HttpResponse&&) noexcept = default;
  HttpResponse& operator=(HttpResponse&&) noexcept = default;
  ~HttpResponse();

  // Null: there is none. The first, if there are several.
  const std::string* find(std::string_view lower_case_name) const;

  int status = 0;
  HttpHeaders headers;  // names in lower case
  std::string body;
};

// Takes a response as it comes, in pieces of any size. Strict: whoever answers is the operator's
// own server, and what two readers would understand differently is refused.
class HttpReader {
 public:
  static constexpr size_t longest_head = 64 * 1024;  // lines of chunks included
  static constexpr size_t longest_body = 64 * 1024;
  static constexpr size_t most_headers = 100;

  explicit HttpReader(bool wants_body);
  ~HttpReader();
  HttpReader(const HttpReader&) = delete;
  HttpReader& operator=(const HttpReader&) = delete;

  // Errc::protocol: not HTTP, or not HTTP that can be trusted; Errc::limit: too long. Either is
  // final. What comes behind a complete response is not looked at.
  Result<> add(std::string_view bytes);
  // The server has closed the connection. Errc::closed: before it was done.
  Result<> end();
  bool complete() const { return state_ == State::complete; }
  // Once, when complete.
  HttpResponse take() { return std::move(response_); }

 private:
  enum class State {
    status_line,
    header,
    body,            // of remaining_ bytes
    body_until_end,  // of the connection
    chunk_size,
    chunk,      // of remaining_ bytes
    chunk_end,  // the empty line behind it
    trailer,
    complete,
  };

  Result<> advance();
  bool takes_bytes() const;
  Result<> take_bytes();
  Result<> take_line(std::string_view line);
  Result<> take_status(std::string_view line);
  Result<> take_header(std::string_view line);
  Result<> take_chunk_size(std::string_view line);
  Result<> end_head();
  Result<> choose_framing();
  Result<> take_length(std::string_view text);

  const bool wants_body_;
  State state_ = State::status_line;
  HttpResponse response_;
  std::string unread_;
  size_t used_ = 0;     // of unread_
  size_t scanned_ = 0;  // no line end in unread_ before this
  size_t head_size_ = 0;
  size_t remaining_ = 0;
};

}  // namespace openmmp::proxy
