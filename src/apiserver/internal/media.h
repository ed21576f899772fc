#pragma once

// What clients send and want back: content types and transforms.
//
//   auto format = negotiate(accept, {.table = true, .metadata = true});
//   if (!format) … 406 …
//
// Pure.

#include <optional>
#include <string>
#include <string_view>

#include "apiserver/failure.h"
#include "value/value.h"

namespace iop::apiserver {

struct Format {
  enum class Transform { None, Table, Metadata, MetadataList, Discovery };
  Transform transform = Transform::None;
  std::string version = "v1";  // of the Table or PartialObjectMetadata
  bool yaml = false;
  bool pretty = false;

  std::string contentType() const { return yaml ? "application/yaml" : "application/json"; }
};

// The first clause of an Accept header that the server can answer; nothing: 406. `transforms` says
// whether Tables and metadata can be asked for, `discovery` whether APIGroupDiscoveryLists can.
std::optional<Format> negotiate(std::string_view accept, bool transforms, bool discovery);
// `list`: whether watches could be asked for, too.
Failure notAcceptable(std::string_view accept, bool list);

// A request's object. Errors: 415, and 400 in the API server's words (`kind`: what is expected).
Answer<Value> decodeBody(std::string_view contentType, std::string_view body,
                         std::string_view kind);
// "application/json" of "application/json; charset=utf-8".
std::string_view mediaTypeOf(std::string_view contentType);

std::string print(const Value& value, const Format& format);

// An object's PartialObjectMetadata.
Value metadataOf(const Value& object, std::string_view version);

}  // namespace iop::apiserver
