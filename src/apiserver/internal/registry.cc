#include "apiserver/internal/registry.h"

#include <openssl/sha.h>

#include <algorithm>
#include <charconv>
#include <tuple>

#include "apiserver/kinds/definitions.h"
#include "base/log.h"
#include "text/base64.h"

namespace iop::apiserver {
namespace {

// Priorities of kube-apiserver (pkg/controlplane/apiserver/aggregator.go), highest first.
constexpr std::string_view kGroupOrder[] = {"apps",
                                            "events.k8s.io",
                                            "authentication.k8s.io",
                                            "authorization.k8s.io",
                                            "autoscaling",
                                            "batch",
                                            "networking.k8s.io",
                                            "policy",
                                            "rbac.authorization.k8s.io",
                                            "storage.k8s.io",
                                            "admissionregistration.k8s.io",
                                            "apiextensions.k8s.io",
                                            "scheduling.k8s.io",
                                            "coordination.k8s.io",
                                            "discovery.k8s.io"};

std::string tableOf(std::string_view group, std::string_view plural) {
  // Both APIs of events have the same objects.
  if (group.empty() || (group == "events.k8s.io" && plural == "events")) return std::string(plural);
  return std::string(group) + "/" + std::string(plural);
}

struct ParsedVersion {
  int stage = 0;  // 3 GA, 2 beta, 1 alpha, 0 other
  long major = 0, minor = 0;
};

ParsedVersion parseVersion(std::string_view text) {
  ParsedVersion out;
  if (!text.starts_with('v')) return out;
  const char* const end = text.data() + text.size();
  const auto major = std::from_chars(text.data() + 1, end, out.major);
  if (major.ec != std::errc() || out.major <= 0) return {};
  if (major.ptr == end) {
    out.stage = 3;
    return out;
  }
  const std::string_view rest(major.ptr, static_cast<std::size_t>(end - major.ptr));
  const std::string_view word = rest.starts_with("beta") ? "beta" : "alpha";
  if (!rest.starts_with(word)) return {};
  const auto minor = std::from_chars(major.ptr + word.size(), end, out.minor);
  if (minor.ec != std::errc() || minor.ptr != end || out.minor <= 0) return {};
  out.stage = word == "beta" ? 2 : 1;
  return out;
}

std::string schemaNameOf(const kube::api::GroupVersionKind& kind) {
  const Value wanted =
      Value::object({{"group", kind.group}, {"version", kind.version}, {"kind", kind.kind}});
  for (const Member& member : kinds::schemas().members()) {
    for (const Value& one : member.value["x-kubernetes-group-version-kind"].items()) {
      if (one == wanted) return std::string(member.key());
    }
  }
  return {};
}

// What the real server puts there: the first eight bytes of a hash of group, version and kind.
std::string storageVersionHash(const std::string& group, const std::string& version,
                               const std::string& kind) {
  const std::string text = group + "/" + version + "/" + kind;
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest);
  return text::encodeBase64({reinterpret_cast<const char*>(digest), 8});
}

}  // namespace

bool versionComesFirst(std::string_view a, std::string_view b) {
  const ParsedVersion left = parseVersion(a), right = parseVersion(b);
  if (left.stage == 0 && right.stage == 0) return a < b;
  return std::tie(left.stage, left.major, left.minor) >
         std::tie(right.stage, right.major, right.minor);
}

bool Kind::allows(std::string_view verb) const {
  const auto verbs = entry["verbs"].items();
  return std::any_of(verbs.begin(), verbs.end(),
                     [&](const Value& known) { return known.asString() == verb; });
}

const Value* Kind::findSubresource(std::string_view name) const {
  for (const Value& subresource : subresources) {
    const std::string_view full = subresource["name"].asString();
    if (full.substr(full.find('/') + 1) == name) return &subresource;
  }
  return nullptr;
}

std::string Kind::schemaName() const { return schemaNameOf(resource.gvk()); }

const schema::Schema* Kind::schema() const {
  if (schema_ == nullptr && !custom) {
    auto parsed = schema::parseOpenApiSchema(kinds::schemas(), schemaName());
    ASSERT(parsed);
    schema_ = std::move(*parsed);
  }
  return schema_ == nullptr ? nullptr : &schema_->root();
}

