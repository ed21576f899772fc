#include <algorithm>
#include <set>

#include "apiserver/kinds/internal/names.h"
#include "apiserver/kinds/internal/pod.h"
#include "apiserver/kinds/internal/quantity.h"

namespace iop::apiserver::kinds::internal {
namespace {

constexpr int kMaxMode = 0777;

// In the order in which the API server looks at them.
constexpr std::string_view kSources[] = {"emptyDir",
                                         "hostPath",
                                         "gitRepo",
                                         "gcePersistentDisk",
                                         "awsElasticBlockStore",
                                         "secret",
                                         "nfs",
                                         "iscsi",
                                         "glusterfs",
                                         "flocker",
                                         "rbd",
                                         "cinder",
                                         "cephfs",
                                         "quobyte",
                                         "downwardAPI",
                                         "fc",
                                         "configMap",
                                         "azureFile",
                                         "vsphereVolume",
                                         "azureDisk",
                                         "storageos",
                                         "portworxVolume",
                                         "scaleIO",
                                         "photonPersistentDisk",
                                         "projected",
                                         "persistentVolumeClaim",
                                         "csi",
                                         "ephemeral",
                                         "flexVolume",
                                         "image"};

void checkMode(Errors& errors, const Path& path, const Value& mode) {
  if (!mode.isNull() && (mode.asInt() < 0 || mode.asInt() > kMaxMode))
    errors.invalid(path, mode, "must be a number between 0 and 0777 (octal), both inclusive");
}

void checkRelativePath(Errors& errors, const Path& path, const Value& value) {
  const std::string_view text = value.asString();
  if (text.empty()) {
    errors.required(path);
    return;
  }
  if (text.starts_with('/')) errors.invalid(path, value, "must be a relative path");
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t slash = rest.find('/');
    if (rest.substr(0, slash) == "..") {
      errors.invalid(path, value, "must not contain '..'");
      return;
    }
    if (slash == std::string_view::npos) break;
    rest.remove_prefix(slash + 1);
  }
  if (text.starts_with("..") && !text.starts_with("../"))
    errors.invalid(path, value, "must not start with '..'");
}

void checkKeyItems(Errors& errors, const Path& path, const Value& items) {
  for (std::size_t i = 0; i < items.size(); ++i) {
    const Path at = path[i];
    if (items.at(i)["key"].asString().empty()) errors.required(at["key"]);
    checkRelativePath(errors, at["path"], items.at(i)["path"]);
    checkMode(errors, at["mode"], items.at(i)["mode"]);
  }
}

void checkDownwardItems(Errors& errors, const Path& path, const Value& items) {
  for (std::size_t i = 0; i < items.size(); ++i) {
    const Path at = path[i];
    checkRelativePath(errors, at["path"], items.at(i)["path"]);
    const bool hasField = items.at(i)["fieldRef"].isObject();
    const bool hasResource = items.at(i)["resourceFieldRef"].isObject();
    if (hasField && hasResource) {
      errors.invalid(at, "resource",
                     "fieldRef and resourceFieldRef can not be specified simultaneously");
    } else if (!hasField && !hasResource) {
      errors.required(at, "one of fieldRef and resourceFieldRef is required");
    }
    checkMode(errors, at["mode"], items.at(i)["mode"]);
  }
}

void checkNameAndItems(Errors& errors, const Path& path, const Value& source, const char* name) {
  if (source[name].asString().empty()) errors.required(path[name]);
  checkMode(errors, path["defaultMode"], source["defaultMode"]);
  checkKeyItems(errors, path["items"], source["items"]);
}

void checkProjected(Errors& errors, const Path& path, const Value& source) {
  checkMode(errors, path["defaultMode"], source["defaultMode"]);
  const Path sources = path["sources"];
  for (std::size_t i = 0; i < source["sources"].size(); ++i) {
    const Value& each = source["sources"].at(i);
    const Path at = sources[i];
    int count = 0;
    for (const char* kind : {"secret", "configMap"}) {
      if (!each[kind].isObject()) continue;
      const Path inner = at[kind];
      if (++count > 1)
        errors.forbidden(inner, "may not specify more than 1 volume type per source");
      if (each[kind]["name"].asString().empty()) errors.required(inner["name"]);
      checkKeyItems(errors, inner["items"], each[kind]["items"]);
    }
    if (each["downwardAPI"].isObject()) {
      const Path inner = at["downwardAPI"];
      checkDownwardItems(errors, inner["items"], each["downwardAPI"]["items"]);
    }
    if (each["serviceAccountToken"].isObject()) {
      const Path inner = at["serviceAccountToken"];
      constexpr int kMinSeconds = 10 * 60;
      constexpr std::int64_t kMaxSeconds = std::int64_t{1} << 32;
      const std::int64_t seconds = each["serviceAccountToken"]["expirationSeconds"].asInt(3600);
      if (seconds < kMinSeconds)
        errors.invalid(inner["expirationSeconds"], seconds,
                       "may not specify a duration less than 10 minutes");
      if (seconds > kMaxSeconds)
        errors.invalid(inner["expirationSeconds"], seconds,
                       "may not specify a duration larger than 2^32 seconds");
      if (each["serviceAccountToken"]["path"].asString().empty()) errors.required(inner["path"]);
    }
  }
}

void checkSource(Errors& errors, const Path& path, std::string_view kind, const Value& source) {
  if (kind == "secret") {
    checkNameAndItems(errors, path, source, "secretName");
  } else if (kind == "configMap") {
    checkNameAndItems(errors, path, source, "name");
  } else if (kind == "hostPath") {
    static constexpr std::string_view kTypes[] = {
        "",     "BlockDevice",  "CharDevice", "Directory", "DirectoryOrCreate",
        "File", "FileOrCreate", "Socket"};
    if (source["path"].asString().empty()) {
      errors.required(path["path"]);
    } else if (source["path"].asString().find("..") != std::string_view::npos) {
      errors.invalid(path["path"], source["path"], "must not contain '..'");
    }
    checkOptionalChoice(errors, path["type"], source["type"], kTypes);
  } else if (kind == "emptyDir") {
    if (quantityOf(source["sizeLimit"]).nano < 0)
      errors.forbidden(path["sizeLimit"], "SizeLimit field must be a valid resource quantity");
  } else if (kind == "persistentVolumeClaim") {
    if (source["claimName"].asString().empty()) errors.required(path["claimName"]);
  } else if (kind == "downwardAPI") {
    checkMode(errors, path["defaultMode"], source["defaultMode"]);
    checkDownwardItems(errors, path["items"], source["items"]);
  } else if (kind == "projected") {
    checkProjected(errors, path, source);
  } else if (kind == "nfs") {
    if (source["server"].asString().empty()) errors.required(path["server"]);
    if (source["path"].asString().empty()) errors.required(path["path"]);
    if (!source["path"].asString().starts_with('/'))
      errors.invalid(path["path"], source["path"], "must be an absolute path");
  } else if (kind == "csi") {
    if (source["driver"].asString().empty()) errors.required(path["driver"]);
  } else if (kind == "ephemeral") {
    if (!source["volumeClaimTemplate"].isObject()) {
      errors.required(path["volumeClaimTemplate"]);
    } else {
      const Path inner = path["volumeClaimTemplate"];
      const Path spec = inner["spec"];
      checkClaimSpec(errors, spec, source["volumeClaimTemplate"]["spec"]);
    }
  }
}

}  // namespace

