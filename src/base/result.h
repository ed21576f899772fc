#pragma once

// Errors as values.
//
//   Result<Config> config = readConfig(path);
//   if (!config) return tl::unexpected(config.error());   // or, shorter:
//   ASSIGN_OR_RETURN(Config config, readConfig(path));
//   RETURN_IF_ERROR(check(config).map_error(addContext("check " + path)));
//
// An Error has a code, which says what kind of failure it is and maps one to one to a Kubernetes
// reason and an HTTP status, and a message for people: lower case, no full stop, what was attempted
// first and the cause last
// ("couple plug app/db: render config: template: :1:4: …"). What a user, a file, a template or a
// server can cause is an Error; ASSERT is for our own mistakes. Exceptions never leave the folder
// that meets them.

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace iop {
namespace base {

// The reasons of Kubernetes' Status objects (apimachinery, pkg/apis/meta/v1/types.go), and what a
// client adds.
enum class Code {
  BadRequest,             // 400
  Unauthorized,           // 401
  Forbidden,              // 403
  NotFound,               // 404
  MethodNotAllowed,       // 405
  NotAcceptable,          // 406
  AlreadyExists,          // 409
  Conflict,               // 409
  Gone,                   // 410
  Expired,                // 410
  RequestEntityTooLarge,  // 413
  UnsupportedMediaType,   // 415
  Invalid,                // 422
  TooManyRequests,        // 429
  InternalError,          // 500
  ServiceUnavailable,     // 503
  Timeout,                // 504
  Unreachable,            // no answer: the request never reached a server (refused, no such host)
  Interrupted,            // no answer: the connection broke after the request was sent
  Canceled,               // we gave up ourselves
};

// The Kubernetes reason, for example "NotFound".
std::string_view reasonOf(Code code);
// The HTTP status, for example 404; 0 for what is no answer of a server.
int httpStatusOf(Code code);
// The code for a Kubernetes reason and an HTTP status; the reason decides where it is known.
Code codeOf(std::string_view reason, int httpStatus);

struct Error {
  Code code = Code::InternalError;
  std::string message;
  // A finer reason for machines, where one is known: the first `details.causes[].reason` of a
  // Status
  // ("NamespaceTerminating", "FieldManagerConflict"). Empty otherwise.
  std::string cause;
  // How long the server asks to wait before the next attempt, in seconds; 0: it did not say.
  int retryAfterSeconds = 0;

  bool isNotFound() const { return code == Code::NotFound; }
  bool isConflict() const { return code == Code::Conflict; }
  bool isAlreadyExists() const { return code == Code::AlreadyExists; }
  // True where the same attempt may succeed later without anybody changing the request.
  bool isRetriable() const;

  // The same error with "context: " in front of its message.
  Error withContext(std::string_view context) const;

  friend bool operator==(const Error&, const Error&) = default;
};

template <typename T>
using Result = tl::expected<T, Error>;
using Status = Result<void>;

inline tl::unexpected<Error> fail(Code code, std::string message) {
  return tl::unexpected<Error>(Error{code, std::move(message), {}, 0});
}

// For map_error() and ASSIGN_OR_RETURN's chains: puts "context: " in front.
inline auto addContext(std::string context) {
  return [context = std::move(context)](const Error& error) { return error.withContext(context); };
}

[[noreturn]] inline void assertFailed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, condition);
  std::abort();
}

}  // namespace base

using base::addContext;
using base::Code;
using base::Error;
using base::fail;
using base::Result;
using base::Status;

}  // namespace iop

#define IOP_CONCAT_INNER(a, b) a##b
#define IOP_CONCAT(a, b) IOP_CONCAT_INNER(a, b)

// ASSIGN_OR_RETURN(auto x, expression): x is the value of a Result, or the function returns its
// error.
#define ASSIGN_OR_RETURN(declaration, ...) \
  ASSIGN_OR_RETURN_INNER(IOP_CONCAT(result_, __LINE__), declaration, __VA_ARGS__)
#define ASSIGN_OR_RETURN_INNER(result, declaration, ...)                         \
  auto result = (__VA_ARGS__);                                                   \
  if (!result) return ::tl::unexpected<::iop::Error>(std::move(result).error()); \
  declaration = std::move(*result)

// RETURN_IF_ERROR(expression): the function returns the error of a Result, if it is one.
#define RETURN_IF_ERROR(...)                                             \
  do {                                                                   \
    if (auto result_ = (__VA_ARGS__); !result_)                          \
      return ::tl::unexpected<::iop::Error>(std::move(result_).error()); \
  } while (false)

// ASSERT(condition): a mistake of ours if false; ends the program in every build.
#define ASSERT(condition) \
  ((condition) ? void() : ::iop::base::assertFailed(#condition, __FILE__, __LINE__))
