#include "apiserver/storage/internal/subscribers.h"

#include <algorithm>
#include <utility>

#include "base/result.h"

namespace iop::apiserver::storage {

void Subscribers::add(const std::string& namespaceName, const std::string& name, OnePtr one) {
  scopes_[Scope(namespaceName, name)].push_back(std::move(one));
}

void Subscribers::remove(std::string_view namespaceName, std::string_view name,
                         std::uint64_t number) {
  const auto scope = scopes_.find(ScopeView(namespaceName, name));
  ASSERT(scope != scopes_.end());
  std::vector<OnePtr>& ones = scope->second;
  const auto found = std::lower_bound(
      ones.begin(), ones.end(), number,
      [](const OnePtr& one, std::uint64_t wanted) { return one->number < wanted; });
  ASSERT(found != ones.end() && (*found)->number == number);
  if (telling_ > 0) {
    // Somebody walks over this list.
    (*found)->isGone = true;
    gone_.push_back(scope->first);
    return;
  }
  ones.erase(found);
  if (ones.empty()) scopes_.erase(scope);
}

void Subscribers::dispatch(const ChangePtr& change) {
  if (scopes_.empty()) return;
  const std::string_view namespaceName = change->key.namespaceName;
  const std::string_view name = change->key.name;
  ++telling_;
  dispatchTo({"", ""}, change);
  dispatchTo({"", name}, change);
  if (!namespaceName.empty()) {
    dispatchTo({namespaceName, ""}, change);
    dispatchTo({namespaceName, name}, change);
  }
  if (--telling_ == 0) sweep();
}

void Subscribers::dispatchTo(ScopeView scope, const ChangePtr& change) {
  const auto found = scopes_.find(scope);
  if (found == scopes_.end()) return;
  // The list may grow meanwhile: new ones have heard of this change from the history.
  const std::size_t size = found->second.size();
  for (std::size_t i = 0; i < size; ++i) {
    const OnePtr one = found->second[i];
    if (!one->isGone && one->after < change->version) one->onChange(change);
  }
}

void Subscribers::sweep() {
  for (const Scope& gone : std::exchange(gone_, {})) {
    const auto scope = scopes_.find(gone);
    if (scope == scopes_.end()) continue;
    std::erase_if(scope->second, [](const OnePtr& one) { return one->isGone; });
    if (scope->second.empty()) scopes_.erase(scope);
  }
}

}  // namespace iop::apiserver::storage
