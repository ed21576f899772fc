#pragma once

// Names and versions of objects in requests, and what endpoints leave alone.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/failure.h"
#include "apiserver/internal/registry.h"
#include "value/value.h"

namespace iop::apiserver {

// `base`, cut to 58 bytes, and five random characters (apiserver, pkg/storage/names/generate.go).
std::string generateName(std::string_view base);

// Whether an object's name and namespace are those of the URL.
std::optional<Failure> checkIdentity(const kube::api::ObjectKey& key, const Value& object);

// Whether the resourceVersion that a client sent is the stored one.
std::optional<Failure> checkVersion(const Kind& kind, const kube::api::ObjectKey& key,
                                    const std::string& version, std::uint64_t stored);

// The fields that an endpoint of a kind does not write, for the tracking of owners.
std::vector<std::string> resetFieldsOf(const Kind& kind, std::string_view subresource);

// What a simple JSONPath (".spec.replicas") leads to; null where there is nothing.
const Value& follow(const Value& object, std::string_view path);

}  // namespace iop::apiserver
