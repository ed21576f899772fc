#include "operator/coupling/simulated_world.h"

#include <array>

#include "base/time.h"
#include "kube/api/object.h"
#include "operator/api/names.h"
#include "operator/coupling/digest.h"
#include "text/base64.h"

namespace iop::operators::coupling {
namespace {

using kube::api::GroupVersionKind;
using kube::api::ObjectKey;

// Kinds without a namespace, of Kubernetes itself and of what is found in most clusters. What is
// not named here has one.
constexpr std::array<std::pair<std::string_view, std::string_view>, 36> kClusterScoped = {{
    {"", "ComponentStatus"},
    {"", "Namespace"},
    {"", "Node"},
    {"", "PersistentVolume"},
    {"admissionregistration.k8s.io", "MutatingAdmissionPolicy"},
    {"admissionregistration.k8s.io", "MutatingAdmissionPolicyBinding"},
    {"admissionregistration.k8s.io", "MutatingWebhookConfiguration"},
    {"admissionregistration.k8s.io", "ValidatingAdmissionPolicy"},
    {"admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding"},
    {"admissionregistration.k8s.io", "ValidatingWebhookConfiguration"},
    {"apiextensions.k8s.io", "CustomResourceDefinition"},
    {"apiregistration.k8s.io", "APIService"},
    {"certificates.k8s.io", "CertificateSigningRequest"},
    {"certificates.k8s.io", "ClusterTrustBundle"},
    {"flowcontrol.apiserver.k8s.io", "FlowSchema"},
    {"flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration"},
    {"networking.k8s.io", "IPAddress"},
    {"networking.k8s.io", "IngressClass"},
    {"networking.k8s.io", "ServiceCIDR"},
    {"node.k8s.io", "RuntimeClass"},
    {"rbac.authorization.k8s.io", "ClusterRole"},
    {"rbac.authorization.k8s.io", "ClusterRoleBinding"},
    {"resource.k8s.io", "DeviceClass"},
    {"resource.k8s.io", "ResourceSlice"},
    {"scheduling.k8s.io", "PriorityClass"},
    {"storage.k8s.io", "CSIDriver"},
    {"storage.k8s.io", "CSINode"},
    {"storage.k8s.io", "StorageClass"},
    {"storage.k8s.io", "VolumeAttachment"},
    {"storage.k8s.io", "VolumeAttributesClass"},
    {"cert-manager.io", "ClusterIssuer"},
    {"external-secrets.io", "ClusterExternalSecret"},
    {"external-secrets.io", "ClusterSecretStore"},
    {"gateway.networking.k8s.io", "GatewayClass"},
    {"kyverno.io", "ClusterPolicy"},
    {"snapshot.storage.k8s.io", "VolumeSnapshotClass"},
}};

bool isClusterScoped(const GroupVersionKind& kind) {
  for (const auto& [group, name] : kClusterScoped) {
    if (group == kind.group && name == kind.kind) return true;
  }
  return false;
}

// "NetworkPolicy" → "networkpolicies", as code generators for Kubernetes do.
std::string pluralOf(std::string_view kind) {
  std::string word;
  for (const char c : kind) word += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  if (word == "endpoints" || word.empty()) return word;
  const auto endsWith = [&](std::string_view end) { return word.ends_with(end); };
  const bool afterVowel =
      word.size() > 1 && std::string_view("aeiou").find(word[word.size() - 2]) != std::string::npos;
  if (word.back() == 'y' && !afterVowel) return word.substr(0, word.size() - 1) + "ies";
  if (endsWith("s") || endsWith("x") || endsWith("ch") || endsWith("sh")) return word + "es";
  return word + "s";
}

// What only the API server writes into metadata.
constexpr std::array<const char*, 6> kServerFields = {"deletionGracePeriodSeconds",
                                                      "deletionTimestamp",
                                                      "generation",
                                                      "managedFields",
                                                      "resourceVersion",
                                                      "uid"};

void merge(Value& into, const Value& from, int depth) {
  constexpr int kMostLevels = 1000;
  for (const Member& member : from.members()) {
    if (depth < kMostLevels && member.value.isObject() && into[member.key()].isObject()) {
      merge(into.edit(member.key()), member.value, depth + 1);
    } else {
      into.set(member.key(), member.value);
    }
  }
}

// A Secret's stringData goes into its data.
void encodeStringData(Value& object) {
  if (object["kind"].asString() != "Secret" || !object["stringData"].isObject()) return;
  const Value plain = object["stringData"];
  object.erase("stringData");
  if (!object["data"].isObject()) object.set("data", Value::object());
  for (const Member& member : plain.members()) {
    object.edit("data").set(member.key(), text::encodeBase64(member.value.asString()));
  }
}

}  // namespace

SimulatedWorld::Id SimulatedWorld::idOf(const GroupVersionKind& kind, const ObjectKey& key) {
  return {kind.group, kind.kind, key.namespaceName, key.name};
}

void SimulatedWorld::learnKinds(const Value& definition) {
  const GroupVersionKind kind = kube::api::kindOf(definition);
  if (kind.group != "apiextensions.k8s.io" || kind.kind != "CustomResourceDefinition") return;
  const Value& spec = definition["spec"];
  defined_[{spec["group"].toString(), spec["names"]["kind"].toString()}] = {
      spec["names"]["plural"].toString(), spec["scope"].asString() != "Cluster"};
}

kube::api::Resource SimulatedWorld::resolve(const GroupVersionKind& kind) const {
  const auto defined = defined_.find({kind.group, kind.kind});
  if (defined != defined_.end()) {
    return {kind.group, kind.version, defined->second.first, kind.kind, defined->second.second};
  }
  return {kind.group, kind.version, pluralOf(kind.kind), kind.kind, !isClusterScoped(kind)};
}

Status SimulatedWorld::add(Value object, const std::string& defaultNamespace) {
  const GroupVersionKind kind = kube::api::kindOf(object);
  if (!object.isObject() || kind.kind.empty() || kind.version.empty())
    return fail(Code::Invalid, "an object without apiVersion and kind");
  if (kube::api::nameOf(object).empty())
    return fail(Code::Invalid, "a " + kind.kind + " without metadata.name");
  Value& metadata = object.edit("metadata");
  if (!resolve(kind).namespaced) {
    metadata.erase("namespace");
  } else if (metadata["namespace"].asString().empty()) {
    metadata.set("namespace", defaultNamespace);
  }
  objects_.erase(idOf(kind, kube::api::keyOf(object)));
  apply(object);
  return {};
}

const Value* SimulatedWorld::find(const GroupVersionKind& kind, const ObjectKey& key) const {
  const auto found = objects_.find(idOf(kind, key));
  return found == objects_.end() ? nullptr : &found->second;
}

std::vector<ObjectKey> SimulatedWorld::keysOf(const GroupVersionKind& kind) const {
  std::vector<ObjectKey> keys;
  for (auto at = objects_.lower_bound(idOf(kind, {})); at != objects_.end(); ++at) {
    const auto& [group, name, ns, own] = at->first;
    if (group != kind.group || name != kind.kind) break;
    keys.push_back({ns, own});
  }
  return keys;
}

void SimulatedWorld::stamp(Value& object) {
  object.edit("metadata").set("resourceVersion", std::to_string(++version_));
}

std::string SimulatedWorld::apply(const Value& object) {
  const GroupVersionKind kind = kube::api::kindOf(object);
  const Id id = idOf(kind, kube::api::keyOf(object));
  Value given = object;
  encodeStringData(given);
  for (const char* field : kServerFields) given.edit("metadata").erase(field);
  if (kind.group == api::kGroup) {
    given.erase("status");
    given.edit("metadata").erase("finalizers");
  }
  const auto found = objects_.find(id);
  if (found != objects_.end()) {
    Value merged = found->second;
    merge(merged, given, 0);
    Value& metadata = merged.edit("metadata");
    metadata.set("creationTimestamp", found->second["metadata"]["creationTimestamp"]);
    if (merged["spec"] != found->second["spec"])
      metadata.set("generation", kube::api::generationOf(merged) + 1);
    if (merged != found->second) {
      stamp(merged);
      found->second = std::move(merged);
    }
    return std::string(kube::api::uidOf(found->second));
  }
  Value& metadata = given.edit("metadata");
  std::string name;
  for (const std::string& part : {kind.group, kind.kind, kube::api::keyOf(object).print()})
    name += part + "\n";
  std::string uid = digest(name + std::to_string(++born_[id]));
  for (const std::size_t dash : {8U, 13U, 18U, 23U}) uid.insert(dash, "-");
  metadata.set("uid", uid);
  metadata.set("generation", 1);
  if (!base::parseTime(metadata["creationTimestamp"].asString()))
    metadata.set("creationTimestamp", base::printTime(now_));
  stamp(given);
  objects_[id] = std::move(given);
  return uid;
}

void SimulatedWorld::remove(const GroupVersionKind& kind, const ObjectKey& key) {
  const auto found = objects_.find(idOf(kind, key));
  if (found == objects_.end()) return;
  if (found->second["metadata"]["finalizers"].empty()) {
    objects_.erase(found);
    ++version_;
    return;
  }
  if (kube::api::isBeingDeleted(found->second)) return;
  found->second.edit("metadata").set("deletionTimestamp", base::printTime(now_));
  stamp(found->second);
}

void SimulatedWorld::put(const Value& object) {
  const auto found = objects_.find(idOf(kube::api::kindOf(object), kube::api::keyOf(object)));
  if (found == objects_.end() || found->second == object) return;
  found->second = object;
  if (kube::api::isBeingDeleted(object) && object["metadata"]["finalizers"].empty()) {
    objects_.erase(found);
    ++version_;
    return;
  }
  stamp(found->second);
}

}  // namespace iop::operators::coupling
