#include "apiserver/internal/engine.h"

#include <fmt/format.h>
#include <openssl/rand.h>

#include <algorithm>
#include <charconv>

#include "apiserver/internal/crds.h"
#include "apiserver/internal/naming.h"
#include "apiserver/internal/versions.h"
#include "apiserver/kinds/metadata_rules.h"
#include "apiserver/schema/managed_fields.h"
#include "base/time.h"
#include "kube/api/object.h"
#include "text/json.h"

namespace iop::apiserver {
namespace {

using schema::FieldErrors;
using schema::FieldErrorType;

constexpr int kNameAttempts = 8;

// Fields of metadata that an update cannot change; what the client says is overwritten.
constexpr const char* kCarriedMetadata[] = {"creationTimestamp", "deletionTimestamp",
                                            "deletionGracePeriodSeconds", "selfLink"};

void carry(Value& metadata, const Value& from, const char* field) {
  if (const Value* old = from.find(field)) {
    metadata.set(field, *old);
  } else {
    metadata.erase(field);
  }
}

bool isRbac(const Kind& kind) { return kind.resource.group == "rbac.authorization.k8s.io"; }

bool isNamespace(const Kind& kind) {
  return kind.resource.group.empty() && kind.resource.plural == "namespaces";
}

// Whether two objects differ in more than metadata and, where it has an endpoint of its own,
// status.
bool differsInContent(const Value& a, const Value& b, bool withStatus) {
  const auto content = [&](const Value& object) {
    Value out = object;
    out.erase("metadata");
    out.erase("apiVersion");
    if (!withStatus) out.erase("status");
    return out;
  };
  return content(a) != content(b);
}

// What a CRD's scale reads must be numbers (apiextensions-apiserver, customresource/validator.go).
FieldErrors checkScale(const Kind& kind, const Value& object) {
  FieldErrors errors;
  for (const char* field : {"specReplicasPath", "statusReplicasPath"}) {
    const std::string path = kind.scale[field].toString();
    const Value& replicas = follow(object, path);
    if (replicas.isNull()) continue;
    if (!replicas.isInt()) {
      const std::string_view type = replicas.isString()   ? "string"
                                    : replicas.isDouble() ? "float64"
                                    : replicas.isBool()   ? "bool"
                                                          : "object";
      const std::string shown =
          replicas.isString() ? replicas.toString() : text::printJson(replicas);
      errors.push_back({FieldErrorType::Invalid, path, Value(0),
                        fmt::format("{} accessor error: {} is of the type {}, expected int64", path,
                                    shown, type)});
    } else if (replicas.asInt() < 0) {
      errors.push_back(
          {FieldErrorType::Invalid, path, replicas, "should be a non-negative integer"});
    }
  }
  return errors;
}

FieldErrors checkCrdSchemas(const Value& crd) {
  FieldErrors errors;
  std::vector<std::string> warnings;
  const Value& versions = crd["spec"]["versions"];
  for (std::size_t i = 0; i < versions.size(); ++i) {
    const Value& schema = versions.at(i)["schema"]["openAPIV3Schema"];
    if (schema.isNull()) continue;
    const std::string path =
        versions.size() == 1 ? "spec.validation.openAPIV3Schema"
                             : "spec.versions[" + std::to_string(i) + "].schema.openAPIV3Schema";
    schema::parseCrdSchema(schema, path, errors, warnings);
  }
  return errors;
}

// Rules of a CRD that are stored and not enforced, in words.
std::vector<std::string> unenforcedRules(const Value& crd) {
  FieldErrors errors;
  std::vector<std::string> warnings;
  for (const Value& version : crd["spec"]["versions"].items())
    schema::parseCrdSchema(version["schema"]["openAPIV3Schema"], "schema", errors, warnings);
  return warnings;
}

bool isZero(const Value& value) {
  return value.isNull() || ((value.isString() || value.isObject()) && value.empty()) ||
         value == Value(0) || value == Value(false);
}

bool isReadyToGo(const Value& object) {
  return kube::api::isBeingDeleted(object) && object["metadata"]["finalizers"].empty() &&
         object["metadata"]["deletionGracePeriodSeconds"].asInt() == 0;
}

}  // namespace

std::string makeUid() {
  unsigned char bytes[16];
  ASSERT(RAND_bytes(bytes, sizeof bytes) == 1);
  bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0f) | 0x40);
  bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3f) | 0x80);
  std::string out;
  for (std::size_t i = 0; i < sizeof bytes; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) out += '-';
    fmt::format_to(std::back_inserter(out), "{:02x}", bytes[i]);
  }
  return out;
}

