#include "workers/sasl/gs2.h"

#include <gtest/gtest.h>

namespace openmmp::sasl {
namespace {

using Binding = Gs2Header::Binding;

TEST(Gs2, TakesHeaders) {
  struct Case {
    std::string text;
    Binding binding;
    std::string type;
    std::string authzid;
  };
  const Case cases[] = {
      {"n,,", Binding::none, "", ""},
      {"y,,", Binding::not_offered, "", ""},
      {"p=tls-exporter,,", Binding::used, "tls-exporter", ""},
      {"n,a=joe,", Binding::none, "", "joe"},
      {"p=x,a=j=2Co=3De,", Binding::used, "x", "j,o=e"},
      {"y,a=j\xc3\xb6rg@example.com,", Binding::not_offered, "", "j\xc3\xb6rg@example.com"},
  };
  for (const Case& c : cases) {
    for (const std::string rest : {"", ",", "n=joe,r=1"}) {
      const std::string text = c.text + rest;
      std::string_view message = text;
      const Result<Gs2Header> header = take_gs2_header(message);
      ASSERT_TRUE(header) << text;
      EXPECT_EQ(header->binding, c.binding) << text;
      EXPECT_EQ(header->binding_type, c.type) << text;
      EXPECT_EQ(header->authzid, c.authzid) << text;
      EXPECT_EQ(header->text, c.text) << text;
      EXPECT_EQ(message, rest) << text;
    }
  }
}

TEST(Gs2, RefusesMalformedHeaders) {
  const std::string bad[] = {
      "",
      "n",
      "n,",
      ",",
      ",,",
      "x,,",
      "N,,",
      "nn,,",
      " n,,",
      "n ,,",
      "F,n,,",
      "p,,",
      "p=,,",
      "p= ,,",
      "p=tls_unique,,",
      "p=tls:x,,",
      std::string("p=\0,,", 5),
      "p=" + std::string(65, 'a') + ",,",
      "n,a,",
      "n,b=joe,",
      "n,joe,",
      "n,A=joe,",
      "n,a=j=oe,",
      "n,a=joe=,",
      "n,a=joe=2,",
      "n,a=joe=2c,",
      "n,a==,",
      std::string("\0,,", 3),
  };
  for (const std::string& text : bad) {
    std::string_view message = text;
    const Result<Gs2Header> header = take_gs2_header(message);
    ASSERT_FALSE(header) << text;
    EXPECT_EQ(header.error().code, Errc::protocol) << text;
  }
}

TEST(Gs2, RefusesWhatIsNoName) {
  const std::string bad[] = {"n,a=,", "n,a=j\noe,", "n,a=\xff,",
                             "n,a=" + std::string(1025, 'j') + ",",
                             "n,a=" + std::string(9000, 'j') + ","};
  for (const std::string& text : bad) {
    std::string_view message = text;
    const Result<Gs2Header> header = take_gs2_header(message);
    ASSERT_FALSE(header) << text;
    EXPECT_EQ(header.error().code, Errc::refused) << text;
  }
}

TEST(Gs2, NamesComeBackWhole) {
  EXPECT_EQ(encode_saslname("a,b=c"), "a=2Cb=3Dc");
  for (const char* name : {"joe", ",", "=", "=2C", "=3D", ",,==", "a=b,c", "j\xc3\xb6rg"}) {
    EXPECT_EQ(decode_saslname(encode_saslname(name)).value_or("failed"), name);
  }
  EXPECT_TRUE(decode_saslname(encode_saslname(std::string(1024, ','))));
}

}  // namespace
}  // namespace openmmp::sasl
