#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "base/time.h"

namespace iop::base {
namespace {

Result<int> half(int number) {
  if (number % 2 != 0) return fail(Code::Invalid, std::to_string(number) + " is odd");
  return number / 2;
}

Result<int> quarter(int number) {
  ASSIGN_OR_RETURN(const int once, half(number));
  return half(once).map_error(addContext("halve " + std::to_string(once)));
}

TEST(Result, ErrorsTravelUpWithTheirContextInFront) {
  EXPECT_EQ(quarter(8), 2);
  EXPECT_EQ(quarter(3).error().message, "3 is odd");
  EXPECT_EQ(quarter(6).error().message, "halve 3: 3 is odd");
  EXPECT_EQ(quarter(6).error().code, Code::Invalid);
}

TEST(Result, CodesMapToReasonsAndStatusesBothWays) {
  EXPECT_EQ(reasonOf(Code::NotFound), "NotFound");
  EXPECT_EQ(httpStatusOf(Code::AlreadyExists), 409);
  EXPECT_EQ(codeOf("AlreadyExists", 409), Code::AlreadyExists);
  EXPECT_EQ(codeOf("", 409), Code::Conflict);
  EXPECT_EQ(codeOf("SomethingNew", 404), Code::NotFound);
  EXPECT_EQ(codeOf("", 418), Code::BadRequest);
  EXPECT_EQ(codeOf("", 599), Code::InternalError);
}

TEST(Time, PrintsWholeSecondsAndMicroseconds) {
  const Time time = parseTime("2026-02-28T23:59:59.0123456+01:30").value();
  EXPECT_EQ(printTime(time), "2026-02-28T22:29:59Z");
  EXPECT_EQ(printMicroTime(time), "2026-02-28T22:29:59.012345Z");
}

TEST(Time, RefusesWhatIsNoTime) {
  for (const char* text : {"", "2026", "2026-02-30T00:00:00Z", "2026-01-01 00:00:00Z",
                           "2026-01-01T00:00:00", "2026-01-01T24:00:00Z", "2026-01-01T00:00:00.Z",
                           "2026-01-01T00:00:00Zx", "2026-01-01T00:00:00+1:00"}) {
    EXPECT_FALSE(parseTime(text)) << text;
  }
}

TEST(ManualClock, WakesWaitersWhenTheirMomentComes) {
  ManualClock clock;
  std::mutex mutex;
  std::condition_variable condition;
  const Instant deadline = clock.instant() + std::chrono::hours(1);
  bool done = false;
  std::thread waiter([&] {
    std::unique_lock lock(mutex);
    while (clock.instant() < deadline) clock.waitUntil(lock, condition, deadline);
    done = true;
  });
  clock.advance(std::chrono::minutes(61));
  waiter.join();
  EXPECT_TRUE(done);
}

TEST(ManualClock, KnowsWhoWaitsForALaterTime) {
  ManualClock clock;
  std::mutex mutex;
  std::condition_variable condition;
  const Instant deadline = clock.instant() + std::chrono::seconds(2);
  EXPECT_EQ(clock.waiters(), 0U);
  std::thread waiter([&] {
    std::unique_lock lock(mutex);
    while (clock.instant() < deadline) clock.waitUntil(lock, condition, deadline);
  });
  for (int second = 0; second < 2; ++second) {
    while (clock.waiters() == 0) std::this_thread::yield();
    clock.advance(std::chrono::seconds(1));
  }
  waiter.join();
  EXPECT_EQ(clock.waiters(), 0U);
}

TEST(Log, WritesJsonAndConsoleLines) {
  const std::vector<log::Field> fields = {{"plug", "app/db"}, {"tries", 3}, {"text", "a \"b\"\n"}};
  EXPECT_EQ(log::printLine(log::Format::Json, "T", log::Level::Warn, "no", fields),
            R"({"ts":"T","level":"warn","msg":"no","plug":"app/db","tries":3,"text":"a \"b\"\n"})");
  EXPECT_EQ(log::printLine(log::Format::Console, "T", log::Level::Info, "yes", fields),
            R"(T info  yes plug=app/db tries=3 text="a \"b\"\n")");
}

}  // namespace
}  // namespace iop::base
