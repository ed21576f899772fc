#pragma once

// Requests that fail: the Status object that the client gets (kubernetes-api-server semantics:
// apimachinery, pkg/api/errors/errors.go).
//
//   if (!object) return tl::unexpected(notFound(resource, name));
//
// Pure.

#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "apiserver/schema/field_error.h"
#include "kube/api/types.h"
#include "value/value.h"

namespace iop::apiserver {

struct Failure {
  int code = 500;
  std::string reason;
  std::string message;
  Value details;  // an object or null
  int retryAfterSeconds = 0;

  // The Status object.
  Value status() const;
};

template <typename T>
using Answer = tl::expected<T, Failure>;

// A resource as messages name it: "pods", "deployments.apps".
std::string qualifiedResource(std::string_view group, std::string_view plural);

Failure badRequest(std::string message);
Failure unauthorized();
Failure forbidden(std::string_view group, std::string_view plural, std::string_view name,
                  std::string_view why);
// `name` empty: "the server could not find the requested resource".
Failure notFound(std::string_view group, std::string_view plural, std::string_view name);
Failure methodNotAllowed(std::string message);
Failure alreadyExists(std::string_view group, std::string_view plural, std::string_view name);
Failure conflict(std::string_view group, std::string_view plural, std::string_view name,
                 std::string_view why);
Failure invalid(std::string_view group, std::string_view kind, std::string_view name,
                const schema::FieldErrors& errors);
Failure expired(std::string message);
Failure internalError(std::string message);

}  // namespace iop::apiserver
