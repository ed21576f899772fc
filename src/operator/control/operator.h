#pragma once

// The whole operator in one object: caches, controllers, election, probes and metrics.
//
//   Operator theOperator(options);
//   RETURN_IF_ERROR(theOperator.start());
//   …until asked to stop…
//   theOperator.stop();
//
// Flow: probes and metrics listen first; the caches fill; with leader election the controllers
// begin when this process leads. stop() finishes what is in flight, sends the last events, gives
// the lease back.
// Errors: what keeps it from starting: no configuration, a port that is taken, a server that cannot
// be reached is waited for.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"

namespace iop::operators::control {

struct OperatorOptions {
  std::string kubeconfig;
  std::string metricsAddress = ":8080";  // "0": none
  std::string healthAddress = ":8081";   // "0": none
  bool leaderElect = false;
  std::string leaderElectionNamespace;  // empty: the pod's
  std::chrono::milliseconds leaseDuration{15'000};
  std::chrono::milliseconds renewDeadline{10'000};
  std::chrono::milliseconds retryPeriod{2'000};
  std::vector<std::string> watchNamespaces;  // empty: all
  int maxConcurrentReconciles = 0;           // 0: kDefaultWorkers
  std::string debugPlugEndpoint;
  std::string debugSocketEndpoint;
  std::string clusterDomain = "cluster.local";
  std::chrono::seconds apparatusTimeout{30};
  std::chrono::seconds shutdownGrace{25};
};

inline constexpr int kDefaultWorkers = 16;
inline constexpr char kLeaseName[] = "integration-operator.rock8s.com";

class Operator {
 public:
  // `onLost` is called when another has taken the lead: the process has to end.
  Operator(OperatorOptions options, std::function<void()> onLost);
  ~Operator();
  Operator(const Operator&) = delete;
  Operator& operator=(const Operator&) = delete;

  Status start();
  // True if everything in flight was finished.
  bool stop();

  // Where probes and metrics listen; 0 if they do not.
  std::uint16_t healthPort() const;
  std::uint16_t metricsPort() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace iop::operators::control
