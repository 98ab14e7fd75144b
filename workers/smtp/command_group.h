// Commands of a client that are answered together (RFC 2920): those for the relay go there in one
// write, and all replies go back in one, in the order of the commands. Pure; one a session, so that
// its memory is used again.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "workers/smtp/command.h"

namespace openmmp::smtp {

class CommandGroup {
 public:
  struct Slot {
    Verb verb = Verb::unknown;
    bool is_ours = false;  // answered here, with `text`
    std::string_view text;
  };

  void clear() {
    slots_.clear();
    text_.clear();
    answered_ = forwarded_ = 0;
    is_closed_ = false;
  }
  void forward(Verb verb, std::string_view line) {
    slots_.push_back({verb, false, text_.size(), line.size()});
    text_.append(line).append("\r\n");
    ++forwarded_;
  }
  // `reply` is one line, without its end.
  void answer(std::string_view reply) {
    slots_.push_back({Verb::unknown, true, text_.size(), reply.size()});
    text_.append(reply);
  }
  // The transaction that is under way cannot go on: what of it has no answer yet gets this one.
  // True: DATA was among it.
  bool give_up(std::string_view reply) {
    bool had_data = false;
    for (size_t i = answered_; i < slots_.size() && slots_[i].verb != Verb::rset; ++i) {
      Place& place = slots_[i];
      if (place.verb != Verb::rcpt && place.verb != Verb::data) continue;
      had_data = had_data || place.verb == Verb::data;
      place = {Verb::unknown, true, text_.size(), reply.size()};
      text_.append(reply);
      --forwarded_;
    }
    return had_data;
  }
  // No command may be added: what follows depends on the replies.
  void close() { is_closed_ = true; }
  bool is_closed() const { return is_closed_; }

  bool empty() const { return slots_.empty(); }
  size_t size() const { return slots_.size(); }
  // Commands for the relay that have no answer yet, and as they go there.
  size_t awaited() const { return forwarded_; }
  std::string awaited_lines() const {
    std::string lines;
    for (size_t i = answered_; i < slots_.size(); ++i) {
      const Place& place = slots_[i];
      if (!place.is_ours) lines.append(text_, place.begin, place.size + 2);
    }
    return lines;
  }
  bool is_answered() const { return answered_ == slots_.size(); }
  // The first without an answer.
  Slot front() const {
    const Place& place = slots_[answered_];
    return {place.verb, place.is_ours, std::string_view(text_).substr(place.begin, place.size)};
  }
  void pop() {
    if (!slots_[answered_++].is_ours) --forwarded_;
  }

 private:
  struct Place {
    Verb verb;
    bool is_ours;
    size_t begin;
    size_t size;
  };
  std::vector<Place> slots_;
  std::string text_;
  size_t answered_ = 0;
  size_t forwarded_ = 0;
  bool is_closed_ = false;
};

}  // namespace openmmp::smtp
