#include "text/base64.h"

#include <gtest/gtest.h>

namespace iop::text {
namespace {

TEST(Base64, EncodesAndDecodesAnyBytes) {
  for (std::size_t length = 0; length < 70; ++length) {
    std::string bytes;
    for (std::size_t i = 0; i < length; ++i) bytes += static_cast<char>(i * 37 + length);
    EXPECT_EQ(decodeBase64(encodeBase64(bytes)), bytes);
  }
  EXPECT_EQ(encodeBase64("a"), "YQ==");
  EXPECT_EQ(encodeBase64("ab"), "YWI=");
  EXPECT_EQ(encodeBase64("abc"), "YWJj");
  EXPECT_EQ(decodeBase64("YW\nJj\r\n"), "abc");
}

TEST(Base64, RefusesWhatIsNone) {
  for (const char* text : {"Y", "YQ", "YQ=", "YQ===", "Y===", "=", "YQ==YQ==", "YW*j", "YQ=a"}) {
    EXPECT_EQ(decodeBase64(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace iop::text
