#include "kube/runtime/health.h"

#include <algorithm>
#include <set>

#include "base/log.h"

namespace iop::kube::runtime {
namespace {

http::ServerResponse plain(int status, std::string body) {
  return {.status = status,
          .headers = {{"X-Content-Type-Options", "nosniff"}, {"Cache-Control", "no-store"}},
          .body = std::move(body)};
}

bool passes(std::string_view endpoint, const std::string& name, const HealthChecks::Check& check) {
  const Status status = check();
  if (status) return true;
  log::warn("health check failed",
            {{"endpoint", endpoint}, {"check", name}, {"error", status.error().message}});
  return false;
}

std::set<std::string, std::less<>> excludedBy(const http::ServerRequest& request) {
  std::set<std::string, std::less<>> excluded;
  for (const auto& [name, value] : request.query) {
    if (name == "exclude") excluded.insert(value);
  }
  return excluded;
}

http::ServerResponse respondAll(std::string_view endpoint,
                                const std::map<std::string, HealthChecks::Check>& checks,
                                const http::ServerRequest& request) {
  auto excluded = excludedBy(request);
  std::string lines;
  bool allPass = true;
  for (const auto& [name, check] : checks) {
    if (excluded.erase(name) > 0) {
      lines += "[+]" + name + " excluded: ok\n";
    } else if (passes(endpoint, name, check)) {
      lines += "[+]" + name + " ok\n";
    } else {
      lines += "[-]" + name + " failed: reason withheld\n";
      allPass = false;
    }
  }
  for (const std::string& unknown : excluded) {
    lines += "warn: some health checks cannot be excluded: no matches for \"" + unknown + "\"\n";
  }
  if (!allPass) return plain(500, lines + std::string(endpoint) + " check failed\n");
  if (!request.queryParameter("verbose")) return plain(200, "ok");
  return plain(200, lines + std::string(endpoint) + " check passed\n");
}

}  // namespace

void HealthChecks::add(std::string name, Check check) {
  std::lock_guard guard(mutex_);
  checks_[std::move(name)] = std::move(check);
}

std::map<std::string, HealthChecks::Check> HealthChecks::checks() const {
  std::lock_guard guard(mutex_);
  if (checks_.empty()) return {{"ping", [] { return Status(); }}};
  return checks_;
}

http::ServerResponse HealthChecks::respond(std::string_view endpoint,
                                           const http::ServerRequest& request) const {
  const auto all = checks();
  const std::string prefix = "/" + std::string(endpoint) + "/";
  const std::string_view path = request.path;
  if (!path.starts_with(prefix) || path.size() == prefix.size()) {
    return respondAll(endpoint, all, request);
  }
  const auto one = all.find(std::string(path.substr(prefix.size())));
  if (one == all.end()) return plain(404, "404 page not found\n");
  if (passes(endpoint, one->first, one->second)) return plain(200, "ok");
  return plain(500, "internal server error: reason withheld\n");
}

void serveHealth(http::Server& server, std::string_view endpoint, const HealthChecks& checks) {
  const auto respond = [endpoint = std::string(endpoint),
                        &checks](const http::ServerRequest& request) {
    return checks.respond(endpoint, request);
  };
  server.handle("GET", "/" + std::string(endpoint), respond);
  server.handle("GET", "/" + std::string(endpoint) + "/", respond);
}

void serveMetrics(http::Server& server, const metrics::Registry& registry) {
  server.handle("GET", "/metrics", [&registry](const http::ServerRequest&) {
    return http::ServerResponse{.contentType = std::string(metrics::kTextContentType),
                                .body = registry.printText()};
  });
}

}  // namespace iop::kube::runtime
