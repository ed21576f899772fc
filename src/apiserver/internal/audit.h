#pragma once

// The audit log: one line for each request, as kube-apiserver writes it at level Metadata
// (audit.k8s.io/v1 Event).
//
// Not thread-safe: used on the server's loop.

#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include "apiserver/auth/authorizer.h"
#include "apiserver/internal/request.h"
#include "base/clock.h"
#include "base/result.h"
#include "http/server.h"

namespace iop::apiserver {

class AuditLog {
 public:
  // Appends to a file, readable by its owner only. Error: BadRequest.
  static Result<std::unique_ptr<AuditLog>> open(const std::string& path);

  // One request that is answered with `code`. `acting` is who was impersonated, or null.
  void write(const RequestInfo& info, const http::ServerRequest& request, const auth::User& user,
             const auth::User* acting, int code, base::Time received, base::Time now);

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  explicit AuditLog(std::FILE* file) : file_(file) {}

  std::unique_ptr<std::FILE, Close> file_;
};

}  // namespace iop::apiserver