Registry::Registry() {
  for (const Value& entry : kinds::resources().items()) addBuiltIn(entry);
}

Registry::~Registry() = default;

void Registry::addBuiltIn(const Value& entry) {
  const std::string name = entry["name"].toString();
  const std::size_t slash = name.find('/');
  const std::string plural = name.substr(0, slash);
  const Id id{entry["servedGroup"].toString(), entry["servedVersion"].toString(), plural};
  std::unique_ptr<Kind>& kind = kinds_[id];
  if (kind == nullptr) kind = std::make_unique<Kind>();
  Value shown = entry;
  shown.erase("servedGroup");
  shown.erase("servedVersion");
  if (slash != std::string::npos) {
    kind->subresources.push_back(std::move(shown));
    return;
  }
  kind->resource = {id.group, id.version, plural, entry["kind"].toString(),
                    entry["namespaced"].asBool()};
  kind->table = tableOf(id.group, plural);
  kind->entry = std::move(shown);
  kind->strategy = &kinds::strategyOf(id.group, plural);
  kind->columns = kinds::columnsOf(id.group, plural);
  kind->storageApiVersion = kind->resource.apiVersion();
  if (kind->table == "events") kind->storageApiVersion = "v1";
  if (kind->table == "autoscaling/horizontalpodautoscalers")
    kind->storageApiVersion = "autoscaling/v2";
}

const Kind* Registry::find(std::string_view group, std::string_view version,
                           std::string_view plural) const {
  const auto found = kinds_.find({std::string(group), std::string(version), std::string(plural)});
  return found == kinds_.end() ? nullptr : found->second.get();
}

const Kind* Registry::findByKind(const kube::api::GroupVersionKind& wanted) const {
  for (auto at = kinds_.lower_bound({wanted.group, wanted.version, ""});
       at != kinds_.end() && at->first.group == wanted.group && at->first.version == wanted.version;
       ++at) {
    if (at->second->resource.kind == wanted.kind) return at->second.get();
  }
  return nullptr;
}

const Kind* Registry::findAny(std::string_view group, std::string_view plural) const {
  const Kind* any = nullptr;
  for (const std::string& version : versionsOf(group)) {
    const Kind* kind = find(group, version, plural);
    if (kind == nullptr) continue;
    if (kind->storageApiVersion == kind->resource.apiVersion()) return kind;
    if (any == nullptr) any = kind;
  }
  return any;
}

std::vector<const Kind*> Registry::kinds() const {
  std::vector<const Kind*> out;
  for (const auto& [id, kind] : kinds_) out.push_back(kind.get());
  return out;
}

std::vector<std::string> Registry::versionsOf(std::string_view group) const {
  std::vector<std::string> out;
  for (auto at = kinds_.lower_bound({std::string(group), "", ""});
       at != kinds_.end() && at->first.group == group; ++at) {
    if (out.empty() || out.back() != at->first.version) out.push_back(at->first.version);
  }
  std::sort(out.begin(), out.end(), versionComesFirst);
  return out;
}

std::vector<std::string> Registry::groups() const {
  std::vector<std::string> out(std::begin(kGroupOrder), std::end(kGroupOrder));
  const std::size_t builtIn = out.size();
  for (const auto& [id, kind] : kinds_) {
    if (!id.group.empty() && std::find(out.begin(), out.end(), id.group) == out.end())
      out.push_back(id.group);
  }
  std::sort(out.begin() + static_cast<std::ptrdiff_t>(builtIn), out.end());
  return out;
}

std::vector<const Kind*> Registry::kindsOf(std::string_view group, std::string_view version) const {
  std::vector<const Kind*> out;
  for (auto at = kinds_.lower_bound({std::string(group), std::string(version), ""});
       at != kinds_.end() && at->first.group == group && at->first.version == version; ++at) {
    out.push_back(at->second.get());
  }
  return out;
}

