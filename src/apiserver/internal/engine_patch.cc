#include <fmt/format.h>

#include "apiserver/internal/engine.h"
#include "apiserver/internal/naming.h"
#include "apiserver/schema/managed_fields.h"
#include "apiserver/schema/strategic_merge.h"
#include "base/time.h"
#include "kube/api/object.h"
#include "text/json.h"
#include "text/patch.h"

namespace iop::apiserver {
namespace {

constexpr std::size_t kMaxJsonPatchOperations = 10'000;

std::string goTypeOf(const Value& value) {
  if (value.isArray()) return "array";
  if (value.isObject()) return "object";
  if (value.isString()) return "string";
  if (value.isBool()) return "bool";
  return "number";
}

// What a patch makes of an object is not one of its kind (apiserver, handlers/patch.go).
Failure unfit(std::string shown, std::string_view why) {
  Failure failure = invalid(
      "", "", "", {{schema::FieldErrorType::Invalid, "patch", Value(shown), std::string(why)}});
  return failure;
}

// A JSON patch, as the library of the API server applies it (evanphx/json-patch v4): it also
// replaces members that are not there.
Result<Value> applyOperations(const Value& target, const Value& patch) {
  Value out = target;
  for (const Value& operation : patch.items()) {
    Value single = operation;
    const std::string_view path = operation["path"].asString();
    const std::size_t slash = path.rfind('/');
    if (operation["op"].asString() == "replace" && slash != std::string_view::npos) {
      const auto parent = text::getPointer(out, path.substr(0, slash));
      if (parent && *parent && (*parent)->isObject()) single.set("op", "add");
    }
    ASSIGN_OR_RETURN(out, text::applyJsonPatch(out, Value::array({single})));
  }
  return out;
}

// "map[data:map[k:v] foo:x]": how Go prints a decoded patch.
void appendGoMap(std::string& out, const Value& value) {
  if (value.isObject()) {
    out += "map[";
    bool first = true;
    for (const Member& member : value.members()) {
      if (!first) out += ' ';
      first = false;
      out.append(member.key()) += ':';
      appendGoMap(out, member.value);
    }
    out += ']';
  } else if (value.isArray()) {
    out += '[';
    bool first = true;
    for (const Value& item : value.items()) {
      if (!first) out += ' ';
      first = false;
      appendGoMap(out, item);
    }
    out += ']';
  } else if (value.isString()) {
    out += value.asString();
  } else if (value.isNull()) {
    out += "<nil>";
  } else {
    out += text::printJson(value);
  }
}

}  // namespace

Answer<Value> Engine::applyPatch(const Kind& kind, const ObjectKey& key,
                                 std::string_view subresource, const Value& live, PatchType type,
                                 const Value& patch, std::string_view patchText, Call& call) const {
  const auto reject = [](Failure failure) { return tl::unexpected(std::move(failure)); };
  if (type == PatchType::Apply) {
    const std::string apiVersion = kind.resource.apiVersion();
    if (patch["apiVersion"].asString() != apiVersion ||
        patch["kind"].asString() != kind.resource.kind) {
      const auto given =
          kube::api::parseKind(patch["apiVersion"].asString(), patch["kind"].asString());
      return reject(badRequest(fmt::format("invalid object type: {}/{}, Kind={}", given.group,
                                           given.version, given.kind)));
    }
    if (!patch["metadata"]["managedFields"].isNull())
      return reject(badRequest("metadata.managedFields must be nil"));
    auto applied = schema::applyConfiguration(live, patch,
                                              {.schema = kind.schema(),
                                               .manager = call.fieldManager,
                                               .apiVersion = apiVersion,
                                               .subresource = std::string(subresource),
                                               .now = base::printTime(clock_.now()),
                                               .resetFields = resetFieldsOf(kind, subresource)},
                                              call.force);
    if (applied) {
      if (auto failure = checkIdentity(key, *applied)) return reject(std::move(*failure));
      return std::move(*applied);
    }
    schema::ApplyFailure& failed = applied.error();
    if (failed.kind == schema::ApplyFailure::Kind::Invalid)
      return reject(Failure{500, "", std::move(failed.message), {}, 0});
    Value causes = Value::array();
    for (const schema::ApplyConflict& conflict : failed.conflicts) {
      std::string who = "conflict with \"" + conflict.manager + "\"";
      if (!conflict.subresource.empty())
        who += " with subresource \"" + conflict.subresource + "\"";
      if (!conflict.isApply) {
        who += " using " + conflict.apiVersion;
        if (!conflict.time.empty()) who += " at " + conflict.time;
      }
      causes.push(Value::object(
          {{"reason", "FieldManagerConflict"}, {"message", who}, {"field", conflict.field}}));
    }
    return reject(Failure{409, "Conflict", std::move(failed.message),
                          Value::object({{"causes", std::move(causes)}}), 0});
  }

  Result<Value> patched = fail(Code::BadRequest, "");
  std::string shown;
  switch (type) {
    case PatchType::Json: {
      if (!patch.isArray()) {
        return reject(badRequest("error decoding patch: json: cannot unmarshal " + goTypeOf(patch) +
                                 " into Go value of type []handlers.jsonPatchOp"));
      }
      if (patch.size() > kMaxJsonPatchOperations) {
        return reject(
            Failure{413,
                    "RequestEntityTooLarge",
                    fmt::format("Request entity too large: The allowed maximum operations in a "
                                "JSON patch is {}, got {}",
                                kMaxJsonPatchOperations, patch.size()),
                    {},
                    0});
      }
      patched = applyOperations(live, patch);
      if (!patched || !patched->isObject()) {
        return reject(Failure{422, "Invalid",
                              "the server rejected our request due to an error in our request",
                              Value::object(), 0});
      }
      break;
    }
    case PatchType::Merge:
    case PatchType::Strategic: {
      if (!patch.isObject()) {
        return reject(badRequest("error decoding patch: json: cannot unmarshal " + goTypeOf(patch) +
                                 " into Go value of type map[string]interface {}"));
      }
      if (type == PatchType::Merge) {
        patched = text::applyMergePatch(live, patch);
        break;
      }
      ASSERT(kind.schema() != nullptr);
      patched = schema::applyStrategicMergePatch(live, patch, *kind.schema());
      if (!patched) {
        const Error& error = patched.error();
        if (error.code == Code::BadRequest) return reject(badRequest(error.message));
        if (error.code == Code::InternalError)
          return reject(Failure{500, "", error.message, {}, 0});
        return reject(Failure{422, "Invalid", error.message, {}, 0});
      }
      appendGoMap(shown, patch);
      break;
    }
    case PatchType::Apply:
      break;
  }
  if (shown.empty())
    shown = type == PatchType::Json ? std::string(patchText) : text::printJson(*patched);
  if ((*patched)["kind"].asString() != kind.resource.kind ||
      (*patched)["apiVersion"].asString() != kind.resource.apiVersion()) {
    const auto given = kube::api::kindOf(*patched);
    return reject(unfit(
        shown, fmt::format("converting ({}.{}) to ({}.{}): unknown conversion", given.version,
                           given.kind, kind.resource.group.empty() ? "core" : kind.resource.group,
                           kind.resource.kind)));
  }
  const Status known = checkFields(kind, *patched, call, "");
  if (!known) return reject(unfit(shown, known.error().message));
  if (auto failure = checkIdentity(key, *patched)) return reject(std::move(*failure));
  return std::move(*patched);
}

}  // namespace iop::apiserver
