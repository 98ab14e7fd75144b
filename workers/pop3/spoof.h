// The POP3 server that we are ourselves while a user's store is away: a mailbox that is empty or
// holds one message (SpoofEmptyMailbox, SpoofMessageFile), in the transaction state of RFC 1939.
// Pure. A SpoofMessage is made once for a worker and outlives the mailboxes that show it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace openmmp::pop3 {

// `text` is a file's: a message, dot-stuffed already. Lines that end in LF alone, a missing last
// line end and an end mark that is there are put right, so that it cannot end in its middle.
class SpoofMessage {
 public:
  explicit SpoofMessage(std::string_view text);

  // As it is sent: dot-stuffed, and without the end mark.
  const std::string& text() const { return text_; }
  // The header, the blank line, and so many lines of the body.
  std::string_view top(size_t lines) const;
  size_t octets() const { return octets_; }  // of the message itself, without the stuffing
  // The same as long as the message is: clients fetch it once.
  const std::string& uid() const { return uid_; }

 private:
  std::string text_;
  size_t octets_ = 0;
  std::string uid_;
};

class SpoofMailbox {
 public:
  // Null: an empty one.
  explicit SpoofMailbox(const SpoofMessage* message) : message_(message) {}

  // What to say to a line of the client, with all line ends.
  std::string answer(std::string_view line);
  // What the last line was.
  bool is_bad() const { return bad_; }  // no command that can be understood
  bool has_quit() const { return quit_; }

 private:
  // Null: it is not there, or deleted.
  const SpoofMessage* find(std::string_view number) const;
  std::string stat() const;
  std::string listing(std::string_view number, const std::string& of_message) const;
  std::string retrieve(std::string_view number) const;
  std::string top(std::string_view arguments) const;
  std::string erase(std::string_view number);

  const SpoofMessage* const message_;
  bool deleted_ = false;  // until RSET or the end: it is there again for the next who connects
  bool bad_ = false;
  bool quit_ = false;
};

}  // namespace openmmp::pop3
