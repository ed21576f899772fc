#include "gotemplate/internal/ip_address.h"

#include <gtest/gtest.h>

namespace iop::gotemplate::internal {
namespace {

TEST(IpAddressTest, ReadsBothVersions) {
  EXPECT_TRUE(parseIpAddress("10.0.255.1")->isV4());
  EXPECT_EQ(parseIpAddress("10.0.255.1")->bytes, (std::vector<std::uint8_t>{10, 0, 255, 1}));
  EXPECT_EQ(parseIpAddress("::")->bytes, std::vector<std::uint8_t>(16, 0));
  EXPECT_EQ(parseIpAddress("1:2::a:ffff")->bytes,
            (std::vector<std::uint8_t>{0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10, 255, 255}));
  EXPECT_EQ(parseIpAddress("::ffff:1.2.3.4")->bytes,
            (std::vector<std::uint8_t>{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 1, 2, 3, 4}));
  EXPECT_EQ(parseIpAddress("fe80::1%eth0")->zone, "eth0");
}

TEST(IpAddressTest, TellsWhatIsWrong) {
  const struct {
    const char* text;
    const char* error;
  } cases[] = {
      {"", "ParseAddr(\"\"): unable to parse IP"},
      {"a", "ParseAddr(\"a\"): unable to parse IP"},
      {"1::2::3", "ParseAddr(\"1::2::3\"): multiple :: in address (at \":3\")"},
      {"::1%", "ParseAddr(\"::1%\"): zone must be a non-empty string"},
      {"v1.a", "ParseAddr(\"v1.a\"): unexpected character (at \"v1.a\")"},
      {"12345::", "ParseAddr(\"12345::\"): each group must have 4 or less digits (at \"12345::\")"},
      {"::1.2.3.256", "ParseAddr(\"::1.2.3.256\"): IPv4 field has value >255"},
      {"::1.2.3.04", "ParseAddr(\"::1.2.3.04\"): IPv4 field has octet with leading zero"},
      {"::1.2.3", "ParseAddr(\"::1.2.3\"): IPv4 address too short"},
      {"::1.2.3.", "ParseAddr(\"::1.2.3.\"): IPv4 field must have at least one digit (at \".\")"},
      {"::1.2.3.4.5", "ParseAddr(\"::1.2.3.4.5\"): IPv4 address too long"},
      {"1:2:3", "ParseAddr(\"1:2:3\"): address string too short"},
      {"1:2:3:4:5:6:7:8:9",
       "ParseAddr(\"1:2:3:4:5:6:7:8:9\"): trailing garbage after address (at \"9\")"},
      {"1:2:3:4::5:6:7:8",
       "ParseAddr(\"1:2:3:4::5:6:7:8\"): the :: must expand to at least one field of zeros"},
      {"1:", "ParseAddr(\"1:\"): colon must be followed by more characters (at \":\")"},
      {"g::",
       "ParseAddr(\"g::\"): each colon-separated field must have at least one digit (at \"g::\")"},
      {"1.2:3", "ParseAddr(\"1.2:3\"): unexpected character (at \":3\")"},
      {"1:1.2.3.4",
       "ParseAddr(\"1:1.2.3.4\"): embedded IPv4 address must replace the final 2 fields of the "
       "address (at \"1.2.3.4\")"},
      {"::1:2:3:4:5:6:7:1.2.3.4",
       "ParseAddr(\"::1:2:3:4:5:6:7:1.2.3.4\"): too many hex fields to fit an embedded IPv4 at the "
       "end of the address (at \"1.2.3.4\")"},
      {"::1g", "ParseAddr(\"::1g\"): unexpected character, want colon (at \"g\")"},
      {"%", "ParseAddr(\"%\"): missing IPv6 address"},
  };
  for (const auto& c : cases) EXPECT_EQ(parseIpAddress(c.text).error().message, c.error);
}

}  // namespace
}  // namespace iop::gotemplate::internal
