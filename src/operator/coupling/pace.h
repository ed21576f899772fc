#pragma once

// How fast a coupling is updated whose own effects change what it reads: an update that applies the
// ConfigMap which a var reads is followed by another, for ever. The first few updates in a row go
// at once, each further one waits twice as long as the one before.
//
//   Pace pace = snapshot.pace;
//   const UpdateDue due = nextUpdate(pace, now);
//   if (now < due.at) … wait …

#include <optional>

#include "base/clock.h"

namespace iop::operators::coupling {

// A change that follows an update within this time is taken for one that the update has caused.
inline constexpr std::chrono::seconds kSuspicious{10};
// So many updates in a row are not held back.
inline constexpr int kFreeUpdates = 3;
inline constexpr std::chrono::seconds kFirstPause{1};
inline constexpr std::chrono::seconds kLongestPause{300};

// What a process remembers of the updates of one coupling that only a change of what is read (a
// Secret, the object behind a var) has caused; a change of a spec or an Interface ends the row.
struct Pace {
  std::optional<base::Time> delivered;  // when the last update, or the coupling, was done
  std::optional<base::Time> disturbed;  // when it was first seen that the next one is due
  int inARow = 0;                       // updates, each soon after the one before
};

struct UpdateDue {
  base::Time at;
  Pace held;       // to be remembered while the update waits
  Pace delivered;  // to be remembered once the update is being delivered
};

// When the update may be done that is found due at `now`.
UpdateDue nextUpdate(const Pace& pace, base::Time now);

}  // namespace iop::operators::coupling
