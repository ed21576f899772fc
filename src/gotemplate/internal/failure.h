#pragma once

// How failures travel inside of this library: as exceptions, caught at its border (Template::parse
// and Template::execute), where they become an Error.
//
// An execution may fail at any depth of any function, as Go's panics do, and success is the common
// case: so functions of templates are written as if nothing could fail.

#include <string>
#include <utility>

#include "base/result.h"

namespace iop::gotemplate::internal {

// A function fails or, in Go, panics. The call adds "error calling NAME: " and the place.
struct FunctionFailure {
  std::string text;
};

// A bound of Limits or of the parser was hit. `what` is for example "1000000 steps".
struct LimitFailure {
  std::string what;
  Code code = Code::RequestEntityTooLarge;
};

// The whole message is known.
struct TemplateFailure {
  Error error;
};

[[noreturn]] inline void failFunction(std::string text) { throw FunctionFailure{std::move(text)}; }

// The value of a result, or the failure of the function that is running.
template <typename T>
T valueOrFail(Result<T>&& result) {
  if (result) return std::move(*result);
  if (result.error().code == Code::RequestEntityTooLarge) {
    throw LimitFailure{std::move(result.error().message), result.error().code};
  }
  failFunction(std::move(result.error().message));
}

inline constexpr const char* kNilDereference =
    "runtime error: invalid memory address or nil pointer dereference";

}  // namespace iop::gotemplate::internal
