#include "kube/client/internal/discovery.h"

#include "base/log.h"
#include "kube/api/object.h"

namespace iop::kube::client::internal {
namespace {

constexpr std::string_view kAggregatedAccept =
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,"
    "application/json";
constexpr std::size_t kMaxUnknownKinds = 1000;

std::string printGroupVersion(const std::string& group, const std::string& version) {
  return group.empty() ? version : group + "/" + version;
}

}  // namespace

Result<api::Resource> Discovery::resolve(const api::GroupVersionKind& kind,
                                         const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  Root& root = rootOf(kind.group);
  if (const auto found = root.kinds.find(kind); found != root.kinds.end()) return found->second;
  if (isKnownToBeUnknown(kind)) return tl::unexpected(unknown(kind, root));
  if (root.refreshedAt && clock_.instant() < *root.refreshedAt + kMinInterval) {
    if (root.error) return tl::unexpected(*root.error);
  } else {
    RETURN_IF_ERROR(refresh(lock, root, stop));
  }
  if (const auto found = root.kinds.find(kind); found != root.kinds.end()) return found->second;
  unknownSince_.emplace(kind, clock_.instant());
  return tl::unexpected(unknown(kind, root));
}

Result<std::vector<api::Resource>> Discovery::all(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  std::vector<api::Resource> out;
  for (Root* root : {&core_, &groups_}) {
    RETURN_IF_ERROR(refresh(lock, *root, stop));
    for (const auto& [kind, resource] : root->kinds) out.push_back(resource);
  }
  return out;
}

void Discovery::forget(const api::Resource& resource) {
  const std::lock_guard lock(mutex_);
  Root& root = rootOf(resource.group);
  root.kinds.erase(resource.gvk());
  root.etag.clear();  // it stood for what was just taken away
}

bool Discovery::isKnownToBeUnknown(const api::GroupVersionKind& kind) {
  const base::Instant now = clock_.instant();
  if (unknownSince_.size() > kMaxUnknownKinds) {
    std::erase_if(unknownSince_,
                  [&](const auto& entry) { return now >= entry.second + kUnknownKindPause; });
  }
  const auto found = unknownSince_.find(kind);
  if (found == unknownSince_.end()) return false;
  if (now < found->second + kUnknownKindPause) return true;
  unknownSince_.erase(found);
  return false;
}

Error Discovery::unknown(const api::GroupVersionKind& kind, const Root& root) const {
  const std::string what = "kind '" + kind.kind + "' of '" + kind.apiVersion() + "'";
  const auto failed = root.failed.find({kind.group, kind.version});
  if (failed != root.failed.end()) {
    return {Code::ServiceUnavailable, what + ": discovery failed: " + failed->second, {}, 0};
  }
  return {Code::NotFound, "the server has no " + what, {}, 0};
}

// Leaves the lock while it asks.
Status Discovery::refresh(std::unique_lock<std::mutex>& lock, Root& root,
                          const std::stop_token& stop) {
  const int before = root.refreshes;
  while (root.isRefreshing) {
    const bool isOver = refreshed_.wait(lock, stop, [&root] { return !root.isRefreshing; });
    if (!isOver) return fail(Code::Canceled, "discover kinds: canceled");
    // What others were told is told to us, too; unless they gave up.
    if (root.refreshes != before)
      return root.error ? Status(tl::unexpected(*root.error)) : Status();
  }
  root.isRefreshing = true;
  const std::string etag = root.etag;
  lock.unlock();
  Result<Update> update = ask(&root == &core_, etag, stop);
  lock.lock();
  root.isRefreshing = false;
  refreshed_.notify_all();
  if (!update && update.error().code == Code::Canceled) return tl::unexpected(update.error());
  ++root.refreshes;
  root.refreshedAt = clock_.instant();
  root.error.reset();
  if (!update) {
    root.error = update.error();
    return tl::unexpected(update.error());
  }
  // A tag that forget() took away meanwhile was of an older answer than this one.
  if (update->isUnchanged) return {};
  for (const auto& [kind, resource] : root.kinds) {
    if (update->failed.contains({kind.group, kind.version})) update->kinds.emplace(kind, resource);
  }
  for (const auto& [version, why] : update->failed) {
    if (root.failed.contains(version)) continue;
    log::warn("api discovery is incomplete",
              {{"groupVersion", printGroupVersion(version.first, version.second)}, {"error", why}});
  }
  root.kinds = std::move(update->kinds);
  root.failed = std::move(update->failed);
  root.etag = std::move(update->etag);
  return {};
}

Result<Discovery::Update> Discovery::ask(bool isCore, const std::string& etag,
                                         const std::stop_token& stop) const {
  ASSIGN_OR_RETURN(DiscoveryAnswer answer,
                   fetch_({isCore ? "/api" : "/apis", std::string(kAggregatedAccept), etag}, stop)
                       .map_error(addContext("discover kinds")));
  Update update;
  update.isUnchanged = answer.isUnchanged;
  if (update.isUnchanged) return update;
  if (!answer.isAggregated && !isCore) return askEachGroup(answer.body, stop);
  if (!answer.isAggregated) {
    for (const Value& version : answer.body["versions"].items()) {
      RETURN_IF_ERROR(askGroupVersion({"", version.toString()}, update, stop));
    }
    return update;
  }
  update.etag = std::move(answer.etag);
  for (const Value& group : answer.body["items"].items()) {
    const std::string groupName = group["metadata"]["name"].toString();
    for (const Value& version : group["versions"].items()) {
      const std::string versionName = version["version"].toString();
      if (version["freshness"].asString() == "Stale") {
        update.failed[{groupName, versionName}] = "its API server does not answer";
        continue;
      }
      for (const Value& resource : version["resources"].items()) {
        const std::string kind = resource["responseKind"]["kind"].toString();
        if (kind.empty()) continue;
        update.kinds.emplace(api::GroupVersionKind{groupName, versionName, kind},
                             api::Resource{groupName, versionName, resource["resource"].toString(),
                                           kind, resource["scope"].asString() == "Namespaced"});
      }
    }
  }
  // An answer with holes must not be kept by its tag: it does not change when they are filled.
  if (!update.failed.empty()) update.etag.clear();
  return update;
}

// As servers before 1.26 have it: a list of groups, and a list of resources for each version of
// each group.
Result<Discovery::Update> Discovery::askEachGroup(const Value& groups,
                                                  const std::stop_token& stop) const {
  Update update;
  for (const Value& group : groups["groups"].items()) {
    for (const Value& version : group["versions"].items()) {
      const api::GroupVersionKind kind = api::parseKind(version["groupVersion"].asString(), "");
      RETURN_IF_ERROR(askGroupVersion({kind.group, kind.version}, update, stop));
    }
  }
  return update;
}

// Only being canceled is an error.
Status Discovery::askGroupVersion(const GroupVersion& version, Update& update,
                                  const std::stop_token& stop) const {
  const auto& [groupName, versionName] = version;
  const std::string path =
      (groupName.empty() ? "/api/" : "/apis/") + printGroupVersion(groupName, versionName);
  const Result<DiscoveryAnswer> answer = fetch_({path, "application/json", ""}, stop);
  if (!answer) {
    if (answer.error().code == Code::Canceled) return tl::unexpected(answer.error());
    update.failed[version] = answer.error().message;
    return {};
  }
  for (const Value& resource : answer->body["resources"].items()) {
    const std::string plural = resource["name"].toString();
    if (plural.find('/') != std::string::npos) continue;  // a subresource
    const std::string kind = resource["kind"].toString();
    update.kinds.emplace(
        api::GroupVersionKind{groupName, versionName, kind},
        api::Resource{groupName, versionName, plural, kind, resource["namespaced"].asBool()});
  }
  return {};
}

}  // namespace iop::kube::client::internal
