#include "ipc/frame.h"

#include <gtest/gtest.h>

#include <vector>

namespace openmmp::ipc {
namespace {

// Feeds `stream` in pieces of at most `step` bytes, never more than the decoder wants.
std::vector<std::string> decode(std::string_view stream, size_t step) {
  FrameDecoder decoder;
  std::vector<std::string> bodies;
  while (!stream.empty()) {
    const size_t size = std::min({step, decoder.wanted(), stream.size()});
    EXPECT_TRUE(decoder.feed(stream.substr(0, size)));
    stream.remove_prefix(size);
    if (decoder.complete()) bodies.push_back(decoder.take());
  }
  return bodies;
}

TEST(Frame, HeaderIsBigEndian) {
  EXPECT_EQ(*encode_frame("abc"), std::string("\0\0\0\3abc", 7));
  EXPECT_EQ(encode_frame(std::string(0x010203, 'x'))->substr(0, 4), std::string("\0\1\2\3", 4));
}

TEST(Frame, RoundTripInEveryStep) {
  const std::vector<std::string> bodies{"one", "", "three", std::string(1000, 'x'), ""};
  std::string stream;
  for (const std::string& body : bodies) stream += *encode_frame(body);
  for (size_t step = 1; step < 20; ++step) EXPECT_EQ(decode(stream, step), bodies) << step;
}

TEST(Frame, NeverWantsBytesOfTheNextFrame) {
  FrameDecoder decoder;
  EXPECT_EQ(decoder.wanted(), 4u);
  ASSERT_TRUE(decoder.feed(std::string_view("\0\0\0", 3)));
  EXPECT_EQ(decoder.wanted(), 1u);
  EXPECT_FALSE(decoder.complete());
  ASSERT_TRUE(decoder.feed("\5"));
  EXPECT_EQ(decoder.wanted(), 5u);
  ASSERT_TRUE(decoder.feed("ab"));
  EXPECT_EQ(decoder.wanted(), 3u);
  ASSERT_TRUE(decoder.feed("cde"));
  EXPECT_TRUE(decoder.complete());
  EXPECT_EQ(decoder.take(), "abcde");
  EXPECT_EQ(decoder.wanted(), 4u);
}

TEST(Frame, LengthIsBounded) {
  EXPECT_TRUE(encode_frame(std::string(max_frame_body, 'x')));
  EXPECT_EQ(encode_frame(std::string(max_frame_body + 1, 'x')).error().code, Errc::limit);
  struct Case {
    std::string_view header;
    bool good;
  };
  const Case cases[] = {{{"\x01\x00\x00\x00", 4}, true},
                        {{"\x01\x00\x00\x01", 4}, false},
                        {{"\x7f\xff\xff\xff", 4}, false},
                        {{"\xff\xff\xff\xff", 4}, false}};
  for (const Case& c : cases) {
    FrameDecoder decoder;
    const Result<> fed = decoder.feed(c.header);
    EXPECT_EQ(fed.has_value(), c.good);
    if (!c.good) {
      EXPECT_EQ(fed.error().code, Errc::protocol);
    }
  }
}

}  // namespace
}  // namespace openmmp::ipc
