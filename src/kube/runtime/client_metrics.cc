#include "kube/runtime/client_metrics.h"

#include <string>

namespace iop::kube::runtime {

std::function<void(const client::ObservedRequest&)> observeRequests(metrics::Registry& registry) {
  return [&registry](const client::ObservedRequest& request) {
    const std::string code = request.code == 0 ? "<error>" : std::to_string(request.code);
    const std::string host(request.host);
    registry
        .counter("rest_client_requests_total",
                 "Number of HTTP requests, partitioned by status code, method, and host.",
                 {{"code", code}, {"method", std::string(request.method)}, {"host", host}})
        .increment();
    registry
        .histogram("rest_client_request_duration_seconds",
                   "Request latency in seconds. Broken down by verb, and host.",
                   {0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60},
                   {{"verb", std::string(request.verb)}, {"host", host}})
        .observe(request.seconds);
  };
}

}  // namespace iop::kube::runtime