std::vector<Value> discoveryOfCrd(const Value& crd, const Value& version) {
  const Value& spec = crd["spec"];
  const Value& names = crd["status"]["acceptedNames"]["plural"].isString()
                           ? crd["status"]["acceptedNames"]
                           : spec["names"];
  const std::string plural = names["plural"].toString();
  const bool namespaced = spec["scope"].asString() == "Namespaced";
  const auto verbs = [](std::initializer_list<const char*> list) {
    Value out = Value::array();
    for (const char* verb : list) out.push(verb);
    return out;
  };
  std::string storage;
  for (const Value& one : spec["versions"].items()) {
    if (one["storage"].asBool()) storage = one["name"].toString();
  }
  Value main = Value::object(
      {{"name", plural},
       {"singularName", names["singular"]},
       {"namespaced", namespaced},
       {"kind", names["kind"]},
       {"verbs",
        verbs({"delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"})},
       {"storageVersionHash",
        storageVersionHash(spec["group"].toString(), storage, names["kind"].toString())}});
  if (!names["shortNames"].empty()) main.set("shortNames", names["shortNames"]);
  if (!names["categories"].empty()) main.set("categories", names["categories"]);
  std::vector<Value> out{std::move(main)};
  const auto add = [&](const char* name, const Value& kind) {
    Value entry = Value::object({{"name", plural + "/" + name},
                                 {"singularName", ""},
                                 {"namespaced", namespaced},
                                 {"kind", kind},
                                 {"verbs", verbs({"get", "patch", "update"})}});
    out.push_back(std::move(entry));
  };
  if (version["subresources"].contains("status")) add("status", names["kind"]);
  if (version["subresources"].contains("scale")) {
    add("scale", "Scale");
    out.back().set("group", "autoscaling");
    out.back().set("version", "v1");
  }
  return out;
}

void Registry::setCrd(const Value& crd) {
  const std::string name = crd["metadata"]["name"].toString();
  removeCrd(name);
  const Value& spec = crd["spec"];
  const std::string group = spec["group"].toString();
  std::string storage;
  for (const Value& version : spec["versions"].items()) {
    if (version["storage"].asBool()) storage = version["name"].toString();
  }
  for (const Value& version : spec["versions"].items()) {
    if (!version["served"].asBool()) continue;
    auto kind = std::make_unique<Kind>();
    std::vector<Value> entries = discoveryOfCrd(crd, version);
    kind->resource = {group, version["name"].toString(), entries[0]["name"].toString(),
                      entries[0]["kind"].toString(), entries[0]["namespaced"].asBool()};
    kind->table = tableOf(group, kind->resource.plural);
    kind->entry = std::move(entries[0]);
    kind->subresources.assign(entries.begin() + 1, entries.end());
    kind->strategy = &kinds::strategyOf(group, kind->resource.plural);
    kind->columns = kinds::columnsOfCrd(version["additionalPrinterColumns"]);
    kind->custom = true;
    kind->terminating = crd["metadata"]["deletionTimestamp"].isString();
    kind->defaultsOnRead = spec["versions"].size() > 1 || crd["metadata"]["generation"].asInt() > 1;
    kind->storageApiVersion = group + "/" + storage;
    kind->published = version["schema"]["openAPIV3Schema"];
    kind->scale = version["subresources"]["scale"];
    for (const Value& field : version["selectableFields"].items())
      kind->selectableFields.push_back(field["jsonPath"].toString());
    if (version["deprecated"].asBool()) {
      kind->deprecationWarning =
          version["deprecationWarning"].isString()
              ? version["deprecationWarning"].toString()
              : group + "/" + kind->resource.version + " " + kind->resource.kind + " is deprecated";
    }
    schema::FieldErrors errors;
    std::vector<std::string> warnings;
    kind->schema_ =
        schema::parseCrdSchema(version["schema"]["openAPIV3Schema"], "schema", errors, warnings);
    if (kind->schema_ == nullptr) {
      log::warn("a stored CRD cannot be served", {{"crd", name}});
      continue;
    }
    const Id id{group, kind->resource.version, kind->resource.plural};
    crds_[name].push_back(id);
    kinds_[id] = std::move(kind);
  }
  ++generation_;
}

void Registry::setTerminating(std::string_view name) {
  const auto found = crds_.find(name);
  if (found == crds_.end()) return;
  for (const Id& id : found->second) kinds_[id]->terminating = true;
}

void Registry::removeCrd(std::string_view name) {
  const auto found = crds_.find(name);
  if (found == crds_.end()) return;
  for (const Id& id : found->second) kinds_.erase(id);
  crds_.erase(found);
  ++generation_;
}

}  // namespace iop::apiserver
