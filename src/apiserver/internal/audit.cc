#include "apiserver/internal/audit.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "apiserver/internal/engine.h"
#include "base/time.h"
#include "text/json.h"

namespace iop::apiserver {
namespace {

Value userValue(const auth::User& user) {
  Value groups = Value::array();
  for (const std::string& group : user.groups) groups.push(group);
  return Value::object({{"username", user.name}, {"groups", std::move(groups)}});
}

}  // namespace

Result<std::unique_ptr<AuditLog>> AuditLog::open(const std::string& path) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  std::FILE* stream = file < 0 ? nullptr : ::fdopen(file, "a");
  if (stream == nullptr) {
    return fail(Code::BadRequest, "write the audit log '" + path + "': " + std::strerror(errno));
  }
  return std::unique_ptr<AuditLog>(new AuditLog(stream));
}

void AuditLog::write(const RequestInfo& info, const http::ServerRequest& request,
                     const auth::User& user, const auth::User* acting, int code,
                     base::Time received, base::Time now) {
  const bool isProbe = info.path.starts_with("/readyz") || info.path.starts_with("/livez");
  if (isProbe) return;
  Value event = Value::object(
      {{"kind", "Event"},
       {"apiVersion", "audit.k8s.io/v1"},
       {"level", "Metadata"},
       {"auditID", makeUid()},
       {"stage", info.verb == "watch" ? "ResponseStarted" : "ResponseComplete"},
       {"requestURI", request.uri},
       {"verb", info.verb},
       {"user", userValue(user)},
       {"sourceIPs", Value::array({request.remoteAddress})},
       {"responseStatus", Value::object({{"metadata", Value::object()}, {"code", code}})},
       {"requestReceivedTimestamp", base::printMicroTime(received)},
       {"stageTimestamp", base::printMicroTime(now)}});
  if (const auto agent = request.header("User-Agent")) event.set("userAgent", *agent);
  if (acting != nullptr) event.set("impersonatedUser", userValue(*acting));
  if (info.isResource) {
    Value reference = Value::object({{"resource", info.resource}, {"apiVersion", info.version}});
    if (!info.group.empty()) reference.set("apiGroup", info.group);
    if (!info.namespaceName.empty()) reference.set("namespace", info.namespaceName);
    if (!info.name.empty()) reference.set("name", info.name);
    if (!info.subresource.empty()) reference.set("subresource", info.subresource);
    event.set("objectRef", std::move(reference));
  }
  std::string line = text::printJson(event);
  line += '\n';
  std::fwrite(line.data(), 1, line.size(), file_.get());
  std::fflush(file_.get());
}

}  // namespace iop::apiserver
