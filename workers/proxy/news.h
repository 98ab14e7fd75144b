// What a worker has to tell mmp-state, in queues with an end: for when mmp-state does not read.
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <utility>

namespace openmmp::proxy {

// Of each kind in a message, which is then within its limit if all names are of the longest.
constexpr size_t most_a_message = 5000;
// Older ones are forgotten: badness fades, stores and relays are tried again.
constexpr size_t most_news = 10'000;

template <class T>
void add_news(std::deque<T>& news, T item, size_t most) {
  if (news.size() >= most) news.pop_front();
  news.push_back(std::move(item));
}

// Calls write(item) for the first few, and takes them out.
template <class T, class Write>
void take_news(std::deque<T>& news, Write write) {
  const auto end =
      news.begin() + static_cast<std::ptrdiff_t>(std::min(news.size(), most_a_message));
  std::for_each(news.begin(), end, write);
  news.erase(news.begin(), end);
}

}  // namespace openmmp::proxy
