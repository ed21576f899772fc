#include <fmt/format.h>

#include <algorithm>

#include "apiserver/internal/rest.h"
#include "apiserver/schema/managed_fields.h"
#include "base/time.h"
#include "kube/api/object.h"

// Requests that are answered and never stored: who am I, may I, whose token is this; tokens for
// service accounts.

namespace iop::apiserver {
namespace {

using schema::FieldErrorType;

constexpr std::int64_t kMinTokenSeconds = 600, kMaxTokenSeconds = 1LL << 32;

Value listOf(const std::vector<std::string>& texts) {
  Value out = Value::array();
  for (const std::string& text : texts) out.push(text);
  return out;
}

Value userInfo(const auth::User& user) {
  Value out = Value::object({{"username", user.name}});
  if (!user.uid.empty()) out.set("uid", user.uid);
  if (!user.groups.empty()) out.set("groups", listOf(user.groups));
  if (user.extra.empty()) return out;
  Value extra = Value::object();
  for (const auto& [key, values] : user.extra) extra.set(key, listOf(values));
  out.set("extra", std::move(extra));
  return out;
}

auth::User userOfSpec(const Value& spec) {
  auth::User user{.name = spec["user"].toString(), .uid = spec["uid"].toString()};
  for (const Value& group : spec["groups"].items()) user.groups.push_back(group.toString());
  for (const Member& member : spec["extra"].members()) {
    std::vector<std::string>& values = user.extra[std::string(member.key())];
    for (const Value& value : member.value.items()) values.push_back(value.toString());
  }
  return user;
}

auth::Attributes attributesOfSpec(const Value& spec, auth::User user) {
  auth::Attributes out{.user = std::move(user), .verb = {}};
  const Value& resource = spec["resourceAttributes"];
  if (!resource.isNull()) {
    out.verb = resource["verb"].asString();
    out.group = resource["group"].asString();
    out.version = resource["version"].toString("*");
    out.resource = resource["resource"].asString();
    out.subresource = resource["subresource"].asString();
    out.namespaceName = resource["namespace"].asString();
    out.name = resource["name"].asString();
  } else {
    out.verb = spec["nonResourceAttributes"]["verb"].asString();
    out.path = spec["nonResourceAttributes"]["path"].asString();
  }
  return out;
}

std::optional<Failure> checkAccessSpec(const Value& spec, std::string_view kind,
                                       std::string_view namespaceName) {
  const auto refuse = [](std::string field, Value value, std::string detail) {
    return invalid(
        "authorization.k8s.io", "", "",
        {{FieldErrorType::Invalid, std::move(field), std::move(value), std::move(detail)}});
  };
  if (spec["resourceAttributes"].isNull() == spec["nonResourceAttributes"].isNull()) {
    return refuse("spec", Value(),
                  "exactly one of nonResourceAttributes or resourceAttributes must be specified");
  }
  if (kind == "LocalSubjectAccessReview" &&
      spec["resourceAttributes"]["namespace"].asString() != namespaceName) {
    return refuse("spec.resourceAttributes.namespace", spec["resourceAttributes"]["namespace"],
                  "must match metadata.namespace");
  }
  if (kind != "SelfSubjectAccessReview" && spec["user"].asString().empty() &&
      spec["groups"].empty()) {
    return refuse("spec.user", Value(""), "at least one of user or group must be specified");
  }
  return std::nullopt;
}

}  // namespace

bool Rest::review(Request& request, const std::shared_ptr<http::Reply>& reply, const Kind& kind) {
  const std::string& group = request.info.group;
  const bool isReview = group == "authorization.k8s.io" || group == "authentication.k8s.io";
  const bool isToken = kind.table == "serviceaccounts" && request.info.subresource == "token";
  if (!isReview && !isToken) return false;
  const auto refuse = [&](const Failure& failure) {
    answerFailure(request, reply, failure);
    return true;
  };
  if (request.info.verb != "create") return refuse(methodNotAllowed(""));
  auto call = callOf(request, "CreateOptions");
  if (!call) return refuse(call.error());
  const Kind* bodyKind =
      isToken ? engine_.registry().findByKind({"authentication.k8s.io", "v1", "TokenRequest"})
              : &kind;
  // TokenRequest has a schema and no resource of its own.
  auto object =
      isToken && bodyKind == nullptr
          ? decodeBody(request.http.header("Content-Type").value_or(""),
                       request.http.body.empty() ? "{}" : request.http.body, "TokenRequest")
          : bodyOf(request, *bodyKind, *call);
  if (!object) return refuse(object.error());
  Value& metadata = object->edit("metadata");
  if (metadata.isNull()) metadata = Value::object();

  const base::Time now = engine_.clock().now();
  if (isToken) {
    const ObjectKey key{request.info.namespaceName, request.info.name};
    const ObjectPtr account = engine_.storage().find("serviceaccounts", key);
    if (account == nullptr) return refuse(notFound("", "serviceaccounts", key.name));
    Value& spec = object->edit("spec");
    const std::int64_t seconds = spec["expirationSeconds"].asInt(3600);
    const auto wrong = [&](std::string detail) {
      return refuse(invalid("authentication.k8s.io", "TokenRequest", "",
                            {{FieldErrorType::Invalid, "spec.expirationSeconds", Value(seconds),
                              std::move(detail)}}));
    };
    if (seconds < kMinTokenSeconds) return wrong("may not specify a duration less than 10 minutes");
    if (seconds > kMaxTokenSeconds)
      return wrong("may not specify a duration larger than 2^32 seconds");
    auth::TokenRequest wanted{.namespaceName = key.namespaceName,
                              .serviceAccount = key.name,
                              .serviceAccountUid = std::string(kube::api::uidOf(account->value)),
                              .audiences = {},
                              .lifetime = std::chrono::seconds(seconds)};
    for (const Value& audience : spec["audiences"].items())
      wanted.audiences.push_back(audience.toString());
    const Value bound = spec["boundObjectRef"];
    if (!bound.isNull()) {
      const std::string boundKind = bound["kind"].toString();
      if (boundKind != "Pod" && boundKind != "Secret") {
        return refuse(badRequest("cannot bind token for serviceaccount \"" + key.name +
                                 "\" to object of kind " + boundKind));
      }
      const std::string table = boundKind == "Pod" ? "pods" : "secrets";
      const std::string name = bound["name"].toString();
      const ObjectPtr target = engine_.storage().find(table, {key.namespaceName, name});
      if (target == nullptr) return refuse(notFound("", table, name));
      const std::string uid(kube::api::uidOf(target->value));
      if (!bound["uid"].asString().empty() && bound["uid"].asString() != uid) {
        return refuse(conflict("", table, name,
                               fmt::format("the UID in the bound object reference ({}) does not "
                                           "match the UID in record. The object might have been "
                                           "deleted and then recreated",
                                           bound["uid"].asString())));
      }
      (boundKind == "Pod" ? wanted.podName : wanted.secretName) = name;
      (boundKind == "Pod" ? wanted.podUid : wanted.secretUid) = uid;
    }
    metadata.set("name", key.name);
    metadata.set("namespace", key.namespaceName);
    metadata.set("uid", kube::api::uidOf(account->value));
    metadata.set("creationTimestamp", base::printTime(now));
    spec.set("expirationSeconds", seconds);
    spec.set("audiences",
             listOf(wanted.audiences.empty() ? std::vector<std::string>{tokens_.issuer()}
                                             : wanted.audiences));
    spec.set("boundObjectRef", bound);
    object->set("kind", "TokenRequest");
    object->set("apiVersion", "authentication.k8s.io/v1");
    object->set("status",
                Value::object({{"token", tokens_.issue(wanted, now)},
                               {"expirationTimestamp", base::printTime(now + wanted.lifetime)}}));
    answerValue(request, reply, 201, *object);
    return true;
  }

  const std::string& name = kind.resource.kind;
  *object = schema::trackUpdate({}, *object,
                                {.schema = kind.schema(),
                                 .manager = call->fieldManager,
                                 .apiVersion = kind.resource.apiVersion(),
                                 .subresource = {},
                                 .now = base::printTime(now),
                                 .resetFields = {}});
  const Value spec = (*object)["spec"];
  if (name == "SelfSubjectReview") {
    object->edit("metadata").set("creationTimestamp", base::printTime(now));
    object->set("status", Value::object({{"userInfo", userInfo(request.user)}}));
  } else if (name == "TokenReview") {
    std::vector<std::string> audiences;
    for (const Value& audience : spec["audiences"].items())
      audiences.push_back(audience.toString());
    if (spec["token"].asString().empty())
      return refuse(badRequest("token is required for TokenReview in authentication"));
    const auto checked = tokens_.check(spec["token"].asString(), audiences, now);
    Value status = Value::object();
    if (checked) {
      status.set("authenticated", true);
      status.set("user", userInfo(checked->user));
      status.set("audiences", listOf(checked->audiences));
    } else {
      status.set("user", Value::object());
      status.set("error", checked.error().message);
    }
    object->set("status", std::move(status));
  } else if (name == "SelfSubjectRulesReview") {
    const std::string namespaceName = spec["namespace"].toString();
    if (namespaceName.empty()) return refuse(badRequest("no namespace on request"));
    *object =
        Value::object({{"kind", name},
                       {"apiVersion", kind.resource.apiVersion()},
                       {"metadata", Value::object()},
                       {"spec", Value::object()},
                       {"status", engine_.authorizer().rulesOf(request.user, namespaceName)}});
  } else {
    if (auto failure = checkAccessSpec(spec, name, request.info.namespaceName))
      return refuse(*failure);
    const auth::User user = name == "SelfSubjectAccessReview" ? request.user : userOfSpec(spec);
    const auth::Decision decision = engine_.authorizer().authorize(attributesOfSpec(spec, user));
    Value status = Value::object({{"allowed", decision.allowed}});
    if (!decision.reason.empty()) status.set("reason", decision.reason);
    if (name == "LocalSubjectAccessReview")
      object->edit("metadata").set("namespace", request.info.namespaceName);
    object->set("status", std::move(status));
  }
  answerValue(request, reply, 201, *object);
  return true;
}

}  // namespace iop::apiserver
