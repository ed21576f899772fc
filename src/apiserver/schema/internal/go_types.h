#pragma once

// What the OpenAPI document does not tell about the Go types behind the built-in kinds.

#include <string>
#include <string_view>

namespace iop::apiserver::schema::internal {

// The Go type of a field whose type has a name of its own: "v1.ServiceType", "[]v1.IPFamily".
// Empty where it has none. `definition` is "io.k8s.api.core.v1.ServiceSpec".
std::string_view namedTypeOf(std::string_view definition, std::string_view field);

// The embedded Go struct that declares a field ("ProbeHandler" for httpGet of a probe), which Go
// names in the path of an error; empty where there is none.
std::string_view embeddedStructOf(std::string_view definition, std::string_view field);

}  // namespace iop::apiserver::schema::internal
