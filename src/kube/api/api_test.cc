#include <gtest/gtest.h>

#include "kube/api/object.h"
#include "kube/api/status.h"

namespace iop::kube::api {
namespace {

Value failure(std::string_view reason, int code, std::string_view message) {
  return Value::object({{"apiVersion", "v1"},
                        {"kind", "Status"},
                        {"status", "Failure"},
                        {"reason", reason},
                        {"code", code},
                        {"message", message}});
}

TEST(Status, TellsTheCodeAndTheMessageOfTheServer) {
  struct Case {
    const char* name;
    Value status;
    int httpStatus;
    Code code;
    std::string message;
  };
  const Case cases[] = {
      {"a reason decides", failure("AlreadyExists", 409, "plugs \"a\" already exists"), 409,
       Code::AlreadyExists, "plugs \"a\" already exists"},
      {"an unknown reason leaves it to the code", failure("Strange", 404, "gone fishing"), 404,
       Code::NotFound, "gone fishing"},
      {"the code of the object wins over that of HTTP", failure("", 422, "no"), 400, Code::Invalid,
       "no"},
      {"without code and reason HTTP's counts", Value::object({{"kind", "Status"}}), 429,
       Code::TooManyRequests, "the server answered 429"},
      {"an unknown code of the server's is an internal error", failure("", 599, ""), 599,
       Code::InternalError, "the server answered 599"},
      {"a missing message names the reason", failure("Gone", 410, ""), 410, Code::Gone,
       "the server answered 410 (Gone)"},
  };
  for (const Case& test : cases) {
    SCOPED_TRACE(test.name);
    const Error error = errorOf(test.status, test.httpStatus);
    EXPECT_EQ(error.code, test.code);
    EXPECT_EQ(error.message, test.message);
  }
}

TEST(Status, TellsTheFirstCauseAndHowLongToWait) {
  Value status = failure("Conflict", 409, "conflict");
  status.edit("details").set("causes",
                             Value::array({Value::object({{"reason", "FieldManagerConflict"}}),
                                           Value::object({{"reason", "Other"}})}));
  status.edit("details").set("retryAfterSeconds", 7);
  const Error error = errorOf(status);
  EXPECT_EQ(error.cause, "FieldManagerConflict");
  EXPECT_EQ(error.retryAfterSeconds, 7);
}

TEST(Status, ComesBackFromAnErrorAsItWas) {
  const Error error{Code::Forbidden, "no", "NamespaceTerminating", 3};
  EXPECT_TRUE(isStatus(statusOf(error)));
  EXPECT_EQ(errorOf(statusOf(error)), error);
}

TEST(Status, TellsWhatNoServerAnswersWithAsAnInternalError) {
  EXPECT_EQ(statusOf({Code::Unreachable, "refused", {}, 0})["code"].asInt(), 500);
}

TEST(Status, IsOnlyWhatIsOne) {
  EXPECT_FALSE(isStatus(Value::object({{"apiVersion", "example.com/v1"}, {"kind", "Status"}})));
  EXPECT_FALSE(isStatus(Value("Status")));
}

}  // namespace
}  // namespace iop::kube::api
