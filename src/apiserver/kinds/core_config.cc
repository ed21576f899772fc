// ConfigMaps, Secrets, ServiceAccounts, Namespaces, ResourceQuotas and LimitRanges
// (pkg/registry/core, pkg/apis/core/validation/validation.go).

#include <algorithm>
#include <set>

#include "apiserver/kinds/internal/go_zero.h"
#include "apiserver/kinds/internal/names.h"
#include "apiserver/kinds/internal/pod.h"
#include "apiserver/kinds/internal/quantity.h"
#include "apiserver/kinds/internal/strategies.h"
#include "text/base64.h"
#include "text/json.h"

namespace iop::apiserver::kinds::internal {
namespace {

constexpr std::size_t kMaxData = 1024 * 1024;

// ---- ConfigMaps ----

// Bytes that base64 text stands for.
std::size_t decodedSize(std::string_view text) {
  std::size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  return text.size() / 4 * 3 - padding;
}

FieldErrors validateConfigMap(const Value& map) {
  Errors errors;
  const Path root, data = root["data"], binary = root["binaryData"];
  std::size_t size = 0;
  for (const Member& entry : map["data"].members()) {
    const Path at = data.key(entry.key());
    errors.invalid(at, entry.name, checkConfigKey(entry.key()));
    if (map["binaryData"].contains(entry.key()))
      errors.invalid(at, entry.name, "duplicate of key present in binaryData");
    size += entry.value.size();
  }
  for (const Member& entry : map["binaryData"].members()) {
    errors.invalid(binary.key(entry.key()), entry.name, checkConfigKey(entry.key()));
    size += decodedSize(entry.value.asString());
  }
  // The API server names the whole object with an empty key.
  if (size > kMaxData) errors.tooLong(root.key(""), kMaxData);
  return errors.take();
}

// What `immutable: true` forbids.
void checkImmutableData(Errors& errors, const Value& object, const Value& old,
                        std::initializer_list<const char*> fields) {
  if (!old["immutable"].asBool()) return;
  const Path root;
  const std::string why = "field is immutable when `immutable` is set";
  if (!object["immutable"].asBool()) errors.forbidden(root["immutable"], why);
  for (const char* field : fields) {
    if (object[field] != old[field]) errors.forbidden(root[field], why);
  }
}

FieldErrors validateConfigMapUpdate(const Value& map, const Value& old) {
  Errors errors;
  checkImmutableData(errors, map, old, {"data", "binaryData"});
  return errors.take();
}

// ---- Secrets ----

void mergeStringData(Value& secret) {
  const Value* found = secret.find("stringData");
  if (found == nullptr) return;
  const Value texts = *found;
  secret.erase("stringData");
  if (texts.empty()) return;
  Value& data = secret.edit("data");
  if (!data.isObject()) data = Value::object();
  for (const Member& entry : texts.members())
    data.set(entry.key(), text::encodeBase64(entry.value.asString()));
}

void applySecretDefaults(Value& secret) {
  dropZeroValues(secret);
  mergeStringData(secret);
  setDefault(secret, "type", "Opaque");
}

// What the keys of a type must be.
struct SecretKeys {
  std::string_view type;
  std::string_view keys[2];
  bool anyOf = false;  // one of them is enough
  bool isJson = false;
  bool notEmpty = false;
};
constexpr SecretKeys kSecretKeys[] = {
    {"kubernetes.io/dockercfg", {".dockercfg"}, false, true, false},
    {"kubernetes.io/dockerconfigjson", {".dockerconfigjson"}, false, true, false},
    {"kubernetes.io/basic-auth", {"username", "password"}, true, false, false},
    {"kubernetes.io/ssh-auth", {"ssh-privatekey"}, false, false, true},
    {"kubernetes.io/tls", {"tls.crt", "tls.key"}, false, false, false}};

void checkJsonKey(Errors& errors, const Path& path, const Value& encoded) {
  const auto bytes = text::decodeBase64(encoded.asString());
  const auto parsed = text::parseJson(bytes.value_or(""));
  if (parsed) {
    if (parsed->isObject() || parsed->isNull()) return;
    errors.invalid(path, "<secret contents redacted>",
                   "json: cannot unmarshal " +
                       std::string(parsed->isString()  ? "string"
                                   : parsed->isArray() ? "array"
                                   : parsed->isBool()  ? "bool"
                                                       : "number") +
                       " into Go value of type map[string]interface {}");
    return;
  }
  errors.invalid(path, "<secret contents redacted>", parsed.error().message);
}

FieldErrors validateSecret(const Value& secret) {
  Errors errors;
  const Path root, data = root["data"];
  std::size_t size = 0;
  for (const Member& entry : secret["data"].members()) {
    errors.invalid(data.key(entry.key()), entry.name, checkConfigKey(entry.key()));
    size += decodedSize(entry.value.asString());
  }
  if (size > kMaxData) errors.tooLong(data, kMaxData);
  const std::string_view type = secret["type"].asString();
  if (type == "kubernetes.io/service-account-token") {
    constexpr std::string_view kAccount = "kubernetes.io/service-account.name";
    if (secret["metadata"]["annotations"][kAccount].asString().empty()) {
      const Path annotations = root["metadata.annotations"];
      errors.required(annotations.key(kAccount));
    }
    return errors.take();
  }
  for (const SecretKeys& rule : kSecretKeys) {
    if (rule.type != type) continue;
    bool hasAny = false;
    for (const std::string_view key : rule.keys)
      hasAny = hasAny || (!key.empty() && secret["data"].contains(key));
    for (const std::string_view key : rule.keys) {
      if (key.empty() || (rule.anyOf && hasAny)) continue;
      const Value* value = secret["data"].find(key);
      if (value == nullptr || (rule.notEmpty && value->empty())) {
        errors.required(data.key(key));
      } else if (rule.isJson) {
        checkJsonKey(errors, data.key(key), *value);
      }
    }
  }
  return errors.take();
}

void prepareSecretForUpdate(Value& secret, const Value& old) {
  if (secret["type"].asString().empty()) secret.set("type", old["type"]);
}

FieldErrors validateSecretUpdate(const Value& secret, const Value& old) {
  Errors errors;
  const Path root;
  checkImmutable(errors, root["type"], secret["type"], old["type"]);
  checkImmutableData(errors, secret, old, {"data"});
  return errors.take();
}

// ---- Namespaces ----

void applyNamespaceDefaults(Value& space) {
  dropZeroValues(space);
  const std::string_view name = space["metadata"]["name"].asString();
  if (name.empty()) return;
  constexpr std::string_view kLabel = "kubernetes.io/metadata.name";
  const Value& labels = space["metadata"]["labels"];
  if (labels[kLabel].asString() == name) return;
  const std::string copy(name);
  Value& changed = space.edit("metadata").edit("labels");
  if (!changed.isObject()) changed = Value::object();
  changed.set(kLabel, copy);
}

void prepareNamespaceForCreate(Value& space) {
  applyNamespaceDefaults(space);  // the name of a generateName is known only now
  space.set("status", Value::object({{"phase", "Active"}}));
  const auto finalizers = space["spec"]["finalizers"].items();
  const auto isOurs = [](const Value& each) { return each.asString() == "kubernetes"; };
  if (std::none_of(finalizers.begin(), finalizers.end(), isOurs)) {
    Value& list = space.edit("spec").edit("finalizers");
    if (!list.isArray()) list = Value::array();
    list.push("kubernetes");
  }
}

void prepareNamespaceForUpdate(Value& space, const Value& old) { space.set("spec", old["spec"]); }

FieldErrors validateNamespace(const Value& space) {
  Errors errors;
  const Path root, path = root["spec.finalizers"];
  for (const Value& finalizer : space["spec"]["finalizers"].items()) {
    const std::string_view name = finalizer.asString();
    const Messages wrong = checkQualifiedName(name);
    errors.invalid(path, name, wrong);
    if (wrong.empty() && name.find('/') == std::string_view::npos && name != "kubernetes" &&
        name != "orphan" && name != "foregroundDeletion") {
      errors.invalid(path, name,
                     "name is neither a standard finalizer name nor is it fully qualified");
    }
  }
  return errors.take();
}

// ---- ResourceQuotas ----

void initialiseQuotaStatus(Value& quota) { quota.set("status", Value::object()); }

void applyQuotaDefaults(Value& quota) {
  dropZeroValues(quota);
  for (const char* part : {"spec", "status"}) {
    if (quota[part].isObject()) {
      makeAllCanonical(quota.edit(part), "hard");
      makeAllCanonical(quota.edit(part), "used");
    }
  }
}

void checkQuotaResourceName(Errors& errors, const Path& path, std::string_view name) {
  static constexpr std::string_view kStandard[] = {"cpu",
                                                   "memory",
                                                   "ephemeral-storage",
                                                   "requests.cpu",
                                                   "requests.memory",
                                                   "requests.storage",
                                                   "requests.ephemeral-storage",
                                                   "limits.cpu",
                                                   "limits.memory",
                                                   "limits.ephemeral-storage",
                                                   "pods",
                                                   "resourcequotas",
                                                   "services",
                                                   "replicationcontrollers",
                                                   "secrets",
                                                   "persistentvolumeclaims",
                                                   "configmaps",
                                                   "services.nodeports",
                                                   "services.loadbalancers"};
  checkResourceName(errors, path, name);
  if (name.find('/') == std::string_view::npos && !isOneOf(name, kStandard) &&
      !name.starts_with("hugepages-") && !name.starts_with("requests.hugepages-"))
    errors.invalid(path, name, "must be a standard resource for quota");
}

bool isIntegerResource(std::string_view name) {
  static constexpr std::string_view kIntegers[] = {"pods",
                                                   "resourcequotas",
                                                   "services",
                                                   "replicationcontrollers",
                                                   "secrets",
                                                   "configmaps",
                                                   "persistentvolumeclaims",
                                                   "services.nodeports",
                                                   "services.loadbalancers"};
  return isOneOf(name, kIntegers) || name.starts_with("count/");
}

FieldErrors validateQuota(const Value& quota) {
  static constexpr std::string_view kScopes[] = {
      "Terminating",          "NotTerminating", "BestEffort",
      "NotBestEffort",        "PriorityClass",  "CrossNamespacePodAffinity",
      "VolumeAttributesClass"};
  Errors errors;
  const Path root, path = root["spec"], hard = path["hard"], scopes = path["scopes"];
  const Value& spec = quota["spec"];
  for (const Member& entry : spec["hard"].members()) {
    const Path at = hard.key(entry.key());
    checkQuotaResourceName(errors, at, entry.key());
    const Quantity amount = quantityOf(entry.value);
    if (amount.nano < 0) errors.invalid(at, entry.value, std::string(kNotNegative));
    if (isIntegerResource(entry.key()) && !amount.isWhole())
      errors.invalid(at, entry.value, "must be an integer");
  }
  std::set<std::string_view> names;
  for (const Value& scope : spec["scopes"].items()) {
    if (!isOneOf(scope.asString(), kScopes))
      errors.invalid(scopes, spec["scopes"], "unsupported scope");
    names.insert(scope.asString());
  }
  static constexpr std::pair<std::string_view, std::string_view> kConflicts[] = {
      {"BestEffort", "NotBestEffort"}, {"Terminating", "NotTerminating"}};
  for (const auto& [one, other] : kConflicts) {
    if (names.contains(one) && names.contains(other))
      errors.invalid(scopes, spec["scopes"], "conflicting scopes");
  }
  return errors.take();
}

FieldErrors validateQuotaUpdate(const Value& quota, const Value& old) {
  Errors errors;
  const Path root;
  checkImmutable(errors, root["spec.scopes"], quota["spec"]["scopes"], old["spec"]["scopes"]);
  return errors.take();
}

// ---- LimitRanges ----

constexpr const char* kLimitMaps[] = {"max", "min", "default", "defaultRequest",
                                      "maxLimitRequestRatio"};

void applyLimitRangeDefaults(Value& range) {
  dropZeroValues(range);
  const std::size_t size = range["spec"]["limits"].size();
  for (std::size_t i = 0; i < size; ++i) {
    if (!range["spec"]["limits"].at(i).isObject()) continue;
    Value& item = range.edit("spec").edit("limits").editItem(i);
    for (const char* map : kLimitMaps) {
      if (item.contains(map) && isZero(item[map])) item.erase(map);
      makeAllCanonical(item, map);
    }
    if (item["type"].asString() != "Container") continue;
    const auto copy = [&](const char* to, const char* from) {
      for (const Member& entry : Value(item[from]).members()) {
        if (item[to].contains(entry.key())) continue;
        Value& target = item.edit(to);
        if (!target.isObject()) target = Value::object();
        target.set(entry.key(), entry.value);
      }
    };
    copy("default", "max");
    copy("defaultRequest", "default");
    copy("defaultRequest", "min");
  }
}

// The bounds of one resource of a limit: each must lie between those before it.
void checkLimitBounds(Errors& errors, const Path& at, const Value& item, std::string_view name) {
  const Path minPath = at["min"], requestPath = at["defaultRequest"], defaultPath = at["default"],
             ratioPath = at["maxLimitRequestRatio"];
  const Value &max = item["max"][name], &min = item["min"][name],
              &request = item["defaultRequest"][name], &standard = item["default"][name],
              &ratio = item["maxLimitRequestRatio"][name];
  const auto isAbove = [](const Value& a, const Value& b) {
    return !a.isNull() && !b.isNull() && quantityOf(a).nano > quantityOf(b).nano;
  };
  const auto say = [](std::string_view what, const Value& a, std::string_view than,
                      const Value& b) {
    return std::string(what) + " value " + a.toString() + " is greater than " + std::string(than) +
           " value " + b.toString();
  };
  if (isAbove(min, max)) errors.invalid(minPath.key(name), min, say("min", min, "max", max));
  if (isAbove(min, request))
    errors.invalid(requestPath.key(name), request, say("min", min, "default request", request));
  if (isAbove(request, max))
    errors.invalid(requestPath.key(name), request, say("default request", request, "max", max));
  if (isAbove(request, standard))
    errors.invalid(requestPath.key(name), request,
                   say("default request", request, "default", standard));
  if (isAbove(min, standard))
    errors.invalid(defaultPath.key(name), min, say("min", min, "default", standard));
  if (isAbove(standard, max))
    errors.invalid(defaultPath.key(name), max, say("default", standard, "max", max));
  if (!ratio.isNull() && quantityOf(ratio).nano < Quantity{1'000'000'000}.nano)
    errors.invalid(ratioPath.key(name), ratio, "ratio " + ratio.toString() + " is less than 1");
}

FieldErrors validateLimitRange(const Value& range) {
  Errors errors;
  const Path root, path = root["spec.limits"];
  std::set<std::string_view> types;
  const Value& limits = range["spec"]["limits"];
  for (std::size_t i = 0; i < limits.size(); ++i) {
    const Value& item = limits.at(i);
    const Path at = path[i];
    const std::string_view type = item["type"].asString();
    const Messages wrong = checkQualifiedName(type);
    errors.invalid(at["type"], type, wrong);
    static constexpr std::string_view kTypes[] = {"Pod", "Container", "PersistentVolumeClaim"};
    if (wrong.empty() && type.find('/') == std::string_view::npos && !isOneOf(type, kTypes))
      errors.invalid(at["type"], type, "must be a standard limit type or fully qualified");
    if (!types.insert(type).second) errors.duplicate(at["type"], type);
    if (type == "Pod") {
      for (const char* field : {"default", "defaultRequest"}) {
        if (!item[field].empty())
          errors.forbidden(at[field], "may not be specified when `type` is 'Pod'");
      }
    }
    if (type == "PersistentVolumeClaim" && !item["min"].contains("storage") &&
        !item["max"].contains("storage")) {
      errors.required(at["limits"],
                      "either minimum or maximum storage value is required, but neither was "
                      "provided");
    }
    std::set<std::string_view> names;
    for (const char* map : kLimitMaps) {
      for (const Member& entry : item[map].members()) names.insert(entry.key());
    }
    for (const std::string_view name : names) checkLimitBounds(errors, at, item, name);
  }
  return errors.take();
}

}  // namespace

constinit const Strategy kConfigMaps{.applyDefaults = dropZeroValues,
                                     .validate = validateConfigMap,
                                     .validateUpdate = validateConfigMapUpdate};

constinit const Strategy kSecrets{.applyDefaults = applySecretDefaults,
                                  .prepareForUpdate = prepareSecretForUpdate,
                                  .validate = validateSecret,
                                  .validateUpdate = validateSecretUpdate};

constinit const Strategy kServiceAccounts{.applyDefaults = dropZeroValues,
                                          .returnsDeletedObject = true};

constinit const Strategy kNamespaces{.applyDefaults = applyNamespaceDefaults,
                                     .prepareForCreate = prepareNamespaceForCreate,
                                     .prepareForUpdate = prepareNamespaceForUpdate,
                                     .validate = validateNamespace,
                                     .returnsDeletedObject = true,
                                     .nameRule = Strategy::NameRule::Label};

constinit const Strategy kResourceQuotas{.applyDefaults = applyQuotaDefaults,
                                         .prepareForCreate = initialiseQuotaStatus,
                                         .validate = validateQuota,
                                         .validateUpdate = validateQuotaUpdate,
                                         .returnsDeletedObject = true};

constinit const Strategy kLimitRanges{.applyDefaults = applyLimitRangeDefaults,
                                      .validate = validateLimitRange};

}  // namespace iop::apiserver::kinds::internal
