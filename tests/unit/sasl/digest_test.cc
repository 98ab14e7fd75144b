#include "workers/sasl/digest.h"

#include <gtest/gtest.h>

namespace openmmp::sasl {
namespace {

// FIPS 180-2, appendix B.
TEST(Digest, Sha256) {
  EXPECT_EQ(hex(sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hex(sha256(std::string_view())), hex(sha256("")));
  EXPECT_EQ(hex(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

// FIPS 180-2, appendices A.1 and C.1.
TEST(Digest, Sha1AndSha512) {
  EXPECT_EQ(hex(sha1("abc")), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(hex(sha512("abc")),
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
            "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
}

// RFC 4231, sections 4.2, 4.3 and 4.7; the empty key is from Wikipedia's HMAC page.
TEST(Digest, HmacSha256) {
  EXPECT_EQ(hex(hmac_sha256(std::string(20, '\x0b'), "Hi There")),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(hex(hmac_sha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(hex(hmac_sha256(std::string(131, '\xaa'),
                            "Test Using Larger Than Block-Size Key - Hash Key First")),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  EXPECT_EQ(hex(hmac_sha256("", "")),
            "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

// RFC 7914, section 11: the first 32 of the 64 bytes.
TEST(Digest, Pbkdf2) {
  EXPECT_EQ(hex(pbkdf2_sha256("passwd", "salt", 1)),
            "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc");
  EXPECT_EQ(hex(pbkdf2_sha256("Password", "NaCl", 80000)),
            "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56");
}

// RFC 1321 appendix A.5, RFC 2104.
TEST(Digest, Md5) {
  EXPECT_EQ(hex(md5("").value()), "d41d8cd98f00b204e9800998ecf8427e");
  EXPECT_EQ(hex(md5("message digest").value()), "f96b697d7cb7938d525a2f31aaf161d0");
  EXPECT_EQ(hex(hmac_md5("Jefe", "what do ya want for nothing?").value()),
            "750c783e6ab0b503eaa86e310a5db738");
  EXPECT_EQ(hex(hmac_md5("", "").value()), "74e6f7298a9c2d168935f58c001bad88");
}

TEST(Digest, Hex) {
  EXPECT_EQ(hex(""), "");
  EXPECT_EQ(hex(std::string_view("\x00\x0f\xf0\xff", 4)), "000ff0ff");
}

TEST(Digest, ComparesWholeTexts) {
  EXPECT_TRUE(equals_in_constant_time("", std::string_view()));
  EXPECT_TRUE(equals_in_constant_time("abc", "abc"));
  for (const char* other : {"", "ab", "abd", "bbc", "abcd"}) {
    EXPECT_FALSE(equals_in_constant_time("abc", other)) << other;
  }
  EXPECT_FALSE(equals_in_constant_time("a", std::string_view("a\0", 2)));
}

}  // namespace
}  // namespace openmmp::sasl