Engine::Engine(storage::Storage& storage, Registry& registry, const auth::Authorizer& authorizer,
               base::Clock& clock)
    : storage_(storage), registry_(registry), authorizer_(authorizer), clock_(clock) {}

Value Engine::present(const Kind& kind, const Value& stored) const {
  const std::string apiVersion = kind.resource.apiVersion();
  Value out = kind.storageApiVersion == apiVersion
                  ? stored
                  : convertVersion(stored, kind.storageApiVersion, apiVersion, kind.custom);
  if (kind.custom && kind.defaultsOnRead && kind.schema() != nullptr)
    schema::applyDefaults(out, *kind.schema());
  return out;
}

Value Engine::toStored(const Kind& kind, Value object) const {
  const std::string apiVersion = kind.resource.apiVersion();
  if (kind.storageApiVersion == apiVersion) return object;
  return convertVersion(object, apiVersion, kind.storageApiVersion, kind.custom);
}

Answer<Value> Engine::get(const Kind& kind, const ObjectKey& key) const {
  const ObjectPtr found = storage_.find(kind.table, key);
  if (found == nullptr)
    return tl::unexpected(notFound(kind.resource.group, kind.resource.plural, key.name));
  return present(kind, found->value);
}

std::vector<ObjectPtr> Engine::objects(std::string_view table) const {
  auto page = storage_.list(table, {});
  ASSERT(page);  // the present state is always there
  return std::move(page->objects);
}

void Engine::applyDefaults(const Kind& kind, Value& object) const {
  if (kind.schema() != nullptr) schema::applyDefaults(object, *kind.schema());
  if (kind.strategy->applyDefaults != nullptr) kind.strategy->applyDefaults(object);
}

Status Engine::checkFields(const Kind& kind, Value& object, Call& call,
                           std::string_view context) const {
  const schema::Schema* known = kind.schema();
  if (known == nullptr) return {};
  if (!kind.custom) {
    if (auto mismatch = schema::findTypeMismatch(object, *known, kind.resource.kind))
      return fail(Code::BadRequest, std::string(context) + *mismatch);
  } else if (const schema::Schema* metadata = known->find("metadata"); metadata != nullptr) {
    if (auto mismatch = schema::findTypeMismatch(object["metadata"], *metadata, "ObjectMeta"))
      return fail(Code::BadRequest, std::string(context) + *mismatch);
  }
  const std::vector<std::string> unknown = schema::prune(object, *known);
  if (unknown.empty() || call.fieldValidation == FieldValidation::Ignore) return {};
  if (call.fieldValidation == FieldValidation::Warn) {
    for (const std::string& path : unknown)
      call.warnings.push_back("unknown field \"" + path + "\"");
    return {};
  }
  std::string message = std::string(context) + "strict decoding error: ";
  for (std::size_t i = 0; i < unknown.size(); ++i)
    message += (i > 0 ? ", unknown field \"" : "unknown field \"") + unknown[i] + "\"";
  return fail(Code::BadRequest, message);
}

std::optional<Failure> Engine::checkNamespace(const Kind& kind, std::string_view namespaceName,
                                              std::string_view name) const {
  if (!kind.resource.namespaced) return std::nullopt;
  const ObjectPtr found = storage_.find("namespaces", {"", std::string(namespaceName)});
  if (found == nullptr) return notFound("", "namespaces", namespaceName);
  if (!kube::api::isBeingDeleted(found->value)) return std::nullopt;
  Failure failure =
      forbidden(kind.resource.group, kind.resource.plural, name,
                fmt::format("unable to create new content in namespace {} because it is being "
                            "terminated",
                            namespaceName));
  failure.details.set(
      "causes", Value::array({Value::object(
                    {{"reason", "NamespaceTerminating"},
                     {"message", fmt::format("namespace {} is being terminated", namespaceName)},
                     {"field", "metadata.namespace"}})}));
  return failure;
}

