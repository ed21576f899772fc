#include "kube/api/status.h"

namespace iop::kube::api {

bool isStatus(const Value& object) {
  return object["kind"].asString() == "Status" && object["apiVersion"].asString() == "v1";
}

Error errorOf(const Value& status, int httpStatus) {
  const int code = static_cast<int>(status["code"].asInt(httpStatus));
  Error error;
  error.code = base::codeOf(status["reason"].asString(), code);
  error.message = status["message"].asString();
  if (error.message.empty()) {
    error.message = "the server answered " + std::to_string(code);
    if (!status["reason"].empty()) error.message += " (" + status["reason"].toString() + ")";
  }
  const Value& details = status["details"];
  error.cause = details["causes"].at(0)["reason"].asString();
  error.retryAfterSeconds = static_cast<int>(details["retryAfterSeconds"].asInt());
  return error;
}

Value statusOf(const Error& error) {
  const int httpStatus = base::httpStatusOf(error.code);
  const Code code = httpStatus == 0 ? Code::InternalError : error.code;
  Value status = Value::object({{"apiVersion", "v1"},
                                {"kind", "Status"},
                                {"metadata", Value::object()},
                                {"status", "Failure"},
                                {"message", error.message},
                                {"reason", base::reasonOf(code)},
                                {"code", base::httpStatusOf(code)}});
  if (!error.cause.empty()) {
    status.edit("details").set("causes", Value::array({Value::object({{"reason", error.cause}})}));
  }
  if (error.retryAfterSeconds != 0)
    status.edit("details").set("retryAfterSeconds", error.retryAfterSeconds);
  return status;
}

}  // namespace iop::kube::api
