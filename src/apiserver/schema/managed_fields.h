#pragma once

// Who owns which field of an object: server-side apply and the tracking of all other writes
// (structured-merge-diff v6 and apimachinery's managedfields package).
//
//   Value stored = trackUpdate(live, updated, {.schema = &schema, .manager = "kubectl", …});
//   auto applied = applyConfiguration(live, config, {.schema = &schema, .manager = "helm", …});
//   if (!applied) … applied.error().conflicts …
//
// Pure; thread-safe.

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "apiserver/schema/schema.h"
#include "value/value.h"

namespace iop::apiserver::schema {

struct Write {
  const Schema* schema = nullptr;  // null: deduced (maps granular, lists atomic)
  std::string manager;
  std::string apiVersion;   // of the request
  std::string subresource;  // "status", "scale" or empty
  std::string now;          // RFC 3339, whole seconds
  // Fields that this endpoint does not own, whatever the object says: {"status"} on an object with
  // a status subresource; on "status" itself everything else ({"spec", "metadata"}).
  // Names, or paths of names ("metadata.labels"); what is below them is not owned either.
  std::vector<std::string> resetFields;
};

// `updated` (the result of a POST, PUT or other patch; its metadata.managedFields as sent by the
// client or as in `live`) with the managedFields that belong to it. `live` is null for a creation.
// Where nothing but times of entries would change, the old ones stay, so that a write without
// effect is equal to `live`.
Value trackUpdate(const Value& live, const Value& updated, const Write& write);

// `live`, where `updated` differs from it in nothing but the times of its entries, else `updated`.
// For the result of a write once defaults are in: what an apply has added ([] or what is the
// default anyway) may have been nothing (apiserver, managedfields, admission's
// IgnoreManagedFieldsTimestampsTransformer).
Value keepTimes(const Value& live, const Value& updated);

struct ApplyConflict {
  std::string manager;
  std::string subresource;
  std::string apiVersion;
  std::string time;  // empty: since 1.19 conflicts do not show it
  bool isApply = false;
  std::string field;  // ".spec.replicas"
};

struct ApplyFailure {
  enum class Kind { Conflict, Invalid };
  Kind kind;
  // Conflict: "Apply failed with 1 conflict: …" (409, reason Conflict); Invalid: "failed to create
  // typed patch object (ns/name; g/v, Kind=K): …" (500 without a reason, as the API server has it).
  std::string message;
  std::vector<ApplyConflict> conflicts;  // one per field and manager
};

// The object after an apply: `live` (null: it is made) merged with `config`, fields that this
// manager gave up removed, and managedFields. With `force` fields are taken over from others.
// Equal to `live` where nothing changes.
tl::expected<Value, ApplyFailure> applyConfiguration(const Value& live, const Value& config,
                                                     const Write& write, bool force);

}  // namespace iop::apiserver::schema
