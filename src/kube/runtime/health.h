#pragma once

// Probes and metrics over HTTP, with the paths, parameters and texts of Go's controller-runtime and
// API server.
//
//   HealthChecks ready;
//   ready.add("informers", [&] { return informer.hasSynced() ? Status() :
//   fail(Code::ServiceUnavailable, "syncing"); }); serveHealth(server, "readyz", ready);
//   serveMetrics(server, registry);
//
//   GET /readyz            200 "ok", or 500 with one line a check
//   GET /readyz?verbose    "[+]informers ok" … "readyz check passed"
//   GET /readyz?exclude=informers
//   GET /readyz/informers  one check
//
// Flow: each request runs the checks, in the order of their names, on the server's thread.
// Guarantees: why a check fails is logged, not told to the caller ("reason withheld").
// Assumptions: checks are quick; what a check refers to outlives the server's last request.
// Caveats: liveness should not depend on the API server, or its outage restarts all its clients.
// Errors: none.

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "base/metrics.h"
#include "base/result.h"
#include "http/server.h"

namespace iop::kube::runtime {

// Thread-safe.
class HealthChecks {
 public:
  using Check = std::function<Status()>;

  // Takes the place of an earlier check of that name. Without any check there is one, "ping", that
  // passes.
  void add(std::string name, Check check);

  // The answer to a request at "/<endpoint>" or "/<endpoint>/<check>".
  http::ServerResponse respond(std::string_view endpoint, const http::ServerRequest& request) const;

 private:
  std::map<std::string, Check> checks() const;

  mutable std::mutex mutex_;
  std::map<std::string, Check> checks_;
};

// `endpoint`: "healthz", "readyz" or "livez". The checks and the registry must outlive the server.
void serveHealth(http::Server& server, std::string_view endpoint, const HealthChecks& checks);
// At /metrics.
void serveMetrics(http::Server& server, const metrics::Registry& registry);

}  // namespace iop::kube::runtime
