// Events and Leases (pkg/registry/core/event, pkg/apis/core/validation/events.go,
// pkg/registry/coordination/lease).

#include "apiserver/kinds/conversions.h"
#include "apiserver/kinds/internal/go_zero.h"
#include "apiserver/kinds/internal/names.h"
#include "apiserver/kinds/internal/strategies.h"
#include "base/time.h"

namespace iop::apiserver::kinds {
namespace {

constexpr std::string_view kEventsVersion = "events.k8s.io/v1";

// The fields of an Event that have another name in events.k8s.io/v1.
struct Renamed {
  const char* core;
  const char* events;
};
constexpr Renamed kRenamed[] = {{"involvedObject", "regarding"},
                                {"message", "note"},
                                {"reportingComponent", "reportingController"},
                                {"source", "deprecatedSource"},
                                {"firstTimestamp", "deprecatedFirstTimestamp"},
                                {"lastTimestamp", "deprecatedLastTimestamp"},
                                {"count", "deprecatedCount"}};

bool isEventsEvent(const Value& event) { return event["apiVersion"].asString() == kEventsVersion; }

// Fields that Go writes also where they have no value.
void fillCoreEvent(Value& event) {
  for (const char* field : {"involvedObject", "source"}) {
    if (event[field].isNull()) event.set(field, Value::object());
  }
  for (const char* field : {"firstTimestamp", "lastTimestamp", "eventTime"}) {
    if (!event.contains(field)) event.set(field, nullptr);
  }
  for (const char* field : {"reportingComponent", "reportingInstance"}) {
    if (event[field].isNull()) event.set(field, "");
  }
}

void fillEventsEvent(Value& event) {
  for (const char* field : {"regarding", "deprecatedSource"}) {
    if (event[field].isNull()) event.set(field, Value::object());
  }
  for (const char* field : {"deprecatedFirstTimestamp", "deprecatedLastTimestamp", "eventTime"}) {
    if (!event.contains(field)) event.set(field, nullptr);
  }
  for (const char* field : {"reportingController", "reportingInstance"}) {
    if (event.contains(field) && event[field].asString().empty()) event.erase(field);
  }
}

}  // namespace

Value toEventsEvent(const Value& coreEvent) {
  if (isEventsEvent(coreEvent)) return coreEvent;
  Value out = coreEvent;
  out.set("apiVersion", kEventsVersion);
  for (const auto& [core, events] : kRenamed) {
    const Value* value = coreEvent.find(core);
    if (value == nullptr) continue;
    out.set(events, *value);
    out.erase(core);
  }
  fillEventsEvent(out);
  return out;
}

Value toCoreEvent(const Value& eventsEvent) {
  if (!isEventsEvent(eventsEvent)) return eventsEvent;
  Value out = eventsEvent;
  out.set("apiVersion", "v1");
  for (const auto& [core, events] : kRenamed) {
    const Value* value = eventsEvent.find(events);
    if (value == nullptr) continue;
    out.set(core, *value);
    out.erase(events);
  }
  fillCoreEvent(out);
  return out;
}

namespace internal {
namespace {

constexpr std::size_t kMaxText = 128, kMaxMessage = 1024;

// Times as Go prints them: UTC, with six digits or none.
void normaliseTime(Value& object, const char* field, bool micro) {
  const Value* value = object.find(field);
  if (value == nullptr || !value->isString()) return;
  const auto time = base::parseTime(value->asString());
  if (!time) return;
  const std::string printed = micro ? base::printMicroTime(*time) : base::printTime(*time);
  if (printed != value->asString()) object.set(field, printed);
}

void applyEventDefaults(Value& event) {
  const bool isNew = isEventsEvent(event);
  dropZeroValues(event);
  normaliseTime(event, "eventTime", true);
  for (const char* field :
       {"firstTimestamp", "lastTimestamp", "deprecatedFirstTimestamp", "deprecatedLastTimestamp"})
    normaliseTime(event, field, false);
  if (event["series"].isObject()) {
    Value& series = event.edit("series");
    normaliseTime(series, "lastObservedTime", true);
    if (!series.contains("lastObservedTime")) series.set("lastObservedTime", nullptr);
  }
  if (isNew) {
    fillEventsEvent(event);
  } else {
    fillCoreEvent(event);
  }
}

void checkText(Errors& errors, const Path& path, const Value& text, bool required,
               std::size_t max) {
  if (required && text.asString().empty()) errors.required(path);
  if (text.size() > max)
    errors.invalid(path, "", "can have at most " + std::to_string(max) + " characters");
}

FieldErrors validateEvent(const Value& given) {
  const bool isNew = isEventsEvent(given);
  const Value event = toCoreEvent(given);
  Errors errors;
  const Path root;
  const bool hasTime = event["eventTime"].isString();
  // Events of objects without a namespace are in the namespace default.
  const std::string_view space = event["metadata"]["namespace"].asString();
  const std::string_view involved = event["involvedObject"]["namespace"].asString();
  const bool fits = involved.empty() ? space.empty() || space == "default" : involved == space;
  if (!isNew && !fits) {
    errors.invalid(root["involvedObject.namespace"], involved, "does not match event.namespace");
  }
  if (hasTime) {
    const std::string_view controller = event["reportingComponent"].asString();
    const Path at = root[isNew ? "reportingController" : "reportingComponent"];
    if (controller.empty()) errors.required(at);
    errors.invalid(at, controller, checkQualifiedName(controller));
    checkText(errors, root["reportingInstance"], event["reportingInstance"], true, kMaxText);
    checkText(errors, root["action"], event["action"], true, kMaxText);
    checkText(errors, root["reason"], event["reason"], true, kMaxText);
    checkText(errors, root["message"], event["message"], false, kMaxMessage);
  }
  if (!isNew) return errors.take();
  if (!hasTime) errors.required(root["eventTime"]);
  const Value& series = event["series"];
  if (series.isObject()) {
    const Path at = root["series"];
    if (series["count"].asInt() < 2) errors.invalid(at["count"], "", "should be at least 2");
    if (!series["lastObservedTime"].isString()) errors.required(at["lastObservedTime"]);
  }
  for (const char* field : {"firstTimestamp", "lastTimestamp", "count", "source"}) {
    if (!isZero(event[field])) errors.invalid(root[field], "", "needs to be unset");
  }
  const std::string_view type = event["type"].asString();
  if (type != "Normal" && type != "Warning")
    errors.invalid(root["type"], "", "has invalid value: " + std::string(type));
  return errors.take();
}

FieldErrors validateEventUpdate(const Value& given, const Value& before) {
  if (!isEventsEvent(given)) return {};
  const Value event = toCoreEvent(given), old = toCoreEvent(before);
  Errors errors;
  const Path root;
  for (const char* field : {"involvedObject", "reason", "message", "source", "firstTimestamp",
                            "lastTimestamp", "count", "type", "eventTime", "action", "related"})
    checkImmutable(errors, root[field], event[field], old[field]);
  checkImmutable(errors, root["reportingController"], event["reportingComponent"],
                 old["reportingComponent"]);
  checkImmutable(errors, root["reportingInstance"], event["reportingInstance"],
                 old["reportingInstance"]);
  return errors.take();
}

// ---- Leases ----

void applyLeaseDefaults(Value& lease) {
  dropZeroValues(lease);
  Value& spec = lease.edit("spec");
  if (spec.isNull()) spec = Value::object();
  if (!spec.isObject()) return;
  normaliseTime(spec, "acquireTime", true);
  normaliseTime(spec, "renewTime", true);
  // Coordinated leader election is off by default.
  for (const char* field : {"strategy", "preferredHolder"}) {
    if (spec.contains(field)) spec.erase(field);
  }
}

FieldErrors validateLease(const Value& lease) {
  Errors errors;
  const Path root, path = root["spec"];
  const Value& seconds = lease["spec"]["leaseDurationSeconds"];
  if (!seconds.isNull() && seconds.asInt() <= 0)
    errors.invalid(path["leaseDurationSeconds"], seconds, "must be greater than 0");
  checkNonNegative(errors, path["leaseTransitions"], lease["spec"]["leaseTransitions"]);
  return errors.take();
}

}  // namespace

constinit const Strategy kEvents{.applyDefaults = applyEventDefaults,
                                 .validate = validateEvent,
                                 .validateUpdate = validateEventUpdate,
                                 .allowCreateOnUpdate = true};

constinit const Strategy kLeases{.applyDefaults = applyLeaseDefaults,
                                 .validate = validateLease,
                                 .allowUnconditionalUpdate = false,
                                 .allowCreateOnUpdate = true};

}  // namespace internal
}  // namespace iop::apiserver::kinds