void checkVolumes(Errors& errors, const Path& path, const Value& volumes) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < volumes.size(); ++i) {
    const Value& volume = volumes.at(i);
    const Path at = path[i];
    int count = 0;
    for (const std::string_view kind : kSources) {
      if (volume[kind].isNull()) continue;
      const Path inner = at[kind];
      if (++count > 1) {
        errors.forbidden(inner, "may not specify more than 1 volume type");
      } else {
        checkSource(errors, inner, kind, volume[kind]);
      }
    }
    if (count == 0) errors.required(at, "must specify a volume type");
    const std::string_view name = volume["name"].asString();
    if (name.empty()) {
      errors.required(at["name"]);
      continue;
    }
    errors.invalid(at["name"], volume["name"], checkDnsLabel(name));
    if (!names.insert(name).second) errors.duplicate(at["name"], volume["name"]);
  }
}

void checkClaimSpec(Errors& errors, const Path& path, const Value& spec) {
  static constexpr std::string_view kModes[] = {"ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce",
                                                "ReadWriteOncePod"};
  static constexpr std::string_view kVolumeModes[] = {"Block", "Filesystem"};
  const Path modes = path["accessModes"];
  if (spec["accessModes"].empty()) errors.required(modes, "at least 1 access mode is required");
  if (spec["selector"].isObject()) {
    const Path selector = path["selector"];
    checkLabelSelector(errors, selector, spec["selector"]);
  }
  bool oncePerPod = false;
  for (const Value& mode : spec["accessModes"].items()) {
    checkChoice(errors, modes, mode, kModes);
    oncePerPod = oncePerPod || mode.asString() == "ReadWriteOncePod";
  }
  if (oncePerPod && spec["accessModes"].size() > 1)
    errors.forbidden(modes, "may not use ReadWriteOncePod with other access modes");
  const Path resources = path["resources"];
  const Value& storage = spec["resources"]["requests"]["storage"];
  if (storage.isNull()) {
    errors.required(resources.key("storage"));
  } else if (quantityOf(storage).nano <= 0) {
    errors.invalid(resources.key("storage"), storage, "must be greater than zero");
  }
  const std::string_view storageClass = spec["storageClassName"].asString();
  if (!storageClass.empty())
    errors.invalid(path["storageClassName"], storageClass, checkDnsSubdomain(storageClass));
  checkOptionalChoice(errors, path["volumeMode"], spec["volumeMode"], kVolumeModes);
}

}  // namespace iop::apiserver::kinds::internal
