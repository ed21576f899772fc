#include "kube/runtime/leader_election.h"

#include <unistd.h>

#include <algorithm>
#include <mutex>
#include <thread>
#include <utility>

#include "base/log.h"
#include "base/time.h"
#include "kube/api/object.h"
#include "kube/runtime/internal/wait.h"

namespace iop::kube::runtime {
namespace {

using base::Duration;
using base::Instant;

// How much longer than retryPeriod a candidate waits at most, as a factor (client-go's
// JitterFactor).
constexpr double kJitter = 1.2;

const api::Resource& leases() {
  static const api::Resource resource{"coordination.k8s.io", "v1", "leases", "Lease", true};
  return resource;
}

std::string holderOf(const Value& lease) { return lease["spec"]["holderIdentity"].toString(); }

}  // namespace

std::string makeIdentity() {
  char host[256] = {};
  gethostname(host, sizeof(host) - 1);
  return std::string(host) + "_" + randomUuid();
}

struct LeaderElector::Impl {
  Impl(client::Client& clientToUse, base::Clock& clockToUse, LeaderElectionOptions optionsToUse,
       LeaderElectionCallbacks callbacksToUse)
      : client(clientToUse),
        clock(clockToUse),
        options(std::move(optionsToUse)),
        callbacks(std::move(callbacksToUse)),
        key{options.namespaceName, options.name} {
    if (!options.random) options.random = makeRandom();
    if (options.metrics == nullptr) return;
    const metrics::Labels labels = {{"name", options.name}};
    isMaster = options.metrics->gauge("leader_election_master_status",
                                      "Gauge of if the reporting system is master of the relevant "
                                      "lease, 0 indicates backup, 1 indicates master.",
                                      labels);
    slowPaths = options.metrics->counter(
        "leader_election_slowpath_total",
        "Total number of slow path exercised in renewing leader leases.", labels);
  }

  void run(const std::stop_token& stop) {
    if (!acquire(stop)) return;
    setLeading(true);
    log::info("leading", {{"lease", key.print()}, {"identity", options.identity}});
    if (callbacks.onStarted) callbacks.onStarted();
    const bool lost = !renewUntilStopped(stop);
    if (!lost && options.releaseOnStop) release();
    setLeading(false);
    if (!lost) return;
    log::error("leadership lost", {{"lease", key.print()}, {"identity", options.identity}});
    if (callbacks.onLost) callbacks.onLost();
  }

  // True once we lead; false if we are to stop.
  bool acquire(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      if (tryAcquireOrRenew(stop, attemptTimeout())) return true;
      const double jitter = 1 + kJitter * options.random();
      if (!sleepFor(clock, scale(options.retryPeriod, jitter), stop)) return false;
    }
    return false;
  }

  // True if we are to stop; false if the lease is lost.
  bool renewUntilStopped(const std::stop_token& stop) {
    while (sleepFor(clock, options.retryPeriod, stop)) {
      const Instant deadline = clock.instant() + options.renewDeadline;
      while (!tryAcquireOrRenew(stop, std::min(attemptTimeout(), deadline - clock.instant()))) {
        if (stop.stop_requested()) return true;
        const Duration left = deadline - clock.instant();
        if (left <= options.retryPeriod) {
          // Nothing can be tried before the deadline any more.
          return !sleepFor(clock, left, stop);
        }
        if (!sleepFor(clock, options.retryPeriod, stop)) return true;
      }
    }
    return true;
  }

  // So short that several attempts fit into the deadline.
  Duration attemptTimeout() const {
    return std::max<Duration>(std::chrono::seconds(1), options.renewDeadline / 2);
  }

  client::CallOptions callOptions(Duration timeout, const std::stop_token& stop) const {
    client::CallOptions call;
    call.timeout = std::max(std::chrono::milliseconds(100),
                            std::chrono::duration_cast<std::chrono::milliseconds>(timeout));
    call.stop = stop;
    return call;
  }

  bool tryAcquireOrRenew(const std::stop_token& stop, Duration timeout) {
    const client::CallOptions call = callOptions(timeout, stop);
    if (isHolding() && renewFast(call)) return true;

    Result<Value> lease = client.get(leases(), key, call);
    if (!lease && lease.error().isNotFound()) return write(makeLease(), true, call, "create");
    if (!lease) return failed("read", lease.error());
    observe(*lease);
    if (isHeldByOther(*lease)) return false;
    return write(claim(std::move(*lease)), false, call, "take");
  }

  // While we hold the lease nobody else changes it: writing on the version we know saves the read.
  bool renewFast(const client::CallOptions& call) {
    if (write(claim(observedLease()), false, call, "renew")) return true;
    slowPaths.increment();
    return false;
  }

  bool write(const Value& lease, bool isNew, const client::CallOptions& call, const char* what) {
    const Result<Value> written = isNew ? client.create(leases(), key.namespaceName, lease, call)
                                        : client.update(leases(), key, lease, call);
    if (!written) return failed(what, written.error());
    observe(*written);
    return true;
  }

  bool failed(const char* what, const Error& error) const {
    log::warn("leader election attempt failed",
              {{"lease", key.print()}, {"attempt", what}, {"error", error.message}});
    return false;
  }

  Value makeLease() const {
    Value lease = Value::object(
        {{"apiVersion", leases().apiVersion()},
         {"kind", leases().kind},
         {"metadata",
          Value::object({{"name", options.name}, {"namespace", options.namespaceName}})}});
    writeSpec(lease, 0, {});
    return lease;
  }

