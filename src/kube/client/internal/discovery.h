#pragma once

// Which kinds the server serves, and where.
//
//   Discovery discovery(fetch, clock);
//   ASSIGN_OR_RETURN(Resource plugs, discovery.resolve({"integration.example.com", "v1", "Plug"},
//   stop));
//
// One request each for the core group and for all others (aggregated discovery, KEP-3352), or
// several from servers that have none. A part of the answer that is missing, because an aggregated
// API server is down, keeps what was known of it. Several threads that miss kinds at the same time
// share one refresh.
//
// Thread-safe.

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "kube/api/types.h"
#include "value/value.h"

namespace iop::kube::client::internal {

struct DiscoveryRequest {
  std::string path;  // "/apis"
  std::string accept;
  std::string etag;  // of what is known; empty: nothing is
};
struct DiscoveryAnswer {
  bool isUnchanged = false;  // 304
  bool isAggregated = false;
  std::string etag;
  Value body;
};

class Discovery {
 public:
  using Fetch =
      std::function<Result<DiscoveryAnswer>(const DiscoveryRequest&, const std::stop_token&)>;

  // An answer of the server is good for so long, whatever kind is missing in it.
  static constexpr std::chrono::seconds kMinInterval{1};
  // A kind that is unknown is looked for again after so long.
  static constexpr std::chrono::seconds kUnknownKindPause{3};

  Discovery(Fetch fetch, base::Clock& clock) : fetch_(std::move(fetch)), clock_(clock) {}

  // Errors: NotFound; ServiceUnavailable where the kind's group could not be asked for; those of
  // `fetch`.
  Result<api::Resource> resolve(const api::GroupVersionKind& kind, const std::stop_token& stop);
  // Everything, asked for now.
  Result<std::vector<api::Resource>> all(const std::stop_token& stop);
  // The server did not know the resource: resolve() asks again.
  void forget(const api::Resource& resource);

 private:
  using Kinds = std::map<api::GroupVersionKind, api::Resource>;
  using GroupVersion = std::pair<std::string, std::string>;
  // What one request is good for: the core group, or all others.
  struct Root {
    Kinds kinds;
    std::map<GroupVersion, std::string> failed;  // and why
    std::string etag;
    std::optional<base::Instant> refreshedAt;
    std::optional<Error> error;  // of the last refresh
    bool isRefreshing = false;
    int refreshes = 0;  // that came to an end
  };
  struct Update {
    bool isUnchanged = false;
    std::string etag;
    Kinds kinds;
    std::map<GroupVersion, std::string> failed;
  };

  Root& rootOf(const std::string& group) { return group.empty() ? core_ : groups_; }
  Status refresh(std::unique_lock<std::mutex>& lock, Root& root, const std::stop_token& stop);
  Result<Update> ask(bool isCore, const std::string& etag, const std::stop_token& stop) const;
  Result<Update> askEachGroup(const Value& groups, const std::stop_token& stop) const;
  Status askGroupVersion(const GroupVersion& version, Update& update,
                         const std::stop_token& stop) const;
  Error unknown(const api::GroupVersionKind& kind, const Root& root) const;
  bool isKnownToBeUnknown(const api::GroupVersionKind& kind);

  const Fetch fetch_;
  base::Clock& clock_;
  std::mutex mutex_;
  std::condition_variable_any refreshed_;
  Root core_;
  Root groups_;
  std::map<api::GroupVersionKind, base::Instant> unknownSince_;
};

}  // namespace iop::kube::client::internal
