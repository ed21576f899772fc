#pragma once

// The metrics of a RestClient, under the names of client-go.
//
//   RestClient::create(config, {.observe = observeRequests(registry)});
//   rest_client_requests_total{code="200",method="GET",host="10.0.0.1:6443"} 17
//
// Flow: each attempt of a request counts by code, method and host ("<error>" where there was no
// answer), and its duration goes into rest_client_request_duration_seconds by verb and host; a
// watch's is the time until it stands.
// Guarantees: the returned function is thread-safe. Assumptions: the registry outlives the client.
// Caveats: none. Errors: none.

#include <functional>

#include "base/metrics.h"
#include "kube/client/rest_client.h"

namespace iop::kube::runtime {

std::function<void(const client::ObservedRequest&)> observeRequests(metrics::Registry& registry);

}  // namespace iop::kube::runtime
