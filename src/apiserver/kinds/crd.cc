// CustomResourceDefinitions but for their schemas (apiextensions-apiserver,
// pkg/apis/apiextensions/validation/validation.go and v1/defaults.go).

#include <algorithm>
#include <set>

#include "apiserver/kinds/internal/go_zero.h"
#include "apiserver/kinds/internal/names.h"
#include "apiserver/kinds/internal/strategies.h"

namespace iop::apiserver::kinds::internal {
namespace {

constexpr std::string_view kApproved = "api-approved.kubernetes.io";

std::string lowerOf(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

void applyCrdDefaults(Value& crd) {
  // An empty list of versions is told from none.
  const bool hasVersions = crd["spec"]["versions"].isArray();
  dropZeroValues(crd);
  Value& spec = crd.edit("spec");
  if (!spec.isNull() && !spec.isObject()) return;
  if (spec["preserveUnknownFields"].isBool() && !spec["preserveUnknownFields"].asBool())
    spec.erase("preserveUnknownFields");
  if (hasVersions && !spec.contains("versions")) spec.set("versions", Value::array());
  Value& names = spec.edit("names");
  if (names.isNull() || names.isObject()) {
    const std::string kind = names["kind"].toString();
    if (!kind.empty()) {
      setDefault(names, "singular", lowerOf(kind));
      setDefault(names, "listKind", kind + "List");
    }
  }
  Value& conversion = spec.edit("conversion");
  if (conversion.isNull() || conversion.isObject()) {
    setDefault(conversion, "strategy", "None");
    if (conversion["webhook"]["clientConfig"]["service"].isObject())
      setDefault(conversion.edit("webhook").edit("clientConfig").edit("service"), "port", 443);
  }
  for (std::size_t i = 0; i < spec["versions"].size(); ++i) {
    const std::size_t columns = spec["versions"].at(i)["additionalPrinterColumns"].size();
    for (std::size_t k = 0; k < columns; ++k) {
      const Value* priority =
          spec["versions"].at(i)["additionalPrinterColumns"].at(k).find("priority");
      if (priority != nullptr && isZero(*priority))
        spec.edit("versions")
            .editItem(i)
            .edit("additionalPrinterColumns")
            .editItem(k)
            .erase("priority");
    }
  }
}

std::string_view storageVersionOf(const Value& crd) {
  for (const Value& version : crd["spec"]["versions"].items()) {
    if (version["storage"].asBool()) return version["name"].asString();
  }
  return {};
}

// The version that is stored from now on joins those that may be stored.
void addStoredVersion(Value& crd) {
  const std::string name(storageVersionOf(crd));
  if (name.empty()) return;
  const auto stored = crd["status"]["storedVersions"].items();
  if (std::any_of(stored.begin(), stored.end(),
                  [&](const Value& each) { return each.asString() == name; }))
    return;
  Value& list = crd.edit("status").edit("storedVersions");
  if (!list.isArray()) list = Value::array();
  list.push(name);
}

void prepareCrdForCreate(Value& crd) {
  crd.set("status", Value::object({{"acceptedNames", Value::object({{"kind", ""}, {"plural", ""}})},
                                   {"conditions", nullptr},
                                   {"storedVersions", Value::array()}}));
  // Only the first one: two storage versions are refused.
  const auto versions = crd["spec"]["versions"].items();
  if (std::any_of(versions.begin(), versions.end(),
                  [](const Value& version) { return version["storage"].asBool(); })) {
    addStoredVersion(crd);
  }
}

void prepareCrdForUpdate(Value& crd, const Value&) { addStoredVersion(crd); }

void checkNames(Errors& errors, const Path& path, const Value& names) {
  struct Field {
    const char* name;
    bool mixedCase;
  };
  static constexpr Field kFields[] = {
      {"plural", false}, {"singular", false}, {"kind", true}, {"listKind", true}};
  for (const auto& [field, mixedCase] : kFields) {
    const std::string_view text = names[field].asString();
    if (text.empty()) {
      errors.required(path[field]);
      continue;
    }
    for (const std::string& message : checkDnsLabel1035(mixedCase ? lowerOf(text) : text)) {
      errors.invalid(
          path[field], text,
          (mixedCase ? "may have mixed case, but should otherwise match: " : "") + message);
    }
  }
  for (const char* list : {"shortNames", "categories"}) {
    const Path at = path[list];
    for (std::size_t i = 0; i < names[list].size(); ++i) {
      const std::string_view text = names[list].at(i).asString();
      errors.invalid(at[i], text, checkDnsLabel1035(text));
    }
  }
  if (!names["kind"].asString().empty() && names["kind"] == names["listKind"])
    errors.invalid(path["listKind"], names["listKind"], "kind and listKind may not be the same");
}

bool isJsonPath(std::string_view text) { return text.starts_with('.'); }

void checkScale(Errors& errors, const Path& path, const Value& scale) {
  struct Field {
    const char* name;
    std::string_view below;
    bool required;
  };
  static constexpr Field kFields[] = {{"specReplicasPath", ".spec.", true},
                                      {"statusReplicasPath", ".status.", true},
                                      {"labelSelectorPath", "", false}};
  for (const auto& [field, below, required] : kFields) {
    const std::string_view text = scale[field].asString();
    const Path at = path[field];
    if (text.empty()) {
      if (required) errors.required(at);
    } else if (!isJsonPath(text)) {
      errors.invalid(at, text, "must be a simple json path starting with .");
    } else if (below.empty() ? !text.starts_with(".status.") && !text.starts_with(".spec.")
                             : !text.starts_with(below)) {
      errors.invalid(at, text,
                     below.empty() ? "should be a json path under either .status or .spec"
                                   : "should be a json path under " +
                                         std::string(below.substr(0, below.size() - 1)));
    }
  }
}

void checkColumns(Errors& errors, const Path& path, const Value& columns) {
  static constexpr std::string_view kTypes[] = {"boolean", "date", "integer", "number", "string"};
  static constexpr std::string_view kFormats[] = {"byte",  "date",  "date-time", "double",
                                                  "float", "int32", "int64",     "password"};
  const auto join = [](Choices choices) {
    std::string out;
    for (const std::string_view choice : choices)
      out += (out.empty() ? "" : ",") + std::string(choice);
    return out;
  };
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const Value& column = columns.at(i);
    const Path at = path[i];
    const std::string_view type = column["type"].asString();
    const std::string_view format = column["format"].asString();
    if (column["name"].asString().empty()) errors.required(at["name"]);
    if (type.empty()) {
      errors.required(at["type"], "must be one of " + join(kTypes));
    } else if (!isOneOf(type, kTypes)) {
      errors.invalid(at["type"], type, "must be one of " + join(kTypes));
    }
    if (!format.empty() && !isOneOf(format, kFormats))
      errors.invalid(at["format"], format, "must be one of " + join(kFormats));
    const std::string_view jsonPath = column["jsonPath"].asString();
    if (jsonPath.empty()) {
      errors.required(at["JSONPath"]);
    } else if (!isJsonPath(jsonPath)) {
      errors.invalid(at["JSONPath"], jsonPath, "must be a simple json path starting with .");
    }
  }
}

// Inside, what all versions have alike is a field of the whole definition: errors name that.
void checkPerVersion(Errors& errors, const Path& spec, const Value& versions, const char* field,
                     const char* inner, void (*check)(Errors&, const Path&, const Value&)) {
  const auto valueOf = [&](const Value& version) -> const Value& {
    return inner != nullptr ? version[field][inner] : version[field];
  };
  const auto checkAt = [&](const Path& parent, const Value& value) {
    if (value.isNull()) return;
    const Path at = parent[field];
    if (inner == nullptr) {
      check(errors, at, value);
    } else {
      check(errors, at[inner], value);
    }
  };
  const auto list = versions.items();
  if (std::all_of(list.begin(), list.end(),
                  [&](const Value& each) { return each[field] == list.front()[field]; })) {
    if (!list.empty()) checkAt(spec, valueOf(list.front()));
    return;
  }
  const Path path = spec["versions"];
  for (std::size_t i = 0; i < versions.size(); ++i) checkAt(path[i], valueOf(versions.at(i)));
}

void checkVersions(Errors& errors, const Path& path, const Value& versions) {
  const Path list = path["versions"];
  std::size_t storage = 0;
  bool isUnique = true;
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < versions.size(); ++i) {
    const Value& version = versions.at(i);
    const Path at = list[i];
    const std::string_view name = version["name"].asString();
    if (version["storage"].asBool()) ++storage;
    isUnique = names.insert(name).second && isUnique;
    errors.invalid(at["name"], name, checkDnsLabel1035(name));
    if (!version["deprecationWarning"].isNull()) {
      const Value& warning = version["deprecationWarning"];
      if (!version["deprecated"].asBool())
        errors.invalid(at["deprecationWarning"], warning,
                       "can only be set for deprecated versions");
      if (warning.size() > 256)
        errors.invalid(at["deprecationWarning"], warning, "must be <= 256 UTF-8 encoded bytes");
      if (warning.empty())
        errors.invalid(at["deprecationWarning"], warning, "must not be empty string");
    }
    if (version["schema"]["openAPIV3Schema"].isNull()) {
      const Path schema = at["schema"];
      errors.required(schema["openAPIV3Schema"]);
    }
  }
  if (!isUnique) errors.invalid(list, versions, "must contain unique version names");
  if (storage != 1)
    errors.invalid(list, versions, "must have exactly one version marked as storage version");
}

void checkConversion(Errors& errors, const Path& path, const Value& conversion) {
  static constexpr std::string_view kStrategies[] = {"None", "Webhook"};
  const std::string_view strategy = conversion["strategy"].asString();
  const Value& webhook = conversion["webhook"];
  const Path client = path["webhookClientConfig"], versions = path["conversionReviewVersions"];
  if (strategy.empty()) {
    errors.required(path["strategy"]);
  } else {
    checkChoice(errors, path["strategy"], conversion["strategy"], kStrategies);
  }
  if (strategy == "Webhook") {
    const Value& config = webhook["clientConfig"];
    const bool hasUrl = config["url"].isString(), hasService = config["service"].isObject();
    if (!config.isObject()) {
      errors.required(client, "required when strategy is set to Webhook");
    } else if (hasUrl == hasService) {
      errors.required(client, "exactly one of url or service is required");
    } else if (hasUrl && !config["url"].asString().starts_with("https://")) {
      errors.invalid(client["url"], config["url"],
                     "'https' is the only allowed URL scheme; desired format: "
                     "https://host[:port]/path");
    }
    if (webhook["conversionReviewVersions"].empty()) errors.required(versions);
    return;
  }
  if (webhook["clientConfig"].isObject())
    errors.forbidden(client, "should not be set when strategy is not set to Webhook");
  if (!webhook["conversionReviewVersions"].empty())
    errors.forbidden(versions, "should not be set when strategy is not set to Webhook");
}

bool isProtectedGroup(std::string_view group) {
  return group == "k8s.io" || group == "kubernetes.io" || group.ends_with(".k8s.io") ||
         group.ends_with(".kubernetes.io");
}

FieldErrors validateCrd(const Value& crd) {
  static constexpr std::string_view kScopes[] = {"Cluster", "Namespaced"};
  Errors errors;
  const Path root, path = root["spec"];
  const Value& spec = crd["spec"];
  const std::string_view group = spec["group"].asString();
  const std::string_view name = crd["metadata"]["name"].asString();
  if (name != spec["names"]["plural"].toString() + "." + std::string(group))
    errors.invalid(root["metadata.name"], name, "must be spec.names.plural+\".\"+spec.group");
  if (isProtectedGroup(group) && crd["metadata"]["annotations"][kApproved].asString().empty()) {
    const Path annotations = root["metadata.annotations"];
    errors.required(annotations.key(kApproved),
                    "protected groups must have approval annotation "
                    "\"api-approved.kubernetes.io\", see "
                    "https://github.com/kubernetes/enhancements/pull/1111");
  }
  if (group.empty()) {
    errors.required(path["group"]);
  } else if (const Messages wrong = checkDnsSubdomain(group); !wrong.empty()) {
    errors.invalid(path["group"], group, wrong);
  } else if (group.find('.') == std::string_view::npos) {
    errors.invalid(path["group"], group, "should be a domain with at least one dot");
  }
  if (spec["scope"].asString().empty()) {
    errors.required(path["scope"]);
  } else {
    checkChoice(errors, path["scope"], spec["scope"], kScopes);
  }
  if (spec["preserveUnknownFields"].asBool()) {
    errors.invalid(path["preserveUnknownFields"], true,
                   "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in "
                   "spec.versions[*].schema instead");
  }
  const Value& versions = spec["versions"];
  checkVersions(errors, path, versions);
  // Inside, the first version's name is a field of its own.
  if (!versions.empty()) {
    const std::string_view first = versions.at(0)["name"].asString();
    errors.invalid(path["version"], first, checkDnsLabel1035(first));
  }
  checkNames(errors, path["names"], spec["names"]);
  checkConversion(errors, path["conversion"], spec["conversion"]);
  checkPerVersion(errors, path, versions, "additionalPrinterColumns", nullptr, checkColumns);
  checkPerVersion(errors, path, versions, "subresources", "scale", checkScale);
  const Path stored = root["status.storedVersions"];
  const Value& list = crd["status"]["storedVersions"];
  if (list.empty()) {
    errors.invalid(stored, nullptr, "must have at least one stored version");
    return errors.take();
  }
  for (const Value& version : versions.items()) {
    const auto items = list.items();
    if (version["storage"].asBool() &&
        std::find(items.begin(), items.end(), version["name"]) == items.end())
      errors.invalid(stored, list, "must have the storage version " + version["name"].toString());
  }
  for (std::size_t i = 0; i < list.size(); ++i) {
    const auto items = versions.items();
    if (std::none_of(items.begin(), items.end(),
                     [&](const Value& version) { return version["name"] == list.at(i); })) {
      const std::string missing = list.at(i).toString();
      errors.invalid(stored[i], missing,
                     "missing from spec.versions; " + missing +
                         " was previously a storage version, and must remain in spec.versions "
                         "until a storage migration ensures no data remains persisted in " +
                         missing + " and removes " + missing + " from status.storedVersions");
    }
  }
  return errors.take();
}

bool isEstablished(const Value& crd) {
  for (const Value& condition : crd["status"]["conditions"].items()) {
    if (condition["type"].asString() == "Established")
      return condition["status"].asString() == "True";
  }
  return false;
}

FieldErrors validateCrdUpdate(const Value& crd, const Value& old) {
  Errors errors;
  const Path root, path = root["spec"], names = path["names"];
  const Value &spec = crd["spec"], &before = old["spec"];
  if (isEstablished(old)) {
    checkImmutable(errors, path["scope"], spec["scope"], before["scope"]);
    checkImmutable(errors, names["kind"], spec["names"]["kind"], before["names"]["kind"]);
  }
  checkImmutable(errors, path["group"], spec["group"], before["group"]);
  checkImmutable(errors, names["plural"], spec["names"]["plural"], before["names"]["plural"]);
  return errors.take();
}

}  // namespace

constinit const Strategy kCustomResourceDefinitions{.applyDefaults = applyCrdDefaults,
                                                    .prepareForCreate = prepareCrdForCreate,
                                                    .prepareForUpdate = prepareCrdForUpdate,
                                                    .validate = validateCrd,
                                                    .validateUpdate = validateCrdUpdate,
                                                    .hasGeneration = true,
                                                    .allowUnconditionalUpdate = false};

}  // namespace iop::apiserver::kinds::internal
