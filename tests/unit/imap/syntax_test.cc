#include "workers/imap/syntax.h"

#include <gtest/gtest.h>

#include <limits>

#include "ipc/runtime/text.h"

namespace openmmp::imap {
namespace {

TEST(Literal, IsFoundAtTheEndOfALine) {
  constexpr uint64_t huge = std::numeric_limits<uint64_t>::max();
  struct Case {
    const char* line;
    uint64_t size;
    bool synchronising;
  };
  const Case cases[] = {
      {"a LOGIN {3}", 3, true},
      {"a LOGIN {3+}", 3, false},
      {"{0}", 0, true},
      {"{007}", 7, true},
      {"x{5}", 5, true},  // no place for one, but the client will send the bytes
      {"{4294967295}", 4294967295u, true},
      {"{4294967296}", 4294967296u, true},  // 0 in 32 bits
      {"{4294967297}", 4294967297u, true},  // 1 in 32 bits
      {"{18446744073709551615}", huge, true},
      {"{18446744073709551616}", huge, true},  // 0 in 64 bits
      {"{18446744073709551617+}", huge, false},
      {"{184467440737095516160000000000000000000000003}", huge, true},
  };
  for (const Case& c : cases) {
    const auto literal = trailing_literal(c.line);
    ASSERT_TRUE(literal) << c.line;
    EXPECT_EQ(literal->size, c.size) << c.line;
    EXPECT_EQ(literal->synchronising, c.synchronising) << c.line;
  }
}

TEST(Literal, IsNothingElse) {
  for (const char* line : {"", "}", "{}", "{+}", "{3", "3}", "{3} ", "{3}x", "{-3}", "{ 3}", "{3 }",
                           "{3++}", "{3-}", "{0x3}", "{3+}+", "{\xb3}", "{+3}"}) {
    EXPECT_FALSE(trailing_literal(line)) << line;
  }
}

TEST(Tag, IsEchoedOnlyWhenItIsOne) {
  for (const char* tag : {"a", "A001", "1", ".", "a-b", "a]b", "&", "a:b/c"}) {
    EXPECT_EQ(reply_tag(std::string(tag) + " NOOP"), tag);
    EXPECT_EQ(reply_tag(tag), tag);
  }
  for (const char* line :
       {"", " ", " NOOP", "* NOOP", "+ NOOP", "a+ NOOP", "%n%s NOOP", "a%n NOOP", "\"a\" NOOP",
        "(a NOOP", "{3} NOOP", "a\\ NOOP", "a\tb NOOP", "a\x01 NOOP", "a\x7f NOOP", "\xe4 NOOP"}) {
    EXPECT_EQ(reply_tag(line), "*") << line;
  }
  EXPECT_EQ(reply_tag(std::string_view("a\0 NOOP", 7)), "*");
  EXPECT_EQ(reply_tag(std::string(255, 'a') + " NOOP"), std::string(255, 'a'));
  EXPECT_EQ(reply_tag(std::string(256, 'a') + " NOOP"), "*");
}

TEST(Atom, HoldsNothingThatEndsAResponseCode) {
  for (const char* text : {"IMAP4rev1", "AUTH=PLAIN", "LITERAL+", "X[Y"}) {
    EXPECT_TRUE(is_atom(text)) << text;
  }
  for (const char* text :
       {"", "X]Y", "]", "a b", "a\"", "a\\", "a%", "a*", "a(", "a{", "\xc3\xbc"}) {
    EXPECT_FALSE(is_atom(text)) << text;
  }
}

TEST(Quoted, EscapesWhatItMust) {
  EXPECT_EQ(quoted(""), "\"\"");
  EXPECT_EQ(quoted("a b"), "\"a b\"");
  EXPECT_EQ(quoted("a\"b\\c"), "\"a\\\"b\\\\c\"");
}

TEST(Quotable, IsPrintableAsciiOfModerateLength) {
  for (const char* text : {"", "joe", "a b", "\"\\", "{5}", "~"}) EXPECT_TRUE(is_quotable(text));
  for (const char* text : {"\t", "a\r", "a\n", "\x7f", "j\xc3\xb6rg"}) {
    EXPECT_FALSE(is_quotable(text)) << text;
  }
  EXPECT_FALSE(is_quotable(std::string_view("\0", 1)));
  EXPECT_FALSE(is_quotable(std::string(5000, 'a')));
}

TEST(Case, IsIgnoredInAscii) {
  EXPECT_TRUE(equals_ignoring_case("LoGiN", "lOgIn"));
  EXPECT_FALSE(equals_ignoring_case("LOGIN", "LOGI"));
  EXPECT_FALSE(equals_ignoring_case("[", "{"));
}

}  // namespace
}  // namespace openmmp::imap
