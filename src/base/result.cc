#include "base/result.h"

#include <array>

namespace iop::base {
namespace {

struct Row {
  Code code;
  std::string_view reason;
  int httpStatus;
};

constexpr std::array kTable = {
    Row{Code::BadRequest, "BadRequest", 400},
    Row{Code::Unauthorized, "Unauthorized", 401},
    Row{Code::Forbidden, "Forbidden", 403},
    Row{Code::NotFound, "NotFound", 404},
    Row{Code::MethodNotAllowed, "MethodNotAllowed", 405},
    Row{Code::NotAcceptable, "NotAcceptable", 406},
    Row{Code::Conflict, "Conflict", 409},
    Row{Code::AlreadyExists, "AlreadyExists", 409},
    Row{Code::Expired, "Expired", 410},
    Row{Code::Gone, "Gone", 410},
    Row{Code::RequestEntityTooLarge, "RequestEntityTooLarge", 413},
    Row{Code::UnsupportedMediaType, "UnsupportedMediaType", 415},
    Row{Code::Invalid, "Invalid", 422},
    Row{Code::TooManyRequests, "TooManyRequests", 429},
    Row{Code::InternalError, "InternalError", 500},
    Row{Code::ServiceUnavailable, "ServiceUnavailable", 503},
    Row{Code::Timeout, "Timeout", 504},
    Row{Code::Unreachable, "Unreachable", 0},
    Row{Code::Interrupted, "Interrupted", 0},
    Row{Code::Canceled, "Canceled", 0},
};

}  // namespace

std::string_view reasonOf(Code code) {
  for (const Row& row : kTable) {
    if (row.code == code) return row.reason;
  }
  return "InternalError";
}

int httpStatusOf(Code code) {
  for (const Row& row : kTable) {
    if (row.code == code) return row.httpStatus;
  }
  return 500;
}

Code codeOf(std::string_view reason, int httpStatus) {
  if (!reason.empty()) {
    for (const Row& row : kTable) {
      if (row.reason == reason) return row.code;
    }
  }
  for (const Row& row : kTable) {
    if (row.httpStatus != 0 && row.httpStatus == httpStatus) return row.code;
  }
  if (httpStatus >= 400 && httpStatus < 500) return Code::BadRequest;
  return Code::InternalError;
}

bool Error::isRetriable() const {
  switch (code) {
    case Code::BadRequest:
    case Code::MethodNotAllowed:
    case Code::NotAcceptable:
    case Code::RequestEntityTooLarge:
    case Code::UnsupportedMediaType:
    case Code::Invalid:
      return false;
    default:
      return true;
  }
}

Error Error::withContext(std::string_view context) const {
  Error out = *this;
  out.message.insert(0, ": ");
  out.message.insert(0, context);
  return out;
}

}  // namespace iop::base
