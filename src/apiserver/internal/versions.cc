#include "apiserver/internal/versions.h"

#include "apiserver/kinds/conversions.h"
#include "base/result.h"

namespace iop::apiserver {

Value convertVersion(const Value& object, std::string_view from, std::string_view to, bool custom) {
  if (custom || from == to) {
    Value out = object;
    out.set("apiVersion", to);
    return out;
  }
  if (to == "events.k8s.io/v1") return kinds::toEventsEvent(object);
  if (from == "events.k8s.io/v1") return kinds::toCoreEvent(object);
  ASSERT(to == "autoscaling/v1" || to == "autoscaling/v2");
  return to == "autoscaling/v1" ? kinds::toAutoscalingV1(object) : kinds::toAutoscalingV2(object);
}

}  // namespace iop::apiserver
