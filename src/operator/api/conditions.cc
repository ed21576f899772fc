#include "operator/api/conditions.h"

#include <optional>

#include "base/time.h"

namespace iop::operators::api {
namespace {

std::optional<std::size_t> indexOf(const Value& status, std::string_view type) {
  const auto all = status["conditions"].items();
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all[i]["type"].asString() == type) return i;
  }
  return std::nullopt;
}

std::string cut(const std::string& message) {
  static constexpr std::string_view kMark = "…";
  if (message.size() <= kMaxConditionMessage) return message;
  std::size_t end = kMaxConditionMessage - kMark.size();
  while (end > 0 && (static_cast<unsigned char>(message[end]) & 0xC0) == 0x80)
    --end;  // not inside of a character
  return message.substr(0, end).append(kMark);
}

}  // namespace

void setCondition(Value& status, const Condition& condition, std::int64_t generation,
                  base::Time now) {
  const std::optional<std::size_t> index = indexOf(status, condition.type);
  const std::string_view word = condition.status ? "True" : "False";
  Value fresh = Value::object({{"type", condition.type},
                               {"status", word},
                               {"reason", condition.reason},
                               {"message", cut(condition.message)},
                               {"observedGeneration", generation}});
  if (!index) {
    fresh.set("lastTransitionTime", base::printTime(now));
    status.edit("conditions").push(std::move(fresh));
    return;
  }
  const Value& old = status["conditions"].at(*index);
  fresh.set("lastTransitionTime", old["status"].asString() == word ? old["lastTransitionTime"]
                                                                   : Value(base::printTime(now)));
  if (fresh != old) status.edit("conditions").editItem(*index) = std::move(fresh);
}

void removeCondition(Value& status, std::string_view type) {
  if (const auto index = indexOf(status, type)) status.edit("conditions").eraseItem(*index);
}

const Value& findCondition(const Value& status, std::string_view type) {
  static const Value null;
  const auto index = indexOf(status, type);
  return index ? status["conditions"].at(*index) : null;
}

bool isConditionTrue(const Value& status, std::string_view type) {
  return findCondition(status, type)["status"].asString() == "True";
}

}  // namespace iop::operators::api
