#include "operator/coupling/pace.h"

#include <gtest/gtest.h>

#include <vector>

namespace iop::operators::coupling {
namespace {

using namespace std::chrono_literals;

const base::Time kStart = base::Time{} + 1000h;

// The pauses of `count` updates, each found due `after` the one before was done.
std::vector<base::Duration> pausesOf(int count, base::Duration after) {
  std::vector<base::Duration> pauses;
  Pace pace{.delivered = kStart, .disturbed = {}, .inARow = 0};
  for (int i = 0; i < count; ++i) {
    const base::Time seen = *pace.delivered + after;
    UpdateDue due = nextUpdate(pace, seen);
    // Looking again meanwhile changes nothing.
    if (due.at > seen) due = nextUpdate(due.held, seen + (due.at - seen) / 2);
    const base::Time done = std::max(due.at, seen);
    pauses.push_back(done - *pace.delivered - after);
    pace = due.delivered;
    pace.delivered = done;
  }
  return pauses;
}

TEST(Pace, UpdatesThatFollowOneAnotherAreHeldBackLongerAndLonger) {
  EXPECT_EQ(pausesOf(7, 0s), (std::vector<base::Duration>{0s, 0s, 0s, 1s, 2s, 4s, 8s}));
}

TEST(Pace, NoPauseIsLongerThanTheLongest) { EXPECT_EQ(pausesOf(40, 0s).back(), kLongestPause); }

TEST(Pace, UpdatesThatComeSeldomAreNeverHeldBack) {
  for (const base::Duration pause : pausesOf(10, kSuspicious)) EXPECT_EQ(pause, 0s);
}

TEST(Pace, AQuietTimeEndsTheRow) {
  Pace pace{.delivered = kStart, .disturbed = {}, .inARow = 9};
  const UpdateDue due = nextUpdate(pace, kStart + kSuspicious);
  EXPECT_EQ(due.at, kStart + kSuspicious);
  EXPECT_EQ(due.delivered.inARow, 0);
}

TEST(Pace, TheFirstUpdateOfAProcessIsFree) {
  const UpdateDue due = nextUpdate({}, kStart);
  EXPECT_EQ(due.at, kStart);
  EXPECT_EQ(due.delivered.inARow, 0);
}

}  // namespace
}  // namespace iop::operators::coupling
