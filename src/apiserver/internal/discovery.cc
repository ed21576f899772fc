#include "apiserver/internal/discovery.h"

#include <fmt/format.h>
#include <openssl/sha.h>

#include "apiserver/kinds/definitions.h"

namespace iop::apiserver {
namespace {

std::string apiVersionOf(std::string_view group, std::string_view version) {
  return group.empty() ? std::string(version) : fmt::format("{}/{}", group, version);
}

Value versionEntry(std::string_view group, std::string_view version) {
  return Value::object({{"groupVersion", apiVersionOf(group, version)}, {"version", version}});
}

Value responseKind(const Value& entry, const Kind& kind) {
  return Value::object(
      {{"group", entry["group"].isString() ? entry["group"] : Value(kind.resource.group)},
       {"version", entry["version"].isString() ? entry["version"] : Value(kind.resource.version)},
       {"kind", entry["kind"]}});
}

Value aggregatedResource(const Kind& kind) {
  const Value& entry = kind.entry;
  Value out = Value::object({{"resource", kind.resource.plural},
                             {"responseKind", responseKind(entry, kind)},
                             {"scope", kind.resource.namespaced ? "Namespaced" : "Cluster"},
                             {"singularResource", entry["singularName"]},
                             {"verbs", entry["verbs"]}});
  if (!entry["shortNames"].empty()) out.set("shortNames", entry["shortNames"]);
  if (!entry["categories"].empty()) out.set("categories", entry["categories"]);
  Value subresources = Value::array();
  for (const Value& sub : kind.subresources) {
    const std::string_view full = sub["name"].asString();
    subresources.push(Value::object({{"subresource", full.substr(full.find('/') + 1)},
                                     {"responseKind", responseKind(sub, kind)},
                                     {"verbs", sub["verbs"]}}));
  }
  if (!subresources.empty()) out.set("subresources", std::move(subresources));
  return out;
}

}  // namespace

std::string hashOf(std::string_view text) {
  unsigned char digest[SHA512_DIGEST_LENGTH];
  SHA512(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest);
  std::string out;
  for (const unsigned char byte : digest) fmt::format_to(std::back_inserter(out), "{:02X}", byte);
  return out;
}

Discovery::Discovery(const Registry& registry, std::string address)
    : registry_(registry), address_(std::move(address)) {}

Value Discovery::coreVersions() const {
  return Value::object({{"kind", "APIVersions"},
                        {"versions", Value::array({"v1"})},
                        {"serverAddressByClientCIDRs",
                         Value::array({Value::object(
                             {{"clientCIDR", "0.0.0.0/0"}, {"serverAddress", address_}})})}});
}

std::optional<Value> Discovery::group(std::string_view group) const {
  const std::vector<std::string> versions = registry_.versionsOf(group);
  if (versions.empty() || group.empty()) return std::nullopt;
  Value entries = Value::array();
  for (const std::string& version : versions) entries.push(versionEntry(group, version));
  return Value::object({{"kind", "APIGroup"},
                        {"apiVersion", "v1"},
                        {"name", group},
                        {"versions", entries},
                        {"preferredVersion", entries.at(0)}});
}

Value Discovery::groups() const {
  Value list = Value::array();
  for (const std::string& name : registry_.groups()) {
    auto entry = group(name);
    if (!entry) continue;
    entry->erase("kind");
    entry->erase("apiVersion");
    list.push(std::move(*entry));
  }
  return Value::object(
      {{"kind", "APIGroupList"}, {"apiVersion", "v1"}, {"groups", std::move(list)}});
}

std::optional<Value> Discovery::resources(std::string_view group, std::string_view version) const {
  const std::vector<const Kind*> kinds = registry_.kindsOf(group, version);
  if (kinds.empty()) return std::nullopt;
  Value list = Value::array();
  for (const Kind* kind : kinds) {
    list.push(kind->entry);
    for (const Value& sub : kind->subresources) list.push(sub);
  }
  Value out = Value::object({{"kind", "APIResourceList"},
                             {"groupVersion", apiVersionOf(group, version)},
                             {"resources", std::move(list)}});
  if (!group.empty()) out.set("apiVersion", "v1");
  return out;
}

Value Discovery::aggregated(bool core) const {
  Value items = Value::array();
  const auto add = [&](const std::string& group) {
    Value versions = Value::array();
    for (const std::string& version : registry_.versionsOf(group)) {
      Value resources = Value::array();
      for (const Kind* kind : registry_.kindsOf(group, version))
        resources.push(aggregatedResource(*kind));
      versions.push(Value::object(
          {{"version", version}, {"freshness", "Current"}, {"resources", std::move(resources)}}));
    }
    if (versions.empty()) return;
    Value metadata = Value::object({{"creationTimestamp", Value()}});
    if (!group.empty()) metadata.set("name", group);
    items.push(Value::object({{"metadata", std::move(metadata)}, {"versions", versions}}));
  };
  if (core) {
    add("");
  } else {
    for (const std::string& group : registry_.groups()) add(group);
  }
  return Value::object({{"kind", "APIGroupDiscoveryList"},
                        {"apiVersion", "apidiscovery.k8s.io/v2"},
                        {"metadata", Value::object()},
                        {"items", std::move(items)}});
}

Value Discovery::version() const {
  const Value& known = kinds::serverVersion();
  return Value::object({{"major", known["major"]},
                        {"minor", known["minor"]},
                        {"emulationMajor", known["major"]},
                        {"emulationMinor", known["minor"]},
                        {"gitVersion", known["gitVersion"].toString() + "+integration-operator"},
                        {"gitCommit", ""},
                        {"gitTreeState", "clean"},
                        {"buildDate", "1970-01-01T00:00:00Z"},
                        {"goVersion", "none"},
                        {"compiler", "g++"},
                        {"platform", "linux/amd64"}});
}

}  // namespace iop::apiserver
