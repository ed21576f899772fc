#pragma once

// What the server serves, told to clients: discovery (legacy and aggregated) and OpenAPI v2 and v3.
//
// Answers are kept until a CRD changes what is served. Not thread-safe: used on the server's loop.

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "apiserver/internal/registry.h"
#include "value/value.h"

namespace iop::apiserver {

class Discovery {
 public:
  // `address`: host and port of the server, for old clients that ask which one to use.
  Discovery(const Registry& registry, std::string address);

  void setAddress(std::string address) { address_ = std::move(address); }

  Value coreVersions() const;                                // /api
  Value groups() const;                                      // /apis
  std::optional<Value> group(std::string_view group) const;  // /apis/g
  // /api/v1, /apis/g/v; nothing if it is not served.
  std::optional<Value> resources(std::string_view group, std::string_view version) const;
  // The core group's resources, or those of all others, as one APIGroupDiscoveryList.
  Value aggregated(bool core) const;
  Value version() const;  // /version

  // A document with a hash of it, for ETags and the index.
  struct Document {
    std::string text;
    std::string hash;
  };
  const Document& openApiIndex() const;  // /openapi/v3
  // /openapi/v3/<path>, with "api/v1" or "apis/g/v"; null if it is not served.
  const Document* openApi(std::string_view path) const;
  const Document& openApiV2() const;  // /openapi/v2 as JSON
  // The smallest document that old versions of kubectl accept where they ask for protobuf.
  static std::string_view openApiV2Protobuf();

 private:
  void refresh() const;
  Value openApiValue(std::string_view group, std::string_view version) const;

  const Registry& registry_;
  std::string address_;
  mutable std::uint64_t generation_ = 0;
  mutable std::map<std::string, Document, std::less<>> documents_;
};

// Hexadecimal SHA-512 as the real server's ETags are.
std::string hashOf(std::string_view text);

}  // namespace iop::apiserver
