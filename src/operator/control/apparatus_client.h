#pragma once

// Calls a side's own code (apparatus.md).
//
//   ApparatusClient apparatus({});
//   Status delivered = apparatus.deliver(call, plug, socket, stop);
//
// Errors: cause kApparatusNotRunning where the request never reached a server, kApparatusFailed for
// everything else; the message has the URL, the HTTP status and the beginning of the answer's text.
//
// Thread-safe.

#include <chrono>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "http/client.h"
#include "operator/coupling/plan.h"
#include "operator/coupling/snapshot.h"

namespace iop::operators::control {

class ApparatusClient {
 public:
  struct Options {
    std::chrono::milliseconds connectTimeout{5'000};
    std::chrono::milliseconds timeout{30'000};
    std::string proxy;  // empty: none
  };

  explicit ApparatusClient(Options options);

  // POST of an event. `plug` and `socket` are "namespace/name", empty where the event is not of
  // that one.
  Status deliver(const coupling::Call& call, const std::string& plug, const std::string& socket,
                 std::stop_token stop);
  // GET /ping of a base URL: success when it answers with 2xx.
  Status ping(const std::string& url, std::stop_token stop);
  // The answer to POST /config, an object.
  Result<Value> config(const coupling::ConfigRequest& request, const std::string& plug,
                       const std::string& socket, std::stop_token stop);

 private:
  Result<std::string> send(http::Request request);
  Result<std::string> post(const std::string& url, const Value& body, http::Headers headers,
                           std::stop_token stop);

  Options options_;
  http::Client client_;
};

}  // namespace iop::operators::control
