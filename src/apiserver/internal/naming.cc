#include "apiserver/internal/naming.h"

#include <fmt/format.h>
#include <openssl/rand.h>

#include <algorithm>
#include <charconv>

#include "kube/api/object.h"

namespace iop::apiserver {

std::string generateName(std::string_view base) {
  constexpr std::string_view kAlphabet = "bcdfghjklmnpqrstvwxz2456789";
  constexpr std::size_t kMaxBase = 58, kRandom = 5;
  std::string name(base.substr(0, kMaxBase));
  unsigned char bytes[kRandom];
  ASSERT(RAND_bytes(bytes, kRandom) == 1);
  for (const unsigned char byte : bytes) name += kAlphabet[byte % kAlphabet.size()];
  return name;
}

std::optional<Failure> checkIdentity(const kube::api::ObjectKey& key, const Value& object) {
  const std::string_view name = kube::api::nameOf(object);
  if (name.empty()) {
    return badRequest(
        fmt::format("the name of the object ({} based on URL) was undeterminable: "
                    "name must be provided",
                    key.name));
  }
  if (name != key.name) {
    return badRequest(fmt::format(
        "the name of the object ({}) does not match the name on the URL ({})", name, key.name));
  }
  const std::string_view namespaceName = kube::api::namespaceOf(object);
  if (!namespaceName.empty() && namespaceName != key.namespaceName) {
    return badRequest(
        "the namespace of the provided object does not match the namespace sent on the request");
  }
  return std::nullopt;
}

std::optional<Failure> checkVersion(const Kind& kind, const kube::api::ObjectKey& key,
                                    const std::string& version, std::uint64_t stored) {
  std::uint64_t number = 0;
  const char* const end = version.data() + version.size();
  const auto [at, error] = std::from_chars(version.data(), end, number);
  if (error == std::errc::result_out_of_range || error != std::errc() || at != end) {
    return Failure{500,
                   "",
                   fmt::format("strconv.ParseUint: parsing \"{}\": {}", version,
                               error == std::errc::result_out_of_range ? "value out of range"
                                                                       : "invalid syntax"),
                   {},
                   0};
  }
  if (number == stored) return std::nullopt;
  return conflict(kind.resource.group, kind.resource.plural, key.name,
                  "the object has been modified; please apply your changes to the latest version "
                  "and try again");
}

std::vector<std::string> resetFieldsOf(const Kind& kind, std::string_view subresource) {
  if (!kind.hasStatus()) return {};
  if (subresource == "status") {
    if (!kind.custom) return {"spec"};
    std::vector<std::string> fields{"metadata"};
    if (kind.schema() != nullptr) {
      for (const auto& [name, property] : kind.schema()->properties) {
        if (name != "status" && name != "metadata" && name != "kind" && name != "apiVersion")
          fields.push_back(name);
      }
    }
    return fields;
  }
  return {"status"};
}

const Value& follow(const Value& object, std::string_view path) {
  const Value* at = &object;
  while (!path.empty()) {
    path.remove_prefix(path.starts_with('.') ? 1 : 0);
    const std::size_t dot = std::min(path.find('.'), path.size());
    at = &(*at)[path.substr(0, dot)];
    path.remove_prefix(dot);
  }
  return *at;
}

}  // namespace iop::apiserver
