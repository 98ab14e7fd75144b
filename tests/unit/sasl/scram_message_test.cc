#include "workers/sasl/scram_message.h"

#include <gtest/gtest.h>

#include "workers/sasl/base64.h"

namespace openmmp::sasl {
namespace {

const std::string some_proof = base64_encode(std::string(32, 'p'));

TEST(ScramMessage, TakesAFirstMessageApart) {
  const Result<ScramFirst> first =
      parse_scram_first("p=tls-exporter,a=jane,n=j=2Coe,r=fyko+d2lbbFgONRv9qkxdawL,x=1,y=a=b");
  ASSERT_TRUE(first);
  EXPECT_EQ(first->gs2.text, "p=tls-exporter,a=jane,");
  EXPECT_EQ(first->gs2.authzid, "jane");
  EXPECT_EQ(first->bare, "n=j=2Coe,r=fyko+d2lbbFgONRv9qkxdawL,x=1,y=a=b");
  EXPECT_EQ(first->user, "j,oe");
  EXPECT_EQ(first->nonce, "fyko+d2lbbFgONRv9qkxdawL");
}

TEST(ScramMessage, RefusesMalformedFirstMessages) {
  const std::string bad[] = {
      "",
      "n",
      "n,",
      "n,,",
      "n,,n",
      "n,,n=",
      "n,,n=joe",
      "n,,n=joe,",
      "n,,n=joe,r",
      "n,,n=joe,r=",
      "n=joe,r=1",
      ",,n=joe,r=1",
      "n,n=joe,r=1",
      "n,,r=1,n=joe",
      "n,,u=joe,r=1",
      "n,,n=joe,x=1,r=1",
      "n,,n=joe,r=1,",
      "n,,n=joe,r=1,,x=1",
      "n,,n=joe,r=1,x",
      "n,,n=joe,r=1,x=",
      "n,,n=joe,r=1,1=2",
      "n,,n=joe,,r=1",
      "n,,n=j=oe,r=1",
      "n,,n=joe=,r=1",
      "n,,n=joe=2c,r=1",
      "n,,n=joe,r=a b",
      "n,,n=joe,r=a\tb",
      "n,,n=joe,r=\x7f",
      "n,,n=joe,r=\xc3\xb6",
      "n,,n=\xff,r=1",
      "n,,n=joe,r=1,x=\xff",
      std::string("n,,n=joe,r=1\0", 13),
      std::string("n,,n=j\0e,r=1", 12),
      "n,,n=joe,r=" + std::string(513, '1'),
      "n,,n=joe,r=1,x=" + std::string(8192, '1'),
      "n,,N=joe,r=1",
      "n,,n=joe,R=1",
      "n,,n:joe,r=1",
  };
  for (const std::string& text : bad) {
    const Result<ScramFirst> first = parse_scram_first(text);
    ASSERT_FALSE(first) << text;
    EXPECT_EQ(first.error().code, Errc::protocol) << text;
  }
  std::string many = "n,,n=joe,r=1";
  for (int i = 0; i < 20; ++i) many += ",x=1";
  EXPECT_FALSE(parse_scram_first(many));
}

TEST(ScramMessage, RefusesWhatItMayNotPassOver) {
  for (const char* text :
       {"n,,m=x,n=joe,r=1", "n,,n=joe,r=1,m=x", "n,,n=joe,m=x,r=1", "n,,n=j\noe,r=1", "n,,m=x"}) {
    const Result<ScramFirst> first = parse_scram_first(text);
    ASSERT_FALSE(first) << text;
    EXPECT_EQ(first.error().code, Errc::refused) << text;
  }
  const Result<ScramFinal> final = parse_scram_final("c=biws,r=1,m=x,p=" + some_proof);
  ASSERT_FALSE(final);
  EXPECT_EQ(final.error().code, Errc::refused);
}

TEST(ScramMessage, TakesAFinalMessageApart) {
  const Result<ScramFinal> final = parse_scram_final("c=biws,r=a=b/1,x=2,p=" + some_proof);
  ASSERT_TRUE(final);
  EXPECT_EQ(final->binding, "n,,");
  EXPECT_EQ(final->nonce, "a=b/1");
  EXPECT_EQ(final->without_proof, "c=biws,r=a=b/1,x=2");
  EXPECT_EQ(final->proof.reveal(), std::string(32, 'p'));
}

TEST(ScramMessage, RefusesMalformedFinalMessages) {
  const std::string proof = ",p=" + some_proof;
  const std::string bad[] = {
      "",
      ",",
      "c=biws",
      "c=biws,r=1",
      "c=biws,p=" + some_proof,
      "r=1,c=biws" + proof,
      "c=biws,r=1,p=",
      "c=biws,r=1,p",
      "c=biws,r=1" + proof + ",",
      "c=biws,r=1" + proof + ",x=1",
      "c=biws,r=1,p=" + base64_encode(std::string(31, 'p')),
      "c=biws,r=1,p=" + base64_encode(std::string(33, 'p')),
      "c=biws,r=1,p=AAAA",
      "c=biws,r=1,p=****",
      "c=,r=1" + proof,
      "c=biw,r=1" + proof,
      "c=bi s,r=1" + proof,
      "c=biws=,r=1" + proof,
      "C=biws,r=1" + proof,
      "c=biws,r=" + proof,
      "c=biws,r= " + proof,
      "c=biws,,r=1" + proof,
      " c=biws,r=1" + proof,
      "c=biws,r=1,p=" + some_proof + "\n",
      "c=biws,r=1,x=\xff" + proof,
      std::string("c=biws,r=1\0", 11) + proof,
      "c=" + base64_encode(std::string(9000, 'x')) + ",r=1" + proof,
  };
  for (const std::string& text : bad) {
    const Result<ScramFinal> final = parse_scram_final(text);
    ASSERT_FALSE(final) << text;
    EXPECT_EQ(final.error().code, Errc::protocol) << text;
  }
}

TEST(ScramMessage, KnowsANonce) {
  for (const char* good : {"1", "!", "~", "a=b", "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"}) {
    EXPECT_TRUE(is_scram_nonce(good)) << good;
  }
  for (const char* bad : {"", ",", "a,b", " ", "a b", "\t", "\x7f", "\x80", "\xc3\xb6"}) {
    EXPECT_FALSE(is_scram_nonce(bad)) << bad;
  }
}

}  // namespace
}  // namespace openmmp::sasl
