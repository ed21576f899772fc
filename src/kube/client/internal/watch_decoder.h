#pragma once

// The lines of a watch: one JSON object each, cut anywhere by the network.
//
//   WatchDecoder decoder(resource, maxEventBytes);
//   decoder.feed(chunk, [&](WatchEvent&& event) { return handle(std::move(event)); });
//
// Not thread-safe.

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "kube/client/client.h"

namespace iop::kube::client::internal {

// Gives objects the kind of their resource where the server left it out (items of lists) or put
// another in its place (PartialObjectMetadata).
void setKind(const Resource& resource, Value& object);

class WatchDecoder {
 public:
  using Handler = std::function<bool(WatchEvent&&)>;

  // The resource must outlive this.
  WatchDecoder(const Resource& resource, std::size_t maxEventBytes)
      : resource_(resource), maxEventBytes_(maxEventBytes) {}

  // Gives each event that is complete to the handler. False: the handler wants no more. Errors
  // (InternalError): a line that is no event, or too long.
  Result<bool> feed(std::string_view chunk, const Handler& onEvent);

 private:
  Result<bool> decode(std::string_view line, const Handler& onEvent);

  const Resource& resource_;
  const std::size_t maxEventBytes_;
  std::string partial_;  // the start of a line
};

}  // namespace iop::kube::client::internal
