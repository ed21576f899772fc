#pragma once

// Many changes to one map: Value::set and erase move what stands behind the place, each time.
//
//   MapEdit edit(object);
//   edit.set("a", 1);
//   edit.erase("b");
//   Value changed = edit.take();   // linear in the size of the map
//
// Not thread-safe. The Value that it is made of must outlive it, unchanged.

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "value/value.h"

namespace iop::apiserver::schema {

class MapEdit {
 public:
  explicit MapEdit(const Value& base) : base_(base) {}

  const Value& base() const { return base_; }
  // The member as it is by now; null if there is none. Valid until that member changes.
  const Value* find(std::string_view name) const {
    const auto changed = changes_.find(name);
    if (changed == changes_.end()) return base_.find(name);
    return changed->second ? &*changed->second : nullptr;
  }
  void set(std::string_view name, Value value) { change(name) = std::move(value); }
  void erase(std::string_view name) { change(name) = std::nullopt; }

  // The map with all changes; the original itself where there are none. Ends the use of this.
  Value take() {
    if (changes_.empty()) return base_;
    std::vector<Member> out;
    out.reserve(base_.size() + changes_.size());
    auto next = changes_.begin();
    for (const Member& member : base_.members()) {
      for (; next != changes_.end() && next->first < member.key(); ++next) append(out, *next);
      if (next != changes_.end() && next->first == member.key()) {
        append(out, *next++);
      } else {
        out.push_back(member);
      }
    }
    for (; next != changes_.end(); ++next) append(out, *next);
    return Value::fromMembers(out);
  }

 private:
  using Changes = std::map<std::string, std::optional<Value>, std::less<>>;

  std::optional<Value>& change(std::string_view name) {
    const auto found = changes_.find(name);
    return found != changes_.end() ? found->second : changes_[std::string(name)];
  }
  static void append(std::vector<Member>& out, Changes::value_type& entry) {
    if (entry.second) out.emplace_back(entry.first, std::move(*entry.second));
  }

  const Value& base_;
  Changes changes_;
};

}  // namespace iop::apiserver::schema
