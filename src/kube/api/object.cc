#include "kube/api/object.h"

#include <algorithm>

namespace iop::kube::api {

GroupVersionKind parseKind(std::string_view apiVersion, std::string_view kind) {
  const std::size_t slash = apiVersion.find('/');
  if (slash == std::string_view::npos) return {"", std::string(apiVersion), std::string(kind)};
  return {std::string(apiVersion.substr(0, slash)), std::string(apiVersion.substr(slash + 1)),
          std::string(kind)};
}

ObjectKey keyOf(const Value& object) {
  return {std::string(namespaceOf(object)), std::string(nameOf(object))};
}

ObjectRef refOf(const Value& object) {
  return {object["apiVersion"].toString(), object["kind"].toString(),
          std::string(namespaceOf(object)), std::string(nameOf(object)),
          std::string(uidOf(object))};
}

GroupVersionKind kindOf(const Value& object) {
  return parseKind(object["apiVersion"].asString(), object["kind"].asString());
}

bool hasFinalizer(const Value& object, std::string_view finalizer) {
  const auto all = object["metadata"]["finalizers"].items();
  return std::any_of(all.begin(), all.end(),
                     [&](const Value& item) { return item.asString() == finalizer; });
}

std::string_view annotationOf(const Value& object, std::string_view key) {
  return object["metadata"]["annotations"][key].asString();
}

int compareResourceVersions(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return a.size() < b.size() ? -1 : 1;
  const int order = a.compare(b);
  return order < 0 ? -1 : order > 0 ? 1 : 0;
}

bool isDnsLabel(std::string_view text) {
  const auto inner = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  };
  return !text.empty() && text.size() <= 63 && std::all_of(text.begin(), text.end(), inner) &&
         text.front() != '-' && text.back() != '-';
}

bool isDnsSubdomain(std::string_view text) {
  if (text.empty() || text.size() > 253) return false;
  for (;;) {
    const std::size_t dot = text.find('.');
    std::string_view part = text.substr(0, dot);
    // Each part is a label, but only the whole is bounded in length.
    const auto inner = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
    };
    if (part.empty() || !std::all_of(part.begin(), part.end(), inner) || part.front() == '-' ||
        part.back() == '-') {
      return false;
    }
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

}  // namespace iop::kube::api
