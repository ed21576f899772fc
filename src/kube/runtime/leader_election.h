#pragma once

// One of several replicas leads: who holds a coordination.k8s.io/v1 Lease.
//
//   LeaderElector elector(electionClient, clock, {.namespaceName = "ops", .name = "iop", .identity
//   = "pod-0_7f…"},
//                         {.onStarted = [&] { startControllers(); }, .onLost = [] { std::_Exit(1);
//                         }});
//   elector.start();
//   …
//   stopControllers();
//   elector.stop();      // gives the lease back, so that the next one need not wait
//
// Flow: tries to take the lease each retryPeriod (with jitter) while another holds it; leads;
// renews each retryPeriod. A renewal that has not succeeded for renewDeadline means the lead is
// lost.
// Guarantees: two electors of the same lease do not lead at the same time as long as their clocks
// run about equally fast; how far apart they are set does not matter: times in the lease are never
// compared with our clock, only whether the lease has been left alone for its duration since we saw
// it change (client-go tools/leaderelection).
// Assumptions: the client is one of its own, so that nothing delays renewals; all replicas use the
// same durations. What the leader does ends when the process does: onLost must end it.
// Caveats: a replica that takes over from one that died waits for up to leaseDuration.
// Errors: failed attempts are logged and retried. validate() tells what durations and names are no
// use.

#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/result.h"
#include "kube/client/client.h"

namespace iop::kube::runtime {

struct LeaderElectionOptions {
  std::string namespaceName = {};
  std::string name = {};
  std::string identity = {};  // unique among the replicas; see makeIdentity()
  base::Duration leaseDuration = std::chrono::seconds(15);
  base::Duration renewDeadline = std::chrono::seconds(10);
  base::Duration retryPeriod = std::chrono::seconds(2);
  bool releaseOnStop = true;
  std::function<double()> random = {};   // in [0, 1), for the jitter; empty: a generator of its own
  metrics::Registry* metrics = nullptr;  // outlives the elector
};

// Called on the elector's thread; any of them may be empty. They must not call stop().
struct LeaderElectionCallbacks {
  // We lead from now on. Renewals wait while it runs: it must be quick.
  std::function<void()> onStarted = {};
  // We led, and no longer do, without having been stopped. The process must end now.
  std::function<void()> onLost = {};
  // The holder has changed (to us, to another).
  std::function<void(const std::string& identity)> onNewLeader = {};
};

// "<host name>_<random UUID>".
std::string makeIdentity();

// Thread-safe.
class LeaderElector {
 public:
  // `client` and `clock` must outlive the elector.
  LeaderElector(client::Client& client, base::Clock& clock, LeaderElectionOptions options,
                LeaderElectionCallbacks callbacks);
  ~LeaderElector();  // stops
  LeaderElector(const LeaderElector&) = delete;
  LeaderElector& operator=(const LeaderElector&) = delete;

  // leaseDuration > renewDeadline > 1.2 · retryPeriod > 0, and there are names. Error: Invalid.
  static Status validate(const LeaderElectionOptions& options);

  // The options must be valid.
  void start();
  // Ends the election and, with releaseOnStop, gives the lease back. Everything that only a leader
  // may do must have ended before.
  void stop();

  bool isLeader() const;
  // Who leads as far as we know; empty: nobody.
  std::string leader() const;
  // For the liveness probe: an error if we believe to lead although the lease ran out more than
  // `tolerance` ago.
  Status check(base::Duration tolerance) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace iop::kube::runtime