std::optional<Failure> Engine::validate(const Kind& kind, const Value& object,
                                        const Value* old) const {
  FieldErrors errors =
      kinds::validateMetadata(object, kind.strategy->nameRule, kind.resource.namespaced, old);
  const auto add = [&](FieldErrors more) {
    std::move(more.begin(), more.end(), std::back_inserter(errors));
  };
  if (kind.custom && kind.schema() != nullptr) {
    FieldErrors ofSchema = schema::validate(object, *kind.schema(), old);
    if (!kind.scale.isNull()) {
      // Before the remark that rules were not checked.
      const bool unchecked = !ofSchema.empty() && ofSchema.back().field == "<nil>" &&
                             ofSchema.back().detail.starts_with("some validation rules");
      const FieldErrors ofScale = checkScale(kind, object);
      ofSchema.insert(ofSchema.end() - (unchecked ? 1 : 0), ofScale.begin(), ofScale.end());
    }
    add(std::move(ofSchema));
  }
  if (kind.table == kCrdTable) add(checkCrdSchemas(object));
  if (kind.strategy->validate != nullptr) add(kind.strategy->validate(object));
  if (old != nullptr && kind.strategy->validateUpdate != nullptr)
    add(kind.strategy->validateUpdate(object, *old));
  if (errors.empty()) return std::nullopt;
  return invalid(kind.resource.group, kind.resource.kind, kube::api::nameOf(object), errors);
}

// Nobody may grant what they do not have (pkg/registry/rbac/*/policybased).
std::optional<Failure> Engine::checkEscalation(const Kind& kind, const Value& object,
                                               const Value& old, const Call& call) const {
  if (!isRbac(kind)) return std::nullopt;
  const std::string& plural = kind.resource.plural;
  const std::string namespaceName(kube::api::namespaceOf(object));
  auth::Attributes attributes{.user = call.user,
                              .verb = {},
                              .group = kind.resource.group,
                              .version = kind.resource.version,
                              .resource = plural,
                              .namespaceName = namespaceName,
                              .name = kube::api::keyOf(object).name};
  Value rules;
  if (plural == "roles" || plural == "clusterroles") {
    if (!old.isNull() && old["rules"] == object["rules"] &&
        old["aggregationRule"] == object["aggregationRule"])
      return std::nullopt;
    attributes.verb = "escalate";
    rules = object["rules"];
  } else {
    if (!old.isNull() && old["roleRef"] == object["roleRef"] &&
        old["subjects"] == object["subjects"])
      return std::nullopt;
    const Value& ref = object["roleRef"];
    const bool cluster = ref["kind"].asString() == "ClusterRole";
    attributes.verb = "bind";
    attributes.resource = cluster ? "clusterroles" : "roles";
    attributes.name = ref["name"].toString();
    const std::string table = kind.resource.group + "/" + attributes.resource;
    const ObjectPtr role = storage_.find(table, {cluster ? "" : namespaceName, attributes.name});
    if (authorizer_.authorize(attributes).allowed) return std::nullopt;
    if (role == nullptr) return notFound(kind.resource.group, attributes.resource, attributes.name);
    rules = role->value["rules"];
  }
  if (attributes.verb == "escalate" && authorizer_.authorize(attributes).allowed)
    return std::nullopt;
  std::string problem = authorizer_.findEscalation(call.user, namespaceName, rules, plural);
  if (problem.empty()) return std::nullopt;
  return forbidden(kind.resource.group, plural, kube::api::nameOf(object), problem);
}

