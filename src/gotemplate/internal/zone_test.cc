#include "gotemplate/internal/zone.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace iop::gotemplate::internal {
namespace {

TEST(ZoneTest, ReadsTheDatabase) {
  const struct {
    const char* name;
    std::int64_t seconds;
    const char* abbreviation;
    int offset;
  } cases[] = {
      {"America/New_York", 1700000000, "EST", -18000},
      {"America/New_York", 1690000000, "EDT", -14400},
      {"America/New_York", -5000000000, "LMT", -17762},
      {"America/New_York", 4085000000, "EDT", -14400},
      {"America/New_York", 4100000000, "EST", -18000},
      {"Europe/Dublin", 1700000000, "GMT", 0},
      {"Asia/Kolkata", 0, "IST", 19800},
      {"Australia/Lord_Howe", 1700000000, "+11", 39600},
      {"Australia/Sydney", 5000000000, "AEST", 36000},
      {"Australia/Sydney", 5015000000, "AEDT", 39600},
      {"Etc/GMT+5", 0, "-05", -18000},
      {"Africa/Monrovia", -10000000, "MMT", -2670},
      {"Antarctica/Troll", 4100000000, "+00", 0},
      {"UTC", 0, "UTC", 0},
      {"", 0, "UTC", 0},
  };
  for (const auto& c : cases) {
    const ZoneAt zone = loadLocation(c.name).value()->lookup(c.seconds);
    EXPECT_EQ(zone.abbreviation, c.abbreviation) << c.name << " " << c.seconds;
    EXPECT_EQ(zone.offset, c.offset) << c.name << " " << c.seconds;
    EXPECT_LE(zone.start, c.seconds);
    EXPECT_GT(zone.end, c.seconds);
  }
}

TEST(ZoneTest, NamesNeverLeaveTheDatabase) {
  for (const char* const name : {"../etc/passwd", "/etc/localtime", "a..b", "\\x"}) {
    EXPECT_EQ(loadLocation(name).error().message, "time: invalid location name") << name;
  }
  for (const std::string& name :
       {std::string("Nope/Zone"), std::string("America"), std::string("tzdata.zi"),
        std::string("America/New_York\0x", 18)}) {
    EXPECT_EQ(loadLocation(name).error().message, "unknown time zone " + name);
  }
  EXPECT_EQ(loadLocation("Asia/Tokyo").value(), loadLocation("Asia/Tokyo").value());
  EXPECT_EQ(loadLocation("Asia/Tokyo").value()->name(), "Asia/Tokyo");
}

// The test program runs with TZ=UTC.
TEST(ZoneTest, LocalIsTheZoneOfTheProcess) {
  EXPECT_EQ(loadLocation("Local").value(), localLocation());
  EXPECT_EQ(localLocation()->name(), "UTC");
}

TEST(ZoneTest, OffsetsAreFoundByAbbreviation) {
  const LocationPtr newYork = loadLocation("America/New_York").value();
  EXPECT_EQ(newYork->findOffset("EDT", 1690000000), -4 * 3600);
  EXPECT_EQ(newYork->findOffset("EST", 1690000000), -5 * 3600);
  EXPECT_EQ(newYork->findOffset("CET", 1690000000), std::nullopt);
}

TEST(ZoneTest, FixedLocationsNeverChange) {
  const LocationPtr fixed = Location::fixed("X", 5400);
  EXPECT_EQ(fixed->lookup(INT64_MIN).offset, 5400);
  EXPECT_EQ(fixed->lookup(INT64_MAX).abbreviation, "X");
}

TEST(ZoneTest, RefusesMalformedFiles) {
  const std::string header = std::string("TZif") + std::string(16, '\0');
  const auto counts = [](char transitions, char zones, char characters) {
    std::string out(12, '\0');
    for (const char count : {transitions, zones, characters}) out += std::string(3, '\0') + count;
    return out;
  };
  EXPECT_FALSE(Location::parse("x", "").has_value());
  EXPECT_FALSE(Location::parse("x", "TZif").has_value());
  EXPECT_FALSE(Location::parse("x", std::string(100, 'a')).has_value());
  EXPECT_FALSE(Location::parse("x", header + counts(0, 0, 0)).has_value());  // no zone
  EXPECT_FALSE(Location::parse("x", header + counts(0, 1, 4)).has_value());  // cut off
  EXPECT_FALSE(Location::parse("x", header + counts(127, 127, 127)).has_value());
  const std::string zone =
      std::string(2, '\0') + "\x0e\x10" + std::string(2, '\0');  // 3600 seconds
  const Result<LocationPtr> location =
      Location::parse("x", header + counts(0, 1, 4) + zone + std::string("CET\0", 4));
  ASSERT_TRUE(location.has_value());
  EXPECT_EQ((*location)->lookup(0).offset, 3600);
  EXPECT_EQ((*location)->lookup(0).abbreviation, "CET");
  EXPECT_FALSE(Location::parse("x", header + counts(1, 1, 4) + std::string(4, '\0') + "\x05" +
                                        zone + std::string("CET\0", 4))
                   .has_value());  // a transition to a zone that is not there
}

TEST(ZoneTest, RulesAreRead) {
  const std::optional<ZoneRule> rule = parseZoneRule("<-03>3:30<-02>,M3.5.0/-2,J60/3:00:01");
  ASSERT_TRUE(rule.has_value());
  EXPECT_EQ(rule->standardName, "-03");
  EXPECT_EQ(rule->standardOffset, -(3 * 3600 + 1800));
  EXPECT_EQ(rule->dstName, "-02");
  EXPECT_EQ(rule->dstOffset, rule->standardOffset + 3600);
  EXPECT_EQ(rule->start.week, 5);
  EXPECT_EQ(rule->start.time, -2 * 3600);
  EXPECT_EQ(rule->end.kind, ZoneRule::Change::Kind::JulianDay);
  EXPECT_EQ(rule->end.time, 3 * 3600 + 1);
  EXPECT_FALSE(parseZoneRule("CET-1")->hasDst);
  EXPECT_TRUE(parseZoneRule("EST5EDT")->hasDst);
  for (const char* const text :
       {"", "AB1", "CET", "CET-1CEST,M3.5.0", "CET-1CEST,M13.5.0,M10.5.0", "<AB",
        "CET-1CEST,M3.5.0,M10.5.0x", "CET-1CEST,M3.6.0,M10.5.0", "CET-999"}) {
    EXPECT_FALSE(parseZoneRule(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace iop::gotemplate::internal
