#include "apiserver/kinds/protobuf.h"

#include "apiserver/kinds/internal/protobuf_decode.h"

namespace iop::apiserver::kinds {

bool isProtobuf(std::string_view body) { return body.starts_with(internal::kEnvelopePrefix); }

Result<Value> parseProtobuf(std::string_view body) { return internal::decodeEnvelope(body, 1); }

}  // namespace iop::apiserver::kinds