Answer<Value> Engine::create(const Kind& kind, const std::string& namespaceName, Value object,
                             Call& call) {
  Value& metadata = object.edit("metadata");
  if (metadata.isNull()) metadata = Value::object();
  const std::string_view given = metadata["namespace"].asString();
  if (given.empty() && !namespaceName.empty()) metadata.set("namespace", namespaceName);
  if (!given.empty() && given != namespaceName) {
    return tl::unexpected(badRequest(
        "the namespace of the provided object does not match the namespace sent on the request"));
  }
  applyDefaults(kind, object);
  if (kind.terminating) {
    return tl::unexpected(
        forbidden(kind.resource.group, kind.resource.plural, kube::api::nameOf(object),
                  "create not allowed while custom resource definition is terminating"));
  }
  if (auto failure = checkNamespace(kind, namespaceName, kube::api::nameOf(object)))
    return tl::unexpected(std::move(*failure));
  for (const char* field :
       {"deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "creationTimestamp", "uid"})
    object.edit("metadata").erase(field);
  object = trackCreation(kind, std::move(object), call);
  const std::string base = object["metadata"]["generateName"].toString();
  if (!kube::api::nameOf(object).empty() || base.empty()) {
    ObjectKey key = kube::api::keyOf(object);
    return createNamed(kind, key, std::move(object), call);
  }
  Answer<Value> made = tl::unexpected(Failure());
  for (int attempt = 0; attempt < kNameAttempts; ++attempt) {
    Value named = object;
    named.edit("metadata").set("name", generateName(base));
    const ObjectKey key = kube::api::keyOf(named);
    made = createNamed(kind, key, std::move(named), call);
    if (made || made.error().reason != "AlreadyExists") return made;
  }
  made.error().retryAfterSeconds = 1;
  return made;
}

// Whose the fields of a new object are. What Go writes of an empty object is nobody's.
Value Engine::trackCreation(const Kind& kind, Value object, const Call& call) const {
  std::vector<Member> empty;
  if (!kind.custom && kind.strategy->applyDefaults != nullptr) {
    Value blank =
        Value::object({{"apiVersion", kind.resource.apiVersion()}, {"kind", kind.resource.kind}});
    kind.strategy->applyDefaults(blank);
    for (const Member& member : blank.members()) {
      const Value* value = object.find(member.key());
      if (value == nullptr || !isZero(*value) || *value != member.value) continue;
      empty.push_back(member);
      object.erase(member.key());
    }
  }
  object = schema::trackUpdate({}, object,
                               {.schema = kind.schema(),
                                .manager = call.fieldManager,
                                .apiVersion = kind.resource.apiVersion(),
                                .subresource = {},
                                .now = base::printTime(clock_.now()),
                                .resetFields = resetFieldsOf(kind, "")});
  for (const Member& member : empty) object.set(member.key(), member.value);
  return object;
}

Answer<Value> Engine::createNamed(const Kind& kind, const ObjectKey& key, Value object,
                                  Call& call) {
  const kube::api::Resource& resource = kind.resource;
  Value& metadata = object.edit("metadata");
  if (!metadata["resourceVersion"].asString().empty()) {
    return tl::unexpected(
        Failure{500, "", "resourceVersion should not be set on objects to be created", {}, 0});
  }
  for (const char* field :
       {"resourceVersion", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"})
    metadata.erase(field);
  metadata.set("uid", makeUid());
  metadata.set("creationTimestamp", base::printTime(clock_.now()));
  if (kind.custom || kind.strategy->hasGeneration) metadata.set("generation", 1);
  if (kind.custom && kind.hasStatus()) object.erase("status");
  if (kind.strategy->prepareForCreate != nullptr) kind.strategy->prepareForCreate(object);
  if (auto failure = allocate(kind, object, {})) return tl::unexpected(std::move(*failure));
  if (auto failure = validate(kind, object, nullptr)) return tl::unexpected(std::move(*failure));
  if (auto failure = checkEscalation(kind, object, {}, call))
    return tl::unexpected(std::move(*failure));
  if (admission_ != nullptr) {
    if (auto failure = admission_(kind, "CREATE", "", object, {}, call))
      return tl::unexpected(std::move(*failure));
  }
  if (call.dryRun) {
    if (storage_.find(kind.table, key) != nullptr)
      return tl::unexpected(alreadyExists(resource.group, resource.plural, key.name));
    return object;
  }
  if (kind.table == kCrdTable) {
    for (std::string& warning : unenforcedRules(object))
      call.warnings.push_back(std::move(warning));
  }
  const auto made = store(kind.table, key, nullptr, toStored(kind, std::move(object)));
  if (!made) {
    return tl::unexpected(made.error().isAlreadyExists()
                              ? alreadyExists(resource.group, resource.plural, key.name)
                              : internalError(made.error().message));
  }
  return present(kind, (*made)->value);
}

Answer<Value> Engine::update(const Kind& kind, const ObjectKey& key, std::string_view subresource,
                             Value object, Call& call, bool& created) {
  const kube::api::Resource& resource = kind.resource;
  created = false;
  Value& metadata = object.edit("metadata");
  if (metadata.isNull()) metadata = Value::object();
  if (auto failure = checkIdentity(key, object)) return tl::unexpected(std::move(*failure));
  if (metadata["namespace"].asString().empty() && !key.namespaceName.empty())
    metadata.set("namespace", key.namespaceName);
  const ObjectPtr stored = storage_.find(kind.table, key);
  if (stored == nullptr) {
    if (!kind.strategy->allowCreateOnUpdate || !subresource.empty())
      return tl::unexpected(notFound(resource.group, resource.plural, key.name));
    created = true;
    return create(kind, key.namespaceName, std::move(object), call);
  }
  const std::string version = metadata["resourceVersion"].toString();
  if (version.empty()) {
    if (kind.custom || !kind.strategy->allowUnconditionalUpdate) {
      return tl::unexpected(invalid(resource.group, resource.plural, key.name,
                                    {{FieldErrorType::Invalid, "metadata.resourceVersion", Value(0),
                                      "must be specified for an update"}}));
    }
  } else if (auto failure = checkVersion(kind, key, version, stored->version)) {
    return tl::unexpected(std::move(*failure));
  }
  const std::string_view uid = metadata["uid"].asString();
  if (!uid.empty() && uid != kube::api::uidOf(stored->value)) {
    return tl::unexpected(
        conflict(resource.group, resource.plural, key.name,
                 fmt::format("StorageError: invalid object, Code: 4, Key: /registry/{}/{}, "
                             "ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in "
                             "precondition: {}, UID in object meta: {}",
                             kind.table, key.print(), uid, kube::api::uidOf(stored->value))));
  }
  applyDefaults(kind, object);
  return replace(kind, key, subresource, stored, std::move(object), call, false);
}

Answer<Value> Engine::patch(const Kind& kind, const ObjectKey& key, std::string_view subresource,
                            PatchType type, const Value& patch, std::string_view patchText,
                            Call& call, bool& created) {
  created = false;
  const ObjectPtr stored = storage_.find(kind.table, key);
  if (stored == nullptr && (type != PatchType::Apply || !subresource.empty())) {
    return tl::unexpected(notFound(kind.resource.group, kind.resource.plural, key.name));
  }
  const Value live = stored == nullptr ? Value() : present(kind, stored->value);
  auto patched = applyPatch(kind, key, subresource, live, type, patch, patchText, call);
  if (!patched) return tl::unexpected(std::move(patched.error()));
  Value object = std::move(*patched);
  Value& metadata = object.edit("metadata");
  if (stored == nullptr) {
    created = true;
    if (!key.namespaceName.empty()) metadata.set("namespace", key.namespaceName);
    applyDefaults(kind, object);
    if (kind.terminating) {
      return tl::unexpected(
          forbidden(kind.resource.group, kind.resource.plural, key.name,
                    "create not allowed while custom resource definition is terminating"));
    }
    if (auto failure = checkNamespace(kind, key.namespaceName, key.name))
      return tl::unexpected(std::move(*failure));
    return createNamed(kind, key, std::move(object), call);
  }
  const std::string version = metadata["resourceVersion"].toString();
  if (!version.empty() && version != kube::api::resourceVersionOf(live)) {
    if (auto failure = checkVersion(kind, key, version, stored->version))
      return tl::unexpected(std::move(*failure));
  }
  applyDefaults(kind, object);
  return replace(kind, key, subresource, stored, std::move(object), call, type == PatchType::Apply);
}

Answer<Value> Engine::replace(const Kind& kind, const ObjectKey& key, std::string_view subresource,
                              const ObjectPtr& stored, Value object, Call& call, bool isApply) {
  const kube::api::Resource& resource = kind.resource;
  const Value live = present(kind, stored->value);
  if (!isApply) {
    object = schema::trackUpdate(live, object,
                                 {.schema = kind.schema(),
                                  .manager = call.fieldManager,
                                  .apiVersion = resource.apiVersion(),
                                  .subresource = std::string(subresource),
                                  .now = base::printTime(clock_.now()),
                                  .resetFields = resetFieldsOf(kind, subresource)});
  }
  if (subresource == "status") {
    Value status = object["status"];
    Value metadata = object["metadata"];
    object = live;
    if (status.isNull()) {
      object.erase("status");
    } else {
      object.set("status", std::move(status));
    }
    if (kind.custom) {
      carry(object.edit("metadata"), metadata, "managedFields");
    } else {
      object.set("metadata", std::move(metadata));
    }
  } else if (subresource == "finalize") {
    const Value finalizers = object["spec"]["finalizers"];
    object = live;
    object.edit("spec").set("finalizers", finalizers);
  } else if (kind.hasStatus()) {
    if (const Value* status = live.find("status")) {
      object.set("status", *status);
    } else {
      object.erase("status");
    }
  }
  Value& metadata = object.edit("metadata");
  for (const char* field : kCarriedMetadata) carry(metadata, live["metadata"], field);
  if (metadata["uid"].asString().empty()) metadata.set("uid", live["metadata"]["uid"]);
  if (metadata["uid"] != live["metadata"]["uid"]) {
    return tl::unexpected(invalid(
        resource.group, resource.kind, key.name,
        {{FieldErrorType::Invalid, "metadata.uid", metadata["uid"], "field is immutable"}}));
  }
  metadata.set("resourceVersion", live["metadata"]["resourceVersion"]);
  if (kind.custom || kind.strategy->hasGeneration) carry(metadata, live["metadata"], "generation");
  if (kind.strategy->prepareForUpdate != nullptr && subresource.empty())
    kind.strategy->prepareForUpdate(object, live);
  if (auto failure = allocate(kind, object, live)) return tl::unexpected(std::move(*failure));
  if (kind.custom ? differsInContent(object, live, !kind.hasStatus())
                  : kind.strategy->hasGeneration && object["spec"] != live["spec"]) {
    object.edit("metadata").set("generation", kube::api::generationOf(live) + 1);
  }
  object = schema::keepTimes(live, object);
  if (object == live) return live;
  if (auto failure = validate(kind, object, &live)) return tl::unexpected(std::move(*failure));
  if (auto failure = checkEscalation(kind, object, live, call))
    return tl::unexpected(std::move(*failure));
  if (admission_ != nullptr) {
    if (auto failure = admission_(kind, "UPDATE", subresource, object, live, call))
      return tl::unexpected(std::move(*failure));
  }
  if (call.dryRun) return object;
  const bool goes =
      isReadyToGo(object) && (!isNamespace(kind) || object["spec"]["finalizers"].empty());
  if (goes) {
    const auto removed = erase(kind.table, key, stored);
    if (!removed) return tl::unexpected(internalError(removed.error().message));
    return object;
  }
  const auto written = store(kind.table, key, stored, toStored(kind, std::move(object)));
  if (!written) return tl::unexpected(internalError(written.error().message));
  return present(kind, (*written)->value);
}

Status Engine::write(std::string_view table, const ObjectKey& key,
                     const std::function<Value(const Value& stored)>& change) {
  const ObjectPtr stored = storage_.find(table, key);
  Value object = change(stored == nullptr ? Value() : stored->value);
  if (stored != nullptr) {
    if (object == stored->value) return {};
    if (isReadyToGo(object) && (table != "namespaces" || object["spec"]["finalizers"].empty())) {
      RETURN_IF_ERROR(erase(table, key, stored));
      return {};
    }
    RETURN_IF_ERROR(store(table, key, stored, std::move(object)));
    return {};
  }
  if (object.isNull()) return {};
  Value& metadata = object.edit("metadata");
  metadata.set("uid", makeUid());
  metadata.set("creationTimestamp", base::printTime(clock_.now()));
  RETURN_IF_ERROR(store(table, key, nullptr, std::move(object)));
  return {};
}

Result<ObjectPtr> Engine::store(std::string_view table, const ObjectKey& key,
                                const ObjectPtr& before, Value object) {
  ASSIGN_OR_RETURN(ObjectPtr after,
                   before == nullptr
                       ? storage_.create(table, key, std::move(object))
                       : storage_.update(table, key, before->version, std::move(object)));
  for (const Listener& listener : listeners_) listener(table, before, after);
  return after;
}

Result<ObjectPtr> Engine::erase(std::string_view table, const ObjectKey& key,
                                const ObjectPtr& before) {
  ASSIGN_OR_RETURN(ObjectPtr last, storage_.remove(table, key, before->version));
  for (const Listener& listener : listeners_) listener(table, before, nullptr);
  return last;
}

}  // namespace iop::apiserver
