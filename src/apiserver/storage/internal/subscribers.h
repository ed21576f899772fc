#pragma once

// Who wants to hear of the changes of one table, found by the key of a change without looking at
// the others.
//
// Whoever hears of a change may add and remove any of them, itself included. Not thread-safe.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "apiserver/storage/storage.h"

namespace iop::apiserver::storage {

class Subscribers {
 public:
  struct One {
    std::uint64_t number = 0;
    std::uint64_t after = 0;  // it has heard of everything up to here
    bool isGone = false;
    Storage::Subscriber onChange;
  };
  using OnePtr = std::shared_ptr<One>;

  bool isEmpty() const { return scopes_.empty(); }
  // Empty names stand for all. Numbers only grow.
  void add(const std::string& namespaceName, const std::string& name, OnePtr one);
  // It must be there. It hears of nothing any more.
  void remove(std::string_view namespaceName, std::string_view name, std::uint64_t number);
  void dispatch(const ChangePtr& change);

 private:
  using Scope = std::pair<std::string, std::string>;
  using ScopeView = std::pair<std::string_view, std::string_view>;
  struct ScopeOrder {
    using is_transparent = void;  // NOLINT(readability-identifier-naming): the standard's name
    template <typename A, typename B>
    bool operator()(const A& a, const B& b) const {
      return ScopeView(a.first, a.second) < ScopeView(b.first, b.second);
    }
  };

  void dispatchTo(ScopeView scope, const ChangePtr& change);
  void sweep();

  // None is empty, but while a change is told.
  std::map<Scope, std::vector<OnePtr>, ScopeOrder> scopes_;
  int telling_ = 0;
  std::vector<Scope> gone_;  // where some have gone while a change was told
};

}  // namespace iop::apiserver::storage
