#include "operator/coupling/pace.h"

#include <algorithm>

namespace iop::operators::coupling {

UpdateDue nextUpdate(const Pace& pace, base::Time now) {
  const base::Time disturbed = pace.disturbed.value_or(now);
  if (!pace.delivered || disturbed - *pace.delivered >= kSuspicious) return {now, {}, {}};
  UpdateDue due{now, pace, {}};
  due.held.disturbed = disturbed;
  due.delivered.inARow = pace.inARow + 1;
  if (due.delivered.inARow > kFreeUpdates) {
    // The exponent is bounded: the longest pause is reached long before.
    const int doublings = std::min(due.delivered.inARow - kFreeUpdates - 1, 16);
    due.at = *pace.delivered + std::min(kFirstPause * (1 << doublings), kLongestPause);
  }
  return due;
}

}  // namespace iop::operators::coupling
