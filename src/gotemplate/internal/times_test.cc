#include "gotemplate/internal/times.h"

#include <gtest/gtest.h>

namespace iop::gotemplate::internal {
namespace {

Time at(std::int64_t seconds, std::int64_t nanos = 0, std::string_view zone = "UTC") {
  return inLocation(unixTime(seconds, nanos, nullptr), loadLocation(zone).value());
}

// 2023-11-14 22:13:20 UTC
constexpr std::int64_t kSomeTime = 1700000000;

TEST(TimesTest, FormatsByReferenceLayout) {
  const struct {
    std::int64_t seconds;
    std::int64_t nanos;
    const char* zone;
    const char* layout;
    const char* want;
  } cases[] = {
      {1700000000, 0, "America/New_York", "2006-01-02T15:04:05Z07:00", "2023-11-14T17:13:20-05:00"},
      {1700000000, 123456789, "UTC", "2006-01-02T15:04:05.999999999Z07:00",
       "2023-11-14T22:13:20.123456789Z"},
      {1700000000, 120000000, "Asia/Kolkata", "Mon Jan _2 15:04:05.000 2006 -0700 MST",
       "Wed Nov 15 03:43:20.120 2023 +0530 IST"},
      {1700000000, 5, "UTC", "Monday, 02-Jan-06 3:04:05.9PM", "Tuesday, 14-Nov-23 10:13:20PM"},
      {0, 0, "UTC", "002 __2 _2 2 02 1 01 Jan January", "001   1  1 1 01 1 01 Jan January"},
      {-1, 0, "UTC", "3 03 4 04 5 05 PM pm", "11 11 59 59 59 59 PM pm"},
      {1700000000, 0, "Etc/GMT+5", "MST Z0700 Z07 -07 -07:00:00 Z070000",
       "-05 -0500 -05 -05 -05:00:00 -050000"},
      {-5000000000, 0, "America/New_York", "-07:00:00 -070000 Z07:00:00 -0700 MST",
       "-04:56:02 -045602 -04:56:02 -0456 LMT"},
      {1700000000, 0, "UTC", "Janus Mond MSTy 2Jan2006 _2006 Stamp",
       "Janus Mond UTCy 14Nov2023 _2023 Stamp"},
      {1700000000, 250000000, "UTC", "05.00 05,999 .0009 05.99x ,000000000000",
       "20.25 20,25 .0009 20.25x ,250000000"},
      {-62167219201, 0, "UTC", "2006 06", "-0001 01"},
      {-99999999999, 0, "UTC", "2006-01-02", "-1199-02-15"},
      {253402300800, 0, "UTC", "2006-01-02", "10000-01-01"},
      {1700000000, 0, "UTC", "2006年01月02日", "2023年11月14日"},
      {1700000000, 0, "UTC", "", ""},
  };
  for (const auto& c : cases)
    EXPECT_EQ(formatTime(at(c.seconds, c.nanos, c.zone), c.layout), c.want) << c.layout;
}

TEST(TimesTest, PrintsAsGo) {
  EXPECT_EQ(printTime(at(kSomeTime, 500, "Europe/Berlin")),
            "2023-11-14 23:13:20.0000005 +0100 CET");
  EXPECT_EQ(printTime(Time()), "0001-01-01 00:00:00 +0000 UTC");
  EXPECT_EQ(printGoTime(at(kSomeTime, 5, "Asia/Tokyo")),
            "time.Date(2023, time.November, 15, 7, 13, 20, 5, time.Location(\"Asia/Tokyo\"))");
  EXPECT_EQ(printGoTime(at(0)), "time.Date(1970, time.January, 1, 0, 0, 0, 0, time.UTC)");
  EXPECT_EQ("\"" + printJsonTime(at(kSomeTime, 120, "Asia/Tokyo")).value() + "\"",
            "\"2023-11-15T07:13:20.00000012+09:00\"");
  EXPECT_EQ(printJsonTime(at(253402300800)).error().message,
            "Time.MarshalJSON: year outside of range [0,9999]");
  EXPECT_EQ(printJsonTime(at(-62167219201)).error().message,
            "Time.MarshalJSON: year outside of range [0,9999]");
  const Time oddZone = inLocation(at(0), Location::fixed("", 24 * 3600));
  EXPECT_EQ(printJsonTime(oddZone).error().message,
            "Time.MarshalJSON: timezone hour outside of range [0,23]");
  EXPECT_EQ(printTime(oddZone), "1970-01-02 00:00:00 +2400 +2400");
  EXPECT_EQ(monthName(2), "February");
  EXPECT_EQ(monthName(13), "%!Month(13)");
  EXPECT_EQ(monthName(-1), "%!Month(18446744073709551615)");
  EXPECT_EQ(weekdayName(0), "Sunday");
  EXPECT_EQ(weekdayName(7), "%!Weekday(7)");
}

TEST(TimesTest, ParsesByReferenceLayout) {
  const struct {
    const char* layout;
    const char* text;
    const char* zone;
    const char* want;
  } cases[] = {
      {"2006-01-02", "2020-02-29", "UTC", "2020-02-29 00:00:00 +0000 UTC"},
      {"2006-01-02T15:04:05Z07:00", "2020-01-02T03:04:05+02:00", "UTC",
       "2020-01-02 03:04:05 +0200 +0200"},
      {"2006-01-02T15:04:05Z07:00", "2020-01-02T03:04:05Z", "Asia/Tokyo",
       "2020-01-02 03:04:05 +0000 UTC"},
      {"Jan 2 2006", "fEB 3 2020", "UTC", "2020-02-03 00:00:00 +0000 UTC"},
      {"2006-01-02 MST", "2020-01-02 PST", "UTC", "2020-01-02 00:00:00 +0000 PST"},
      {"2006-01-02 MST", "2020-07-02 EDT", "America/New_York", "2020-07-02 00:00:00 -0400 EDT"},
      {"2006-01-02 -0700", "2020-07-02 -0400", "America/New_York", "2020-07-02 00:00:00 -0400 EDT"},
      {"2006-01-02 MST", "2020-01-02 GMT+3", "UTC", "2020-01-02 03:00:00 +0300 GMT+3"},
      {"2006-01-02 15:04:05", "2020-01-02 01:02:03.456", "UTC",
       "2020-01-02 01:02:03.456 +0000 UTC"},
      {"15:04:05,999", "01:02:03,1234567899", "UTC", "0000-01-01 01:02:03.123456789 +0000 UTC"},
      {"3:04PM", "12:30AM", "UTC", "0000-01-01 00:30:00 +0000 UTC"},
      {"2006 002", "2020 366", "UTC", "2020-12-31 00:00:00 +0000 UTC"},
      {"06 __2", "69  60", "UTC", "1969-03-01 00:00:00 +0000 UTC"},
      {"06", "68", "UTC", "2068-01-01 00:00:00 +0000 UTC"},
      {"", "", "UTC", "0000-01-01 00:00:00 +0000 UTC"},
      {"Monday  Jan _2", "tuesday Jan  5", "UTC", "0000-01-05 00:00:00 +0000 UTC"},
      {"-070000", "-010203", "UTC", "0000-01-01 00:00:00 -0102 -0102"},
      {"2006-01-02 15:04", "2024-03-10 02:30", "America/New_York", "2024-03-10 01:30:00 -0500 EST"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(printTime(parseTime(c.layout, c.text, loadLocation(c.zone).value()).value()), c.want)
        << c.layout;
  }
}

TEST(TimesTest, TellsWhatDoesNotFitTheLayout) {
  const struct {
    const char* layout;
    const char* text;
    const char* error;
  } cases[] = {
      {"2006-01-02", "nope",
       "parsing time \"nope\" as \"2006-01-02\": cannot parse \"nope\" as \"2006\""},
      {"2006-01-02", "2021-02-29", "parsing time \"2021-02-29\": day out of range"},
      {"3PM", "13PM", "parsing time \"13PM\": hour out of range"},
      {"2006-01-02", "2020-13-01", "parsing time \"2020-13-01\": month out of range"},
      {"2006-01-02", "2020-01-02x", "parsing time \"2020-01-02x\": extra text: \"x\""},
      {"2006-01-02", "2020/01/02",
       "parsing time \"2020/01/02\" as \"2006-01-02\": cannot parse \"/01/02\" as \"-\""},
      {"Jan", "Foo", "parsing time \"Foo\" as \"Jan\": cannot parse \"Foo\" as \"Jan\""},
      {"15:04", "24:00", "parsing time \"24:00\": hour out of range"},
      {"15:04", "12:60", "parsing time \"12:60\": minute out of range"},
      {"05", "60", "parsing time \"60\": second out of range"},
      {"05.00", "01.1", "parsing time \"01.1\" as \"05.00\": cannot parse \".1\" as \".00\""},
      {"-0700", "+2561", "parsing time \"+2561\": time zone offset minute out of range"},
      {"-0700", "x0100",
       "parsing time \"x0100\" as \"-0700\": cannot parse \"x0100\" as \"-0700\""},
      {"-07:00", "+0100",
       "parsing time \"+0100\" as \"-07:00\": cannot parse \"+0100\" as \"-07:00\""},
      {"MST", "mst", "parsing time \"mst\" as \"MST\": cannot parse \"mst\" as \"MST\""},
      {"PM", "xm", "parsing time \"xm\" as \"PM\": cannot parse \"xm\" as \"PM\""},
      {"2006 002", "2021 366", "parsing time \"2021 366\": day-of-year out of range"},
      {"2006 002 01", "2021 032 03",
       "parsing time \"2021 032 03\": day-of-year does not match month"},
      {"2006", "20a0", "parsing time \"20a0\" as \"2006\": cannot parse \"20a0\" as \"2006\""},
      {"002", "1", "parsing time \"1\" as \"002\": cannot parse \"1\" as \"002\""},
      {"2006-01-02", "é\"\n",
       "parsing time \"\\xc3\\xa9\\\"\\x0a\" as \"2006-01-02\": cannot parse "
       "\"\\xc3\\xa9\\\"\\x0a\" as \"2006\""},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(parseTime(c.layout, c.text, utcLocation()).error().message, c.error) << c.layout;
  }
}

TEST(TimesTest, KeepsTheLocationOfWhatHasItsOffset) {
  const LocationPtr newYork = loadLocation("America/New_York").value();
  EXPECT_EQ(parseTime("2006 -0700", "2020 -0500", newYork)->location, newYork);
  EXPECT_NE(parseTime("2006 -0700", "2020 -0400", newYork)->location, newYork);
  EXPECT_EQ(parseTime("2006 MST", "2020 EST", newYork)->location, newYork);
  EXPECT_EQ(parseTime("2006", "2020", newYork)->location, newYork);
  EXPECT_EQ(parseTime("2006 Z07", "2020 Z", newYork)->location, nullptr);
}

TEST(TimesTest, CivilTimeIsThatOfTheCalendar) {
  const struct {
    std::int64_t seconds;
    const char* zone;
    const char* want;  // year month day hour minute second weekday yearDay isoYear isoWeek
  } cases[] = {
      {0, "UTC", "1970 1 1 0 0 0 4 1 1970 1"},
      {-1, "UTC", "1969 12 31 23 59 59 3 365 1970 1"},
      {1582934400, "UTC", "2020 2 29 0 0 0 6 60 2020 9"},
      {951782400, "Asia/Tokyo", "2000 2 29 9 0 0 2 60 2000 9"},
      {-62135596800, "UTC", "1 1 1 0 0 0 1 1 1 1"},
      {1609459199, "UTC", "2020 12 31 23 59 59 4 366 2020 53"},
      {1230768000, "UTC", "2009 1 1 0 0 0 4 1 2009 1"},
      {4102444800, "UTC", "2100 1 1 0 0 0 5 1 2099 53"},
      {-9223372036854775807, "UTC", "292277026596 12 4 15 30 9 0 339 292277026596 48"},
      {9223372036854775807, "America/New_York", "292277026596 12 4 10 30 7 0 339 292277026596 48"},
  };
  for (const auto& c : cases) {
    const Time time = at(c.seconds, 0, c.zone);
    const CivilTime civil = civilTimeOf(time);
    const IsoWeek week = isoWeekOf(time);
    std::string got = std::to_string(civil.year);
    for (const int number : {civil.month, civil.day, civil.hour, civil.minute, civil.second,
                             civil.weekday, civil.yearDay}) {
      got += " " + std::to_string(number);
    }
    got += " " + std::to_string(week.year) + " " + std::to_string(week.week);
    EXPECT_EQ(got, c.want);
  }
}

TEST(TimesTest, DatesCarryOver) {
  const auto date = [](std::int64_t year, std::int64_t month, std::int64_t day, std::int64_t hour) {
    return printTime(makeTime(year, month, day, hour, 0, 0, 0, nullptr));
  };
  EXPECT_EQ(date(2020, 14, 30, 25), "2021-03-03 01:00:00 +0000 UTC");
  EXPECT_EQ(date(2020, 0, 0, -1), "2019-11-29 23:00:00 +0000 UTC");
  EXPECT_EQ(printTime(makeTime(2020, 1, 1, 0, 0, 0, -1, nullptr)),
            "2019-12-31 23:59:59.999999999 +0000 UTC");
  EXPECT_EQ(printTime(addDate(at(1582934400), 0, 1, 1)), "2020-03-30 00:00:00 +0000 UTC");
  EXPECT_EQ(printTime(addDate(at(1582934400), 1, 0, 0)), "2021-03-01 00:00:00 +0000 UTC");
}

TEST(TimesTest, DatesNearAChangeOfTheClockExist) {
  const LocationPtr newYork = loadLocation("America/New_York").value();
  EXPECT_EQ(printTime(makeTime(2024, 3, 10, 2, 30, 0, 0, newYork)),
            "2024-03-10 01:30:00 -0500 EST");
  EXPECT_EQ(printTime(makeTime(2024, 11, 3, 1, 30, 0, 0, newYork)),
            "2024-11-03 01:30:00 -0400 EDT");
}

TEST(TimesTest, TimesAreComparedAsMoments) {
  const Time tokyo = at(kSomeTime, 0, "Asia/Tokyo");
  EXPECT_EQ(compareTimes(at(kSomeTime), tokyo), 0);
  EXPECT_FALSE(at(kSomeTime) == tokyo);
  EXPECT_TRUE(at(kSomeTime) == at(kSomeTime));
  EXPECT_LT(compareTimes(at(1), at(1, 1)), 0);
  EXPECT_GT(compareTimes(at(2), at(1, 999999999)), 0);
  EXPECT_TRUE(isZeroTime(Time()));
  EXPECT_FALSE(isZeroTime(at(0)));
}

TEST(TimesTest, DurationsAreAddedAndSubtracted) {
  EXPECT_EQ(printTime(addDuration(at(0), -1)), "1969-12-31 23:59:59.999999999 +0000 UTC");
  EXPECT_EQ(subtractTimes(at(10, 5), at(7, 9)), 3 * kSecond - 4);
  EXPECT_EQ(subtractTimes(at(1LL << 40), at(0)), INT64_MAX);
  EXPECT_EQ(subtractTimes(at(0), at(1LL << 40)), INT64_MIN);
  EXPECT_EQ(unixMillisOf(at(-1, 999000000)), -1);
  EXPECT_EQ(unixMicrosOf(at(1, 5000)), 1000005);
  EXPECT_EQ(unixNanosOf(at(kSomeTime, 7)), kSomeTime * 1000000000 + 7);
}

TEST(TimesTest, TimesAreRoundedSinceTheYearOne) {
  EXPECT_EQ(printTime(truncateTime(at(kSomeTime, 700000000), 3600000000000)),
            "2023-11-14 22:00:00 +0000 UTC");
  EXPECT_EQ(printTime(roundTime(at(kSomeTime, 700000000), 3600000000000)),
            "2023-11-14 22:00:00 +0000 UTC");
  EXPECT_EQ(printTime(truncateTime(at(kSomeTime, 700000000), 604800000000000)),
            "2023-11-13 00:00:00 +0000 UTC");
  EXPECT_EQ(printTime(roundTime(at(kSomeTime, 700000000), 604800000000000)),
            "2023-11-13 00:00:00 +0000 UTC");
  EXPECT_EQ(printTime(truncateTime(at(kSomeTime, 700000000), 1500000000)),
            "2023-11-14 22:13:19.5 +0000 UTC");
  EXPECT_EQ(printTime(roundTime(at(kSomeTime, 700000000), 1500000000)),
            "2023-11-14 22:13:21 +0000 UTC");
  EXPECT_EQ(printTime(truncateTime(at(kSomeTime, 700000000), 0)),
            "2023-11-14 22:13:20.7 +0000 UTC");
  EXPECT_EQ(printTime(roundTime(at(kSomeTime, 700000000), 0)), "2023-11-14 22:13:20.7 +0000 UTC");
}

TEST(TimesTest, CurrentTimeIsNow) {
  const Time now = currentTime();
  EXPECT_GT(now.unixSeconds, kSomeTime);
  EXPECT_EQ(now.location, localLocation());
}

TEST(DurationTest, PrintsWithUnits) {
  const struct {
    GoDuration duration;
    const char* text;
  } cases[] = {
      {0, "0s"},
      {1, "1ns"},
      {-1, "-1ns"},
      {1100, "1.1µs"},
      {2200000, "2.2ms"},
      {3300000000, "3.3s"},
      {95000000000, "1m35s"},
      {3661000000001, "1h1m1.000000001s"},
      {-3600000000000, "-1h0m0s"},
      {9223372036854775807, "2562047h47m16.854775807s"},
      {INT64_MIN, "-2562047h47m16.854775808s"},
  };
  for (const auto& c : cases) EXPECT_EQ(printDuration(c.duration), c.text);
}

TEST(DurationTest, ParsesNumbersWithUnits) {
  const struct {
    const char* text;
    GoDuration duration;
  } cases[] = {
      {"1h35s", 3635000000000},
      {"-1.5h", -5400000000000},
      {"300ms", 300000000},
      {"1us2µs3μs", 6000},
      {"+5.m", 300000000000},
      {".5s", 500000000},
      {"0", 0},
      {"-0", 0},
      {"1h1h", 7200000000000},
      {"9223372036854775807ns", 9223372036854775807},
      {"-9223372036854775808ns", INT64_MIN},
      {"0.100000000000000000000h", 360000000000},
  };
  for (const auto& c : cases) EXPECT_EQ(parseDuration(c.text).value(), c.duration) << c.text;
  const struct {
    const char* text;
    const char* error;
  } failures[] = {
      {"", "time: invalid duration \"\""},
      {"x", "time: invalid duration \"x\""},
      {"1", "time: missing unit in duration \"1\""},
      {"1x", "time: unknown unit \"x\" in duration \"1x\""},
      {"-", "time: invalid duration \"-\""},
      {".s", "time: invalid duration \".s\""},
      {"9223372036854775808ns", "time: invalid duration \"9223372036854775808ns\""},
      {"3000000h", "time: invalid duration \"3000000h\""},
      {"1h ", "time: unknown unit \"h \" in duration \"1h \""},
      {"é", "time: invalid duration \"\\xc3\\xa9\""},
      {"\"1\"", "time: invalid duration \"\\\"1\\\"\""},
      {"1.2.3s", "time: missing unit in duration \"1.2.3s\""},
      {"1e3s", "time: unknown unit \"e\" in duration \"1e3s\""},
  };
  for (const auto& c : failures) EXPECT_EQ(parseDuration(c.text).error().message, c.error);
}

TEST(DurationTest, RoundsHalfAwayFromZero) {
  EXPECT_EQ(roundDuration(1500 * kMillisecond, kSecond), 2 * kSecond);
  EXPECT_EQ(roundDuration(-1500 * kMillisecond, kSecond), -2 * kSecond);
  EXPECT_EQ(roundDuration(1499 * kMillisecond, kSecond), kSecond);
  EXPECT_EQ(roundDuration(INT64_MAX, kHour), INT64_MAX);
  EXPECT_EQ(roundDuration(INT64_MIN, kHour), INT64_MIN);
  EXPECT_EQ(roundDuration(7, 0), 7);
  EXPECT_EQ(truncateDuration(-1500 * kMillisecond, kSecond), -kSecond);
}

TEST(DurationTest, RoundedTextHasTheLargestUnitThatIsExceeded) {
  const struct {
    GoDuration duration;
    const char* text;
  } cases[] = {
      {8640605000000000, "3mo"},   {31539600000000000, "1y"},
      {31536000000000000, "12mo"}, {2592000000000000, "30d"},
      {2595600000000000, "1mo"},   {3660000000000, "1h"},
      {3600000000000, "60m"},      {1000000000, "0s"},
      {1000000001, "1s"},          {0, "0s"},
      {-10800000000000, "3h"},
  };
  for (const auto& c : cases) EXPECT_EQ(printRoundedDuration(c.duration), c.text) << c.duration;
}

}  // namespace
}  // namespace iop::gotemplate::internal
