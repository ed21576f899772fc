#include <fmt/format.h>

#include <algorithm>

#include "apiserver/internal/rest.h"
#include "kube/api/object.h"
#include "text/json.h"
#include "text/yaml.h"
#include "value/path.h"

namespace iop::apiserver {
namespace {

using schema::FieldErrorType;

constexpr std::size_t kMaxFieldManager = 128;

Failure optionFailure(std::string_view options, std::string field, FieldErrorType type,
                      std::optional<Value> value, std::string detail) {
  return invalid("meta.k8s.io", options, "",
                 {{type, std::move(field), std::move(value), std::move(detail)}});
}

// Who writes where nothing says so: the program's name in the User-Agent.
std::string managerOf(std::string_view agent) {
  std::string_view name = agent.substr(0, agent.find('/'));
  if (name.empty()) name = "unknown";
  return std::string(name.substr(0, kMaxFieldManager));
}

std::optional<PatchType> patchTypeOf(std::string_view mediaType) {
  if (mediaType == "application/json-patch+json") return PatchType::Json;
  if (mediaType == "application/merge-patch+json") return PatchType::Merge;
  if (mediaType == "application/strategic-merge-patch+json") return PatchType::Strategic;
  if (mediaType == "application/apply-patch+yaml") return PatchType::Apply;
  return std::nullopt;
}

}  // namespace

Answer<Call> Rest::callOf(const Request& request, std::string_view options) const {
  const QueryParameters& query = request.http.query;
  Call call{.user = request.user, .fieldManager = {}};
  for (const auto& [name, value] : query) {
    if (name == "dryRun" && value != "All") {
      return tl::unexpected(optionFailure(options, "dryRun", FieldErrorType::NotSupported,
                                          Value::array({value}), "supported values: \"All\""));
    }
    if (name == "dryRun") call.dryRun = true;
  }
  const std::string_view manager = findParameter(query, "fieldManager").value_or("");
  if (manager.size() > kMaxFieldManager) {
    return tl::unexpected(
        optionFailure(options, "fieldManager", FieldErrorType::TooLong, Value("<value omitted>"),
                      fmt::format("may not be more than {} bytes", kMaxFieldManager)));
  }
  if (std::any_of(manager.begin(), manager.end(),
                  [](unsigned char byte) { return byte < 0x20 || byte == 0x7f; })) {
    return tl::unexpected(optionFailure(options, "fieldManager", FieldErrorType::Invalid,
                                        Value(manager),
                                        "should only contain printable characters"));
  }
  call.fieldManager =
      manager.empty() ? managerOf(request.http.header("User-Agent").value_or("")) : manager;
  const std::string_view validation = findParameter(query, "fieldValidation").value_or("");
  if (validation == "Strict") {
    call.fieldValidation = FieldValidation::Strict;
  } else if (validation == "Ignore") {
    call.fieldValidation = FieldValidation::Ignore;
  } else if (!validation.empty() && validation != "Warn") {
    return tl::unexpected(
        optionFailure(options, "fieldValidation", FieldErrorType::NotSupported, Value(validation),
                      "supported values: \"\", \"Ignore\", \"Strict\", \"Warn\""));
  }
  return call;
}

Answer<Value> Rest::bodyOf(const Request& request, const Kind& kind, Call& call) const {
  const std::string& wanted = kind.resource.kind;
  const std::string apiVersion = kind.resource.apiVersion();
  auto object =
      decodeBody(request.http.header("Content-Type").value_or(""), request.http.body, wanted);
  if (!object) return object;
  if ((*object)["kind"].isNull() && !kind.custom) object->set("kind", wanted);
  if ((*object)["apiVersion"].isNull() && !kind.custom) object->set("apiVersion", apiVersion);
  const kube::api::GroupVersionKind given = kube::api::kindOf(*object);
  if (kind.custom) {
    constexpr std::size_t kShown = 30;
    const std::string& body = request.http.body;
    if (given.kind.empty()) {
      return tl::unexpected(badRequest(fmt::format(
          "the object provided is unrecognized (must be of type {}): Object 'Kind' is missing in "
          "'{}' ({}{})",
          wanted, body, body.substr(0, kShown), body.size() > kShown ? " ..." : "")));
    }
    if (given.apiVersion() != apiVersion) {
      return tl::unexpected(badRequest(
          fmt::format("the API version in the data ({}) does not match the expected API version "
                      "({})",
                      given.apiVersion(), apiVersion)));
    }
    if (given.kind != wanted) {
      return tl::unexpected(
          invalid(kind.resource.group, given.kind, kube::api::nameOf(*object),
                  {{FieldErrorType::Invalid, "kind", Value(given.kind), "must be " + wanted}}));
    }
  } else if (given.apiVersion() != apiVersion) {
    return tl::unexpected(badRequest(fmt::format(
        "{0} in version \"{1}\" cannot be handled as a {2}: no kind \"{0}\" is registered for "
        "version \"{3}\" in scheme \"pkg/runtime/scheme.go:111\"",
        given.kind, given.version, wanted, given.apiVersion())));
  } else if (given.kind != wanted) {
    return tl::unexpected(badRequest(
        fmt::format("{0} in version \"{1}\" cannot be handled as a {2}: converting ({1}.{0}) to "
                    "({3}.{2}): unknown conversion",
                    given.kind, given.version, wanted,
                    kind.resource.group.empty() ? "core" : kind.resource.group)));
  }
  const std::string context = fmt::format(
      "{0} in version \"{1}\" cannot be handled as a {0}: ", wanted, kind.resource.version);
  const Status checked = engine_.checkFields(kind, *object, call, context);
  if (!checked) return tl::unexpected(badRequest(checked.error().message));
  return object;
}

void Rest::create(Request& request, const std::shared_ptr<http::Reply>& reply, const Kind& kind) {
  auto call = callOf(request, "CreateOptions");
  if (!call) {
    answerFailure(request, reply, call.error());
    return;
  }
  auto object = bodyOf(request, kind, *call);
  if (!object) {
    answerFailure(request, reply, object.error());
    return;
  }
  const auto made = engine_.create(kind, kind.resource.namespaced ? request.info.namespaceName : "",
                                   std::move(*object), *call);
  request.warnings = std::move(call->warnings);
  if (made) {
    answerObject(request, reply, 201, kind, *made);
  } else {
    answerFailure(request, reply, made.error());
  }
}

void Rest::update(Request& request, const std::shared_ptr<http::Reply>& reply, const Kind& kind) {
  auto call = callOf(request, "UpdateOptions");
  if (!call) {
    answerFailure(request, reply, call.error());
    return;
  }
  auto object = bodyOf(request, kind, *call);
  if (!object) {
    answerFailure(request, reply, object.error());
    return;
  }
  bool created = false;
  const auto written = engine_.update(
      kind, {kind.resource.namespaced ? request.info.namespaceName : "", request.info.name},
      request.info.subresource, std::move(*object), *call, created);
  request.warnings = std::move(call->warnings);
  if (written) {
    answerObject(request, reply, created ? 201 : 200, kind, *written);
  } else {
    answerFailure(request, reply, written.error());
  }
}

void Rest::patch(Request& request, const std::shared_ptr<http::Reply>& reply, const Kind& kind) {
  const auto refuse = [&](const Failure& failure) { answerFailure(request, reply, failure); };
  const auto type = patchTypeOf(mediaTypeOf(request.http.header("Content-Type").value_or("")));
  if (!type || (kind.custom && *type == PatchType::Strategic)) {
    const bool known = type.has_value();
    refuse({415, "UnsupportedMediaType",
            known ? "the body of the request was in an unknown format - accepted media types "
                    "include: application/json-patch+json, application/merge-patch+json, "
                    "application/apply-patch+yaml"
                  : "415: Unsupported Media Type",
            known ? Value() : Value::object(), 0});
    return;
  }
  auto call = callOf(request, "PatchOptions");
  if (!call) {
    refuse(call.error());
    return;
  }
  call->force = isTrue(request.http.query, "force");
  if (*type == PatchType::Apply) {
    if (findParameter(request.http.query, "fieldManager").value_or("").empty()) {
      refuse(optionFailure("PatchOptions", "fieldManager", FieldErrorType::Required, {},
                           "is required for apply patch"));
      return;
    }
  } else if (findParameter(request.http.query, "force")) {
    refuse(optionFailure("PatchOptions", "force", FieldErrorType::Forbidden, {},
                         "may not be specified for non-apply patch"));
    return;
  }
  auto parsed = *type == PatchType::Apply ? text::parseYaml(request.http.body)
                                          : text::parseJson(request.http.body);
  if (!parsed) {
    refuse(badRequest(*type == PatchType::Apply ? "error encoding patch: " + parsed.error().message
                      : *type == PatchType::Merge
                          ? "invalid JSON patch"
                          : "error decoding patch: " + parsed.error().message));
    return;
  }
  const ObjectKey key{kind.resource.namespaced ? request.info.namespaceName : "",
                      request.info.name};
  if (*type == PatchType::Apply && engine_.storage().find(kind.table, key) == nullptr) {
    // Who makes an object by applying it must be allowed to make it.
    auth::Attributes asked = request.info.attributes(request.user);
    asked.verb = "create";
    if (!engine_.authorizer().authorize(asked).allowed) {
      refuse(forbidden(
          asked.group, asked.resource, asked.name,
          "User \"" + asked.user.name + "\" cannot create resource \"" + asked.resource +
              "\" in API group \"" + asked.group + "\"" +
              (asked.namespaceName.empty() ? " at the cluster scope"
                                           : " in the namespace \"" + asked.namespaceName + "\"")));
      return;
    }
  }
  bool created = false;
  const auto written = engine_.patch(kind, key, request.info.subresource, *type, *parsed,
                                     request.http.body, *call, created);
  request.warnings = std::move(call->warnings);
  if (written) {
    answerObject(request, reply, created ? 201 : 200, kind, *written);
  } else {
    refuse(written.error());
  }
}

Answer<DeleteOptions> Rest::deleteOptionsOf(const Request& request) const {
  const QueryParameters& query = request.http.query;
  DeleteOptions out;
  Value body;
  if (!request.http.body.empty()) {
    auto decoded = decodeBody(request.http.header("Content-Type").value_or(""), request.http.body,
                              "DeleteOptions");
    if (!decoded) return tl::unexpected(std::move(decoded.error()));
    body = std::move(*decoded);
  }
  out.uid = body["preconditions"]["uid"].asString();
  out.resourceVersion = body["preconditions"]["resourceVersion"].asString();
  out.propagationPolicy = body["propagationPolicy"].asString();
  if (body["gracePeriodSeconds"].isInt())
    out.gracePeriodSeconds = body["gracePeriodSeconds"].asInt();
  std::optional<bool> orphan;
  if (body["orphanDependents"].isBool()) orphan = body["orphanDependents"].asBool();
  if (request.http.body.empty()) {
    if (const auto policy = findParameter(query, "propagationPolicy"))
      out.propagationPolicy = *policy;
    if (const auto grace = findParameter(query, "gracePeriodSeconds")) {
      const auto seconds = parseInteger(*grace);
      if (!seconds) return tl::unexpected(seconds.error());
      out.gracePeriodSeconds = *seconds;
    }
    if (findParameter(query, "orphanDependents")) orphan = isTrue(query, "orphanDependents");
  }
  const auto refuse = [](std::string field, FieldErrorType type, Value value, std::string detail) {
    return tl::unexpected(optionFailure("DeleteOptions", std::move(field), type, std::move(value),
                                        std::move(detail)));
  };
  const std::string& policy = out.propagationPolicy;
  if (!policy.empty() && orphan) {
    return refuse("propagationPolicy", FieldErrorType::Invalid, policy,
                  "orphanDependents and deletionPropagation cannot be both set");
  }
  if (!policy.empty() && policy != "Background" && policy != "Foreground" && policy != "Orphan") {
    return refuse("propagationPolicy", FieldErrorType::NotSupported, policy,
                  "supported values: \"Foreground\", \"Background\", \"Orphan\", \"nil\"");
  }
  if (orphan) out.propagationPolicy = *orphan ? "Orphan" : "Background";
  return out;
}

namespace {

// Dry runs of deletions may be asked for in the body, too.
bool isDryRun(const Request& request) {
  if (findParameter(request.http.query, "dryRun").value_or("") == "All") return true;
  const auto body = text::parseJson(request.http.body);
  return body && (*body)["dryRun"].at(0).asString() == "All";
}

}  // namespace

void Rest::remove(Request& request, const std::shared_ptr<http::Reply>& reply, const Kind& kind) {
  auto call = callOf(request, "DeleteOptions");
  if (!call) {
    answerFailure(request, reply, call.error());
    return;
  }
  call->dryRun |= isDryRun(request);
  const auto options = deleteOptionsOf(request);
  if (!options) {
    answerFailure(request, reply, options.error());
    return;
  }
  const auto removed = engine_.remove(
      kind, {kind.resource.namespaced ? request.info.namespaceName : "", request.info.name},
      *options, *call);
  request.warnings = std::move(call->warnings);
  if (!removed) {
    answerFailure(request, reply, removed.error());
    return;
  }
  if (!removed->removed || kind.strategy->returnsDeletedObject) {
    answerObject(request, reply, 200, kind, removed->object);
    return;
  }
  Value details = Value::object({{"name", request.info.name},
                                 {"kind", kind.resource.plural},
                                 {"uid", removed->object["metadata"]["uid"]}});
  if (!kind.resource.group.empty()) details.set("group", kind.resource.group);
  request.format.transform = Format::Transform::None;
  answerValue(request, reply, 200,
              Value::object({{"kind", "Status"},
                             {"apiVersion", "v1"},
                             {"metadata", Value::object()},
                             {"status", "Success"},
                             {"details", std::move(details)}}));
}

void Rest::removeCollection(Request& request, const std::shared_ptr<http::Reply>& reply,
                            const Kind& kind) {
  auto call = callOf(request, "DeleteOptions");
  const auto options = deleteOptionsOf(request);
  auto selection = Selection::of(kind, request.http.query);
  const auto refuse = [&](const Failure& failure) { answerFailure(request, reply, failure); };
  if (!call) return refuse(call.error());
  if (!options) return refuse(options.error());
  if (!selection) return refuse(selection.error());
  call->dryRun |= isDryRun(request);
  const auto page =
      engine_.storage().list(kind.table, {.namespaceName = request.info.namespaceName});
  if (!page) return refuse(internalError(page.error().message));
  Value items = Value::array();
  for (const ObjectPtr& object : page->objects) {
    Value shown = engine_.present(kind, object->value);
    if (!selection->matches(shown)) continue;
    const auto removed = engine_.remove(kind, kube::api::keyOf(shown), *options, *call);
    if (!removed && removed.error().code != 404) return refuse(removed.error());
    items.push(listedItem(kind, std::move(shown)));
  }
  request.format.transform = Format::Transform::None;
  Value list = listHead(kind, *page, "", false);
  list.set("items", std::move(items));
  answerValue(request, reply, 200, list);
}

}  // namespace iop::apiserver
