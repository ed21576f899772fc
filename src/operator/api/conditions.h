#pragma once

// Conditions in the status of an object (Kubernetes API conventions, "Typical status properties").
//
//   setCondition(status, {"Coupled", true, "CouplingSucceeded", "coupled"}, generation, now);

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "value/value.h"

namespace iop::operators::api {

struct Condition {
  std::string_view type;
  bool status = false;
  std::string_view reason;
  std::string message;
};

// The longest message that the API conventions allow, in bytes.
inline constexpr std::size_t kMaxConditionMessage = 32768;

// Sets the condition of that type; `lastTransitionTime` changes only where the status does, and
// nothing where all is as it was. Longer messages are cut.
void setCondition(Value& status, const Condition& condition, std::int64_t generation,
                  base::Time now);
// Takes the condition of that type away.
void removeCondition(Value& status, std::string_view type);
// The condition of that type; null if there is none.
const Value& findCondition(const Value& status, std::string_view type);
bool isConditionTrue(const Value& status, std::string_view type);

}  // namespace iop::operators::api
