// The seats that one worker holds, and what it was told of all workers' together: decides when
// mmp-state must be asked, and keeps what mmp-state is still to be told. Pure.
//
// A conversation with mmp-state begins with every seat told again; between two conversations the
// worker counts for itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>
#include <vector>

namespace openmmp::proxy {

struct SessionContext;

// From so many on all workers are told how many seats of a key are taken, and ask before they take
// one more: below, not even all of them together go far beyond the limit before they are told.
constexpr uint32_t watched_from(uint32_t limit) { return limit / 2 + limit % 2; }

class SeatBook {
 public:
  enum class Advice { take, ask, refuse };
  Advice advise(const std::string& key, uint32_t limit) const;

  // The number of the new seat. `holder` is who must leave when the seat turns out to be one too
  // many.
  uint64_t take(const std::string& key, uint32_t limit, bool asked, SessionContext* holder);
  void leave(uint64_t seat);
  // By mmp-state: it counts no more and has no key, though its holder may still be there.
  void refuse(uint64_t seat);
  bool refused(uint64_t seat) const;
  // By the count of this worker alone.
  bool one_too_many(uint64_t seat) const;
  // Null: the seat was left.
  SessionContext* holder(uint64_t seat) const;
  size_t size() const { return seats_.size(); }

  // Of all workers together; 0: nothing to know any more.
  void note_count(const std::string& key, uint32_t count);

  void begin_conversation();
  void end_conversation();
  struct Taken {
    uint64_t seat = 0;
    const std::string* key = nullptr;
    uint32_t limit = 0;
    bool asked = false;
    bool held = false;  // since before the conversation
  };
  struct News {
    std::vector<uint64_t> left;  // before those of `taken` were taken
    std::vector<Taken> taken;
  };
  bool has_news() const { return !untold_.empty() || !left_.empty(); }
  // The oldest news, about so many seats at most. What was taken and left meanwhile is none.
  News take_news(size_t most);

 private:
  struct Count {
    uint32_t own = 0;
    uint32_t all = 0;  // as told; 0: not near the limit
  };
  using Counts = std::unordered_map<std::string, Count>;
  struct Seat {
    Counts::value_type* key = nullptr;
    SessionContext* holder = nullptr;
    uint32_t limit = 0;
    bool asked = false;
    bool held = false;
    bool told = false;
    bool refused = false;
  };
  void uncount(const Seat& seat);

  Counts counts_;
  std::unordered_map<uint64_t, Seat> seats_;
  std::deque<uint64_t> untold_;
  std::vector<uint64_t> left_;
  uint64_t last_ = 0;
  bool talking_ = false;
};

}  // namespace openmmp::proxy
