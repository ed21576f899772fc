// PersistentVolumes, PersistentVolumeClaims, StorageClasses and PriorityClasses
// (pkg/registry/{core,storage,scheduling}, pkg/apis/{core,storage,scheduling}/validation).

#include "apiserver/kinds/internal/go_zero.h"
#include "apiserver/kinds/internal/names.h"
#include "apiserver/kinds/internal/pod.h"
#include "apiserver/kinds/internal/quantity.h"
#include "apiserver/kinds/internal/strategies.h"

namespace iop::apiserver::kinds::internal {
namespace {

// ---- PersistentVolumeClaims ----

void applyClaimDefaults(Value& claim) {
  dropZeroValues(claim);
  Value& spec = claim.edit("spec");
  if (!spec.isNull() && !spec.isObject()) return;
  applyClaimSpecDefaults(spec);
  if (spec["resources"].isNull()) spec.set("resources", Value::object());
  if (claim["status"].isObject()) makeAllCanonical(claim.edit("status"), "capacity");
}

// Kinds that volumes can be made from.
bool isKnownSource(const Value& source) {
  const std::string_view group = source["apiGroup"].asString();
  const std::string_view kind = source["kind"].asString();
  return (group.empty() && kind == "PersistentVolumeClaim") ||
         (group == "snapshot.storage.k8s.io" && kind == "VolumeSnapshot");
}

void normaliseSources(Value& claim) {
  Value& spec = claim.edit("spec");
  if (!spec.isObject()) return;
  if (spec["dataSource"].isObject() && !isKnownSource(spec["dataSource"])) spec.erase("dataSource");
  if (spec["dataSource"].isObject() && spec["dataSourceRef"].isNull()) {
    const Value copy = spec["dataSource"];
    spec.set("dataSourceRef", copy);
  } else if (spec["dataSourceRef"].isObject() && spec["dataSource"].isNull() &&
             spec["dataSourceRef"]["namespace"].isNull() && isKnownSource(spec["dataSourceRef"])) {
    const Value copy = spec["dataSourceRef"];
    spec.set("dataSource", copy);
  }
}

void prepareClaimForCreate(Value& claim) {
  normaliseSources(claim);
  claim.set("status", Value::object({{"phase", "Pending"}}));
}

void prepareClaimForUpdate(Value& claim, const Value&) { normaliseSources(claim); }

FieldErrors validateClaim(const Value& claim) {
  Errors errors;
  const Path root;
  checkClaimSpec(errors, root["spec"], claim["spec"]);
  return errors.take();
}

FieldErrors validateClaimUpdate(const Value& claim, const Value& old) {
  Errors errors;
  const Path root, path = root["spec"];
  Value spec = claim["spec"];
  const Value& before = old["spec"];
  if (before["volumeName"].asString().empty()) {
    // Binding sets it.
    spec.erase("volumeName");
  }
  const bool isBound = old["status"]["phase"].asString() == "Bound";
  const Value& wanted = spec["resources"]["requests"]["storage"];
  const Value& had = before["resources"]["requests"]["storage"];
  if (isBound && wanted != had) {
    const Value& capacity = old["status"]["capacity"]["storage"];
    const Path requests = path["resources.requests.storage"];
    if (quantityOf(wanted).nano < quantityOf(had).nano &&
        quantityOf(wanted).nano <= quantityOf(capacity).nano)
      errors.forbidden(requests, "field can not be less than status.capacity");
    spec.edit("resources").edit("requests").set("storage", had);
  }
  // A claim that had none may get a class.
  if (!before.contains("storageClassName")) spec.erase("storageClassName");
  if (isBound) {
    for (const char* field : {"volumeAttributesClassName"}) {
      if (before.contains(field)) {
        spec.set(field, before[field]);
      } else {
        spec.erase(field);
      }
    }
  }
  if (spec != before) {
    errors.forbidden(path,
                     "spec is immutable after creation except resources.requests and "
                     "volumeAttributesClassName for bound claims");
  }
  return errors.take();
}

// ---- PersistentVolumes ----

constexpr std::string_view kVolumeSources[] = {"hostPath",
                                               "gcePersistentDisk",
                                               "awsElasticBlockStore",
                                               "glusterfs",
                                               "nfs",
                                               "rbd",
                                               "quobyte",
                                               "cephfs",
                                               "iscsi",
                                               "cinder",
                                               "fc",
                                               "flocker",
                                               "azureFile",
                                               "vsphereVolume",
                                               "azureDisk",
                                               "photonPersistentDisk",
                                               "portworxVolume",
                                               "scaleIO",
                                               "local",
                                               "storageos",
                                               "csi",
                                               "flexVolume"};

void applyPersistentVolumeDefaults(Value& volume) {
  dropZeroValues(volume);
  Value& spec = volume.edit("spec");
  if (!spec.isNull() && !spec.isObject()) return;
  setDefault(spec, "persistentVolumeReclaimPolicy", "Retain");
  setDefault(spec, "volumeMode", "Filesystem");
  makeAllCanonical(spec, "capacity");
  if (spec["hostPath"].isObject() && spec["hostPath"]["type"].isNull())
    spec.edit("hostPath").set("type", "");
}

void initialiseVolumeStatus(Value& volume) {
  volume.set("status", Value::object({{"phase", "Pending"}}));
}

void checkVolumeSource(Errors& errors, const Path& path, std::string_view kind,
                       const Value& source) {
  if (kind == "hostPath" || kind == "local") {
    const std::string_view text = source["path"].asString();
    if (text.empty()) {
      errors.required(path["path"]);
    } else if (text.find("..") != std::string_view::npos) {
      errors.invalid(path["path"], text, "must not contain '..'");
    }
  } else if (kind == "nfs") {
    for (const char* field : {"server", "path"}) {
      if (source[field].asString().empty()) errors.required(path[field]);
    }
  } else if (kind == "csi") {
    for (const char* field : {"driver", "volumeHandle"}) {
      if (source[field].asString().empty()) errors.required(path[field]);
    }
  }
}

FieldErrors validateVolume(const Value& volume) {
  static constexpr std::string_view kModes[] = {"ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce",
                                                "ReadWriteOncePod"};
  static constexpr std::string_view kPolicies[] = {"Delete", "Recycle", "Retain"};
  static constexpr std::string_view kVolumeModes[] = {"Block", "Filesystem"};
  static constexpr std::string_view kStorage[] = {"storage"};
  Errors errors;
  const Path root, path = root["spec"], modes = path["accessModes"], capacity = path["capacity"];
  const Value& spec = volume["spec"];
  if (spec["accessModes"].empty()) errors.required(modes);
  bool oncePerPod = false;
  for (const Value& mode : spec["accessModes"].items()) {
    checkChoice(errors, modes, mode, kModes);
    oncePerPod = oncePerPod || mode.asString() == "ReadWriteOncePod";
  }
  if (oncePerPod && spec["accessModes"].size() > 1)
    errors.forbidden(modes, "may not use ReadWriteOncePod with other access modes");
  if (spec["capacity"].empty()) errors.required(capacity);
  if (!spec["capacity"].contains("storage") || spec["capacity"].size() > 1)
    errors.notSupported(capacity, spec["capacity"], kStorage);
  for (const Member& amount : spec["capacity"].members()) {
    if (quantityOf(amount.value).nano <= 0)
      errors.invalid(capacity.key(amount.key()), amount.value, "must be greater than zero");
  }
  const std::string_view policy = spec["persistentVolumeReclaimPolicy"].asString();
  if (!policy.empty())
    checkChoice(errors, path["persistentVolumeReclaimPolicy"],
                spec["persistentVolumeReclaimPolicy"], kPolicies);
  int count = 0;
  for (const std::string_view kind : kVolumeSources) {
    if (spec[kind].isNull()) continue;
    const Path at = path[kind];
    if (++count > 1) {
      errors.forbidden(at, "may not specify more than 1 volume type");
    } else {
      checkVolumeSource(errors, at, kind, spec[kind]);
    }
  }
  if (count == 0) errors.required(path, "must specify a volume type");
  if (spec["hostPath"]["path"].asString() == "/" && policy == "Recycle")
    errors.forbidden(path["persistentVolumeReclaimPolicy"],
                     "may not be 'recycle' for a hostPath mount of '/'");
  const std::string_view storageClass = spec["storageClassName"].asString();
  if (!storageClass.empty())
    errors.invalid(path["storageClassName"], storageClass, checkDnsSubdomain(storageClass));
  checkOptionalChoice(errors, path["volumeMode"], spec["volumeMode"], kVolumeModes);
  return errors.take();
}

FieldErrors validateVolumeUpdate(const Value& volume, const Value& old) {
  Errors errors;
  const Path root, path = root["spec"];
  for (const std::string_view kind : kVolumeSources) {
    if (volume["spec"][kind] == old["spec"][kind]) continue;
    errors.forbidden(path["persistentvolumesource"],
                     "spec.persistentvolumesource is immutable after creation");
    break;
  }
  checkImmutable(errors, path["volumeMode"], volume["spec"]["volumeMode"],
                 old["spec"]["volumeMode"]);
  return errors.take();
}

// ---- StorageClasses ----

void applyStorageClassDefaults(Value& storageClass) {
  dropZeroValues(storageClass);
  setDefault(storageClass, "reclaimPolicy", "Delete");
  setDefault(storageClass, "volumeBindingMode", "Immediate");
}

std::string toLower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

FieldErrors validateStorageClass(const Value& storageClass) {
  static constexpr std::string_view kPolicies[] = {"Delete", "Retain"};
  static constexpr std::string_view kModes[] = {"Immediate", "WaitForFirstConsumer"};
  constexpr std::size_t kMaxParameters = 256 * 1024, kMaxCount = 512;
  Errors errors;
  const Path root;
  const std::string_view provisioner = storageClass["provisioner"].asString();
  if (provisioner.empty()) {
    errors.required(root["provisioner"]);
  } else {
    const std::string lower = toLower(provisioner);
    errors.invalid(root["provisioner"], lower, checkQualifiedName(lower));
  }
  std::size_t size = 0;
  for (const Member& parameter : storageClass["parameters"].members()) {
    if (parameter.key().empty()) errors.invalid(root["parameters"], "", "field can not be empty.");
    size += parameter.key().size() + parameter.value.size();
  }
  if (size > kMaxParameters) errors.tooLong(root["parameters"], kMaxParameters);
  if (storageClass["parameters"].size() > kMaxCount) errors.tooLong(root["parameters"], kMaxCount);
  checkChoice(errors, root["reclaimPolicy"], storageClass["reclaimPolicy"], kPolicies);
  checkChoice(errors, root["volumeBindingMode"], storageClass["volumeBindingMode"], kModes);
  return errors.take();
}

FieldErrors validateStorageClassUpdate(const Value& storageClass, const Value& old) {
  Errors errors;
  const Path root;
  // The API server shows no values here.
  for (const char* field : {"parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"}) {
    if (storageClass[field] != old[field])
      errors.invalid(root[field], nullptr, std::string(kImmutable));
  }
  return errors.take();
}

// ---- PriorityClasses ----

void applyPriorityDefaults(Value& priority) {
  dropZeroValues(priority);
  if (priority["value"].isNull()) priority.set("value", 0);
  setDefault(priority, "preemptionPolicy", "PreemptLowerPriority");
}

FieldErrors validatePriority(const Value& priority) {
  static constexpr std::string_view kPolicies[] = {"PreemptLowerPriority", "Never"};
  constexpr std::int64_t kHighest = 1'000'000'000;
  Errors errors;
  const Path root;
  const std::string_view name = priority["metadata"]["name"].asString();
  const bool isSystem = name == "system-node-critical" || name == "system-cluster-critical";
  if (name.starts_with("system-") && !isSystem) {
    errors.forbidden(root["metadata.name"],
                     "priority class names with 'system-' prefix are reserved for system use only. "
                     "error: " +
                         std::string(name) + " is not a known system priority class");
  } else if (priority["value"].asInt() > kHighest && !isSystem) {
    errors.forbidden(root["value"],
                     "maximum allowed value of a user defined priority is 1000000000");
  }
  checkOptionalChoice(errors, root["preemptionPolicy"], priority["preemptionPolicy"], kPolicies);
  return errors.take();
}

FieldErrors validatePriorityUpdate(const Value& priority, const Value& old) {
  Errors errors;
  const Path root;
  if (priority["value"] != old["value"])
    errors.forbidden(root["value"], "may not be changed in an update.");
  checkImmutable(errors, root["preemptionPolicy"], priority["preemptionPolicy"],
                 old["preemptionPolicy"]);
  return errors.take();
}

}  // namespace

constinit const Strategy kPersistentVolumeClaims{.applyDefaults = applyClaimDefaults,
                                                 .prepareForCreate = prepareClaimForCreate,
                                                 .prepareForUpdate = prepareClaimForUpdate,
                                                 .validate = validateClaim,
                                                 .validateUpdate = validateClaimUpdate,
                                                 .returnsDeletedObject = true};

constinit const Strategy kPersistentVolumes{.applyDefaults = applyPersistentVolumeDefaults,
                                            .prepareForCreate = initialiseVolumeStatus,
                                            .validate = validateVolume,
                                            .validateUpdate = validateVolumeUpdate,
                                            .returnsDeletedObject = true};

constinit const Strategy kStorageClasses{.applyDefaults = applyStorageClassDefaults,
                                         .validate = validateStorageClass,
                                         .validateUpdate = validateStorageClassUpdate,
                                         .returnsDeletedObject = true};

constinit const Strategy kPriorityClasses{.applyDefaults = applyPriorityDefaults,
                                          .validate = validatePriority,
                                          .validateUpdate = validatePriorityUpdate,
                                          .hasGeneration = true};

}  // namespace iop::apiserver::kinds::internal
