#include "apiserver/kinds/metadata_rules.h"

#include <algorithm>

#include "apiserver/kinds/internal/checks.h"
#include "apiserver/kinds/internal/names.h"
#include "text/json.h"

namespace iop::apiserver::kinds {
namespace {

using internal::Errors;
using internal::Messages;
using internal::Path;

constexpr std::size_t kMaxAnnotations = 256 * 1024;
constexpr std::string_view kOrphan = "orphan", kForeground = "foregroundDeletion";

std::string toLower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

void checkAnnotations(Errors& errors, const Path& path, const Value& annotations) {
  std::size_t size = 0;
  for (const Member& annotation : annotations.members()) {
    // Upper case is allowed in the prefix, too.
    errors.invalid(path, annotation.name, internal::checkQualifiedName(toLower(annotation.key())));
    size += annotation.key().size() + annotation.value.size();
  }
  if (size > kMaxAnnotations) errors.tooLong(path, kMaxAnnotations);
}

// A reference as Go prints it: its members in the order of the struct.
std::string printOwner(const Value& owner) {
  std::string out;
  for (const char* name :
       {"apiVersion", "kind", "name", "uid", "controller", "blockOwnerDeletion"}) {
    const Value* value = owner.find(name);
    if (value == nullptr || value->isNull()) continue;
    out += out.empty() ? '{' : ',';
    text::appendJsonString(out, name);
    out += ':';
    text::appendJson(out, *value);
  }
  return out.empty() ? "{}" : out + "}";
}

bool isGroupVersion(std::string_view text) {
  const std::size_t slash = text.find('/');
  return slash == std::string_view::npos || text.find('/', slash + 1) == std::string_view::npos;
}

// Adds an error whose value is already printed.
void addPrinted(FieldErrors& list, const Path& path, const std::string& shown,
                const std::string& detail) {
  list.push_back(
      {schema::FieldErrorType::Invalid, path.print(), std::nullopt, shown + ": " + detail});
}

void checkOwners(Errors& errors, const Path& path, const Value& owners) {
  const Value* controller = nullptr;
  for (std::size_t i = 0; i < owners.size(); ++i) {
    const Value& owner = owners.at(i);
    const Path at = path[i];
    const std::string_view version = owner["apiVersion"].asString();
    if (version.empty()) {
      errors.required(at["apiVersion"], "must not be empty");
    } else if (!isGroupVersion(version)) {
      errors.invalid(at["apiVersion"], version, "must be <group>/<version> or <version>");
    }
    for (const char* name : {"kind", "name", "uid"}) {
      if (owner[name].asString().empty()) errors.required(at[name], "must not be empty");
    }
    if (version == "v1" && owner["kind"].asString() == "Event") {
      FieldErrors printed;
      addPrinted(printed, at, printOwner(owner),
                 "/v1, Kind=Event is disallowed from being an owner");
      errors.add(std::move(printed));
    }
    if (!owner["controller"].asBool()) continue;
    if (controller != nullptr) {
      std::string all = "[";
      for (const Value& each : owners.items())
        all += (all.size() > 1 ? "," : "") + printOwner(each);
      const auto name = [](const Value& each) {
        return each["kind"].toString() + "/" + each["name"].toString();
      };
      FieldErrors printed;
      addPrinted(printed, path, all + "]",
                 "Only one reference can have Controller set to true. Found \"true\" in references "
                 "for " +
                     name(*controller) + " and " + name(owner));
      errors.add(std::move(printed));
    }
    controller = &owner;
  }
}

bool isStandardFinalizer(std::string_view name) {
  return name == kOrphan || name == kForeground || name == "kubernetes";
}

void checkFinalizers(Errors& errors, const Path& path, const Value& finalizers) {
  bool hasOrphan = false, hasForeground = false;
  for (const Value& finalizer : finalizers.items()) {
    errors.invalid(path, finalizer, internal::checkQualifiedName(finalizer.asString()));
    hasOrphan = hasOrphan || finalizer.asString() == kOrphan;
    hasForeground = hasForeground || finalizer.asString() == kForeground;
  }
  if (hasOrphan && hasForeground)
    errors.invalid(path, finalizers, "finalizer orphan and foregroundDeletion cannot be both set");
}

void checkFinalizerNames(Errors& errors, const Path& path, const Value& finalizers) {
  for (std::size_t i = 0; i < finalizers.size(); ++i) {
    const std::string_view name = finalizers.at(i).asString();
    if (!isStandardFinalizer(name) && name.find('/') == std::string_view::npos) {
      errors.invalid(path[i], finalizers.at(i),
                     "name is neither a standard finalizer name nor is it fully qualified");
    }
  }
}

}  // namespace

std::vector<std::string> checkName(std::string_view name, Strategy::NameRule rule, bool isPrefix) {
  std::string masked;
  // The random characters of a generated name follow what is a dash at the end now.
  if (isPrefix && name.size() > 1 && name.ends_with('-')) {
    masked = std::string(name.substr(0, name.size() - 2)) + "a";
    name = masked;
  }
  switch (rule) {
    case Strategy::NameRule::Subdomain:
      return internal::checkDnsSubdomain(name);
    case Strategy::NameRule::Label:
      if (name.find('.') != std::string_view::npos) return {"must not contain dots"};
      return internal::checkDnsLabel(name);
    case Strategy::NameRule::Label1035:
      return internal::checkDnsLabel1035(name);
    case Strategy::NameRule::PathSegment:
      return internal::checkPathSegment(name);
  }
  return {};
}

FieldErrors validateMetadata(const Value& object, Strategy::NameRule rule, bool namespaced,
                             const Value* old) {
  const Value& metadata = object["metadata"];
  Errors errors;
  const Path root, path = root["metadata"];
  const std::string_view name = metadata["name"].asString();
  const std::string_view base = metadata["generateName"].asString();
  if (!base.empty()) {
    for (const std::string& message : checkName(base, rule, true))
      errors.invalid(path["generateName"], base, message);
  }
  if (name.empty()) {
    errors.required(path["name"], "name or generateName is required");
  } else {
    for (const std::string& message : checkName(name, rule, false))
      errors.invalid(path["name"], name, message);
  }
  const std::string_view space = metadata["namespace"].asString();
  if (!namespaced) {
    if (!space.empty()) errors.forbidden(path["namespace"], "not allowed on this type");
  } else if (space.empty()) {
    errors.required(path["namespace"]);
  } else {
    errors.invalid(path["namespace"], space, internal::checkDnsLabel(space));
  }
  internal::checkNonNegative(errors, path["generation"], metadata["generation"]);
  internal::checkLabels(errors, path["labels"], metadata["labels"]);
  checkAnnotations(errors, path["annotations"], metadata["annotations"]);
  checkOwners(errors, path["ownerReferences"], metadata["ownerReferences"]);
  const Value& finalizers = metadata["finalizers"];
  const Path finalizersPath = path["finalizers"];
  checkFinalizers(errors, finalizersPath, finalizers);
  if (old != nullptr && (*old)["metadata"]["deletionTimestamp"].isString()) {
    const auto before = (*old)["metadata"]["finalizers"].items();
    Value added = Value::array();
    for (const Value& finalizer : finalizers.items()) {
      if (std::find(before.begin(), before.end(), finalizer) == before.end()) added.push(finalizer);
    }
    if (!added.empty()) {
      std::string list = text::printJson(added, {.escapeHtml = false});
      list.front() = '{';
      list.back() = '}';
      errors.forbidden(finalizersPath,
                       "no new finalizers can be added if the object is being deleted, found new "
                       "finalizers []string" +
                           list);
    }
  }
  checkFinalizerNames(errors, finalizersPath, finalizers);
  return errors.take();
}

FieldErrors validateTemplateMetadata(const Value& metadata, std::string_view path) {
  Errors errors;
  const Path root, at = root[path];
  internal::checkLabels(errors, at["labels"], metadata["labels"]);
  checkAnnotations(errors, at["annotations"], metadata["annotations"]);
  return errors.take();
}

}  // namespace iop::apiserver::kinds
