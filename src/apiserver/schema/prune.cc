// What the schema does not know is dropped (apiextensions-apiserver, pkg/apiserver/schema/pruning).

#include <algorithm>
#include <iterator>

#include "apiserver/schema/schema.h"

namespace iop::apiserver::schema {
namespace {

class Pruner {
 public:
  // The value without what is unknown; nothing where all of it is known, so that objects without
  // unknown fields are not copied.
  std::optional<Value> prune(const Value& value, const Schema& schema) {
    if (value.isObject()) return pruneObject(value, schema);
    if (value.isArray() && schema.items != nullptr) return pruneArray(value, *schema.items);
    return std::nullopt;
  }

  std::vector<std::string> takeDropped() {
    std::sort(dropped_.begin(), dropped_.end());
    std::sort(droppedOfMeta_.begin(), droppedOfMeta_.end());
    std::move(droppedOfMeta_.begin(), droppedOfMeta_.end(), std::back_inserter(dropped_));
    return std::move(dropped_);
  }

 private:
  std::optional<Value> pruneObject(const Value& object, const Schema& schema) {
    std::optional<Value> changed;
    const std::size_t length = path_.size();
    for (const Member& member : object.members()) {
      const std::string_view key = member.key();
      const Schema* known = schema.find(key);
      const bool keep =
          known != nullptr || schema.preserveUnknownFields || schema.additionalAllowed;
      if (keep && (known == nullptr || member.value.size() == 0)) continue;
      if (length > 0) path_ += '.';
      path_ += key;
      if (!keep) {
        if (!changed) changed = object;
        changed->erase(key);
        (inMeta_ ? droppedOfMeta_ : dropped_).push_back(path_);
      } else {
        const bool outer = inMeta_;
        inMeta_ = outer || (schema.embeddedResource && key == "metadata");
        if (std::optional<Value> inner = prune(member.value, *known)) {
          if (!changed) changed = object;
          changed->set(key, std::move(*inner));
        }
        inMeta_ = outer;
      }
      path_.resize(length);
    }
    return changed;
  }

  std::optional<Value> pruneArray(const Value& array, const Schema& items) {
    std::optional<Value> changed;
    const std::size_t length = path_.size();
    for (std::size_t i = 0; i < array.size(); ++i) {
      path_ += '[';
      path_ += std::to_string(i);
      path_ += ']';
      if (std::optional<Value> inner = prune(array.at(i), items)) {
        if (!changed) changed = array;
        changed->editItem(i) = std::move(*inner);
      }
      path_.resize(length);
    }
    return changed;
  }

  std::string path_;
  std::vector<std::string> dropped_;
  // In the metadata of embedded resources: the server tells of these last.
  std::vector<std::string> droppedOfMeta_;
  bool inMeta_ = false;
};

}  // namespace

std::vector<std::string> prune(Value& object, const Schema& schema) {
  Pruner pruner;
  if (std::optional<Value> changed = pruner.prune(object, schema)) object = std::move(*changed);
  return pruner.takeDropped();
}

}  // namespace iop::apiserver::schema