  // The lease with us as its holder from now on.
  Value claim(Value lease) const {
    const bool isMine = holderOf(lease) == options.identity;
    const Value acquireTime = isMine ? lease["spec"]["acquireTime"] : Value();
    const std::int64_t transitions = lease["spec"]["leaseTransitions"].asInt() + (isMine ? 0 : 1);
    writeSpec(lease, transitions, acquireTime);
    return lease;
  }

  void writeSpec(Value& lease, std::int64_t transitions, const Value& acquireTime) const {
    const std::string now = base::printMicroTime(clock.now());
    Value& spec = lease.edit("spec");
    spec.set("holderIdentity", options.identity);
    spec.set("leaseDurationSeconds",
             std::chrono::duration_cast<std::chrono::seconds>(options.leaseDuration).count());
    spec.set("acquireTime", acquireTime.isString() ? acquireTime : Value(now));
    spec.set("renewTime", now);
    spec.set("leaseTransitions", transitions);
  }

  // Gives the lease to whoever comes next. Best effort: without it, the next one waits for the
  // lease to run out.
  void release() {
    const client::CallOptions call = callOptions(attemptTimeout(), {});
    Result<Value> lease = client.get(leases(), key, call);
    if (!lease || holderOf(*lease) != options.identity) return;
    const std::string now = base::printMicroTime(clock.now());
    Value& spec = lease->edit("spec");
    spec.set("holderIdentity", "");
    spec.set("leaseDurationSeconds", 1);
    spec.set("acquireTime", now);
    spec.set("renewTime", now);
    write(*lease, false, call, "release");
  }

  // --- What we have seen of the lease ---

  void observe(const Value& lease) {
    const std::string holder = holderOf(lease);
    bool isNewHolder = false;
    {
      std::lock_guard guard(mutex);
      if (observed["spec"] == lease["spec"] && !observed.isNull()) {
        observed = lease;  // its version may be another
        return;
      }
      isNewHolder = holderOf(observed) != holder;
      observed = lease;
      observedAt = clock.instant();
    }
    if (isNewHolder && !holder.empty() && callbacks.onNewLeader) callbacks.onNewLeader(holder);
  }

  Value observedLease() const {
    std::lock_guard guard(mutex);
    return observed;
  }

  bool isHolding() const {
    std::lock_guard guard(mutex);
    return holderOf(observed) == options.identity &&
           observedAt + options.leaseDuration > clock.instant();
  }

  bool isHeldByOther(const Value& lease) const {
    const std::string holder = holderOf(lease);
    if (holder.empty() || holder == options.identity) return false;
    const std::chrono::seconds duration(lease["spec"]["leaseDurationSeconds"].asInt());
    std::lock_guard guard(mutex);
    return observedAt + duration > clock.instant();
  }

  void setLeading(bool value) {
    std::lock_guard guard(mutex);
    leading = value;
    isMaster.set(value ? 1 : 0);
  }

  client::Client& client;
  base::Clock& clock;
  LeaderElectionOptions options;
  LeaderElectionCallbacks callbacks;
  const api::ObjectKey key;
  metrics::Gauge isMaster;
  metrics::Counter slowPaths;

  mutable std::mutex mutex;
  Value observed;        // the lease as last seen
  Instant observedAt{};  // when its record last changed, by our monotonic clock
  bool leading = false;

  std::jthread thread;
};

LeaderElector::LeaderElector(client::Client& client, base::Clock& clock,
                             LeaderElectionOptions options, LeaderElectionCallbacks callbacks)
    : impl_(std::make_unique<Impl>(client, clock, std::move(options), std::move(callbacks))) {}

LeaderElector::~LeaderElector() { stop(); }

Status LeaderElector::validate(const LeaderElectionOptions& options) {
  const auto invalid = [](const std::string& what) {
    return fail(Code::Invalid, "leader election: " + what);
  };
  if (options.name.empty() || options.namespaceName.empty()) {
    return invalid("the lease needs a namespace and a name");
  }
  if (options.identity.empty()) return invalid("the identity is empty");
  if (options.retryPeriod <= Duration::zero()) {
    return invalid("the retry period must be positive");
  }
  if (options.renewDeadline <= scale(options.retryPeriod, kJitter)) {
    return invalid("the renew deadline must be more than 1.2 times the retry period");
  }
  if (options.leaseDuration <= options.renewDeadline) {
    return invalid("the lease duration must be longer than the renew deadline");
  }
  if (options.leaseDuration < std::chrono::seconds(1)) {
    return invalid("the lease duration must be at least a second");
  }
  return {};
}

void LeaderElector::start() {
  ASSERT(validate(impl_->options).has_value());
  impl_->thread = std::jthread([impl = impl_.get()](std::stop_token stop) { impl->run(stop); });
}

void LeaderElector::stop() {
  if (!impl_->thread.joinable()) return;
  impl_->thread.request_stop();
  impl_->thread.join();
}

bool LeaderElector::isLeader() const {
  std::lock_guard guard(impl_->mutex);
  return impl_->leading;
}

std::string LeaderElector::leader() const { return holderOf(impl_->observedLease()); }

Status LeaderElector::check(Duration tolerance) const {
  std::lock_guard guard(impl_->mutex);
  const Instant expiry = impl_->observedAt + impl_->options.leaseDuration + tolerance;
  if (!impl_->leading || impl_->clock.instant() <= expiry) return {};
  return fail(Code::Timeout, "the lease has run out, but the process still leads");
}

}  // namespace iop::kube::runtime
