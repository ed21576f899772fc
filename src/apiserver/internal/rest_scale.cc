#include <fmt/format.h>

#include <algorithm>

#include "apiserver/internal/naming.h"
#include "apiserver/internal/rest.h"
#include "kube/api/object.h"
#include "text/json.h"
#include "text/patch.h"

// The scale subresource: replicas of any kind as one autoscaling/v1 Scale.

namespace iop::apiserver {
namespace {

using schema::FieldErrorType;

// The path of a CRD's scale (".spec.replicas"), or that of the built-in kinds.
std::string pathOf(const Kind& kind, const char* field, std::string_view builtIn) {
  return kind.custom ? kind.scale[field].toString() : std::string(builtIn);
}

void put(Value& object, std::string_view path, Value value) {
  Value* at = &object;
  while (!path.empty()) {
    path.remove_prefix(path.starts_with('.') ? 1 : 0);
    const std::size_t dot = std::min(path.find('.'), path.size());
    if (!at->isNull() && !at->isObject()) *at = Value::object();
    at = &at->edit(path.substr(0, dot));
    path.remove_prefix(dot);
  }
  *at = std::move(value);
}

// A label selector as text: "a=b,tier in (x,y)".
std::string printSelector(const Value& selector, bool plain) {
  std::string out;
  const auto add = [&](std::string part) {
    if (!out.empty()) out += ',';
    out += part;
  };
  const Value& labels = plain ? selector : selector["matchLabels"];
  for (const Member& label : labels.members())
    add(fmt::format("{}={}", label.key(), label.value.asString()));
  if (plain) return out;
  for (const Value& one : selector["matchExpressions"].items()) {
    const std::string_view op = one["operator"].asString();
    const std::string_view key = one["key"].asString();
    if (op == "Exists") {
      add(std::string(key));
    } else if (op == "DoesNotExist") {
      add(fmt::format("!{}", key));
    } else {
      std::string values;
      for (const Value& value : one["values"].items())
        values += (values.empty() ? "" : ",") + value.toString();
      add(fmt::format("{} {} ({})", key, op == "In" ? "in" : "notin", values));
    }
  }
  return out;
}

Value scaleOf(const Kind& kind, const Value& object) {
  Value metadata = Value::object();
  for (const char* field : {"name", "namespace", "uid", "resourceVersion", "creationTimestamp"}) {
    if (const Value* value = object["metadata"].find(field)) metadata.set(field, *value);
  }
  Value spec = Value::object(), status = Value::object();
  const Value& wanted = follow(object, pathOf(kind, "specReplicasPath", ".spec.replicas"));
  if (wanted.asInt() != 0) spec.set("replicas", wanted.asInt());
  status.set("replicas",
             follow(object, pathOf(kind, "statusReplicasPath", ".status.replicas")).asInt());
  if (kind.custom) {
    const Value& selector = follow(object, kind.scale["labelSelectorPath"].asString());
    if (selector.isString() && kind.scale["labelSelectorPath"].isString())
      status.set("selector", selector);
  } else {
    const std::string selector =
        printSelector(object["spec"]["selector"], kind.table == "replicationcontrollers");
    if (!selector.empty()) status.set("selector", selector);
  }
  return Value::object({{"kind", "Scale"},
                        {"apiVersion", "autoscaling/v1"},
                        {"metadata", std::move(metadata)},
                        {"spec", std::move(spec)},
                        {"status", std::move(status)}});
}

}  // namespace

void Rest::scale(Request& request, const std::shared_ptr<http::Reply>& reply, const Kind& kind) {
  const auto refuse = [&](const Failure& failure) { answerFailure(request, reply, failure); };
  const ObjectKey key{kind.resource.namespaced ? request.info.namespaceName : "",
                      request.info.name};
  auto live = engine_.get(kind, key);
  if (!live) return refuse(live.error());
  const Value current = scaleOf(kind, *live);
  if (request.info.verb == "get") {
    answerValue(request, reply, 200, current);
    return;
  }
  auto call = callOf(request, request.info.verb == "patch" ? "PatchOptions" : "UpdateOptions");
  if (!call) return refuse(call.error());
  const std::string_view type = mediaTypeOf(request.http.header("Content-Type").value_or(""));
  Value wanted;
  if (request.info.verb == "update") {
    auto body = decodeBody(type, request.http.body, "Scale");
    if (!body) return refuse(body.error());
    wanted = std::move(*body);
  } else {
    const auto parsed = text::parseJson(request.http.body);
    if (!parsed) return refuse(badRequest("error decoding patch: " + parsed.error().message));
    if (type == "application/json-patch+json") {
      auto patched = text::applyJsonPatch(current, *parsed);
      if (!patched) return refuse({422, "Invalid", patched.error().message, Value::object(), 0});
      wanted = std::move(*patched);
    } else if (type == "application/merge-patch+json" ||
               type == "application/strategic-merge-patch+json") {
      wanted = text::applyMergePatch(current, *parsed);
    } else {
      return refuse({415, "UnsupportedMediaType",
                     "the embedded API server takes JSON patches and merge patches of a scale, "
                     "not " +
                         std::string(type),
                     Value::object(), 0});
    }
  }
  if (kube::api::nameOf(wanted) != key.name) {
    return refuse(badRequest(
        fmt::format("the name of the object ({}) does not match the name on the URL ({})",
                    kube::api::nameOf(wanted), key.name)));
  }
  const std::int64_t replicas = wanted["spec"]["replicas"].asInt();
  if (replicas < 0) {
    return refuse(invalid("autoscaling", "Scale", key.name,
                          {{FieldErrorType::Invalid, "spec.replicas", Value(replicas),
                            "must be greater than or equal to 0"}}));
  }
  const std::string_view version = kube::api::resourceVersionOf(wanted);
  if (!version.empty() && version != kube::api::resourceVersionOf(*live)) {
    return refuse(conflict(kind.resource.group, kind.resource.plural, key.name,
                           "the object has been modified; please apply your changes to the latest "
                           "version and try again"));
  }
  Value changed = *live;
  put(changed, pathOf(kind, "specReplicasPath", ".spec.replicas"), replicas);
  bool created = false;
  const auto written = engine_.update(kind, key, "scale", std::move(changed), *call, created);
  if (!written) return refuse(written.error());
  answerValue(request, reply, 200, scaleOf(kind, *written));
}

}  // namespace iop::apiserver
