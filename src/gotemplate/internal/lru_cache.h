#pragma once

// The values that were used last, found by a text.
//
//   LruCache<RegexpPtr> cache(64);
//   if (auto known = cache.find(pattern)) return *known;
//   cache.insert(pattern, expression);      // drops the one that was unused for the longest time
//
// Thread-safe. Values are copied out: keep shared pointers in it.

#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace iop::gotemplate::internal {

template <typename Value>
class LruCache {
 public:
  explicit LruCache(std::size_t capacity) : capacity_(capacity) {}

  std::optional<Value> find(std::string_view key) {
    const std::lock_guard lock(mutex_);
    const auto found = byKey_.find(key);
    if (found == byKey_.end()) return std::nullopt;
    recent_.splice(recent_.begin(), recent_, found->second);
    return found->second->second;
  }

  // Keeps what is there already under that key.
  void insert(std::string_view key, Value value) {
    const std::lock_guard lock(mutex_);
    if (byKey_.contains(key)) return;
    recent_.emplace_front(std::string(key), std::move(value));
    byKey_.emplace(recent_.front().first, recent_.begin());
    if (recent_.size() <= capacity_) return;
    byKey_.erase(recent_.back().first);
    recent_.pop_back();
  }

 private:
  using Entries = std::list<std::pair<std::string, Value>>;

  const std::size_t capacity_;
  std::mutex mutex_;
  Entries recent_;  // the last one used first
  std::unordered_map<std::string_view, typename Entries::iterator> byKey_;  // keys live in recent_
};

}  // namespace iop::gotemplate::internal
