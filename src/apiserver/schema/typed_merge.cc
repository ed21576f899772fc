// One value laid over another, and fields taken away (structured-merge-diff, typed/merge.go and
// remove.go; fieldpath/set.go, EnsureNamedFieldsAreMembers).

#include <algorithm>
#include <span>
#include <unordered_map>
#include <utility>

#include "apiserver/schema/typed.h"
#include "apiserver/schema/typed_edit.h"

namespace iop::apiserver::schema {
namespace {

using Merged = tl::expected<Value, std::string>;

Merged mergeNode(const Value& live, const Value& config, const Typed& type, int depth);

bool isEmptyOrOther(const Value& value, Value::Type type) {
  return value.type() != type || value.empty();
}

tl::unexpected<std::string> failAt(std::string_view step, const std::string& message) {
  const bool joined = !message.empty() && (message[0] == '.' || message[0] == '[');
  return tl::unexpected(printStep(step) + (joined ? "" : ": ") + message);
}

Merged mergeMaps(const Value& live, const Value& config, const Typed& type, int depth) {
  if (!config.isObject()) return live;
  if (!live.isObject()) return config;
  MapEdit out(live);
  for (const Member& member : config.members()) {
    const Value* before = live.find(member.key());
    if (before == nullptr) {
      out.set(member.key(), member.value);
      continue;
    }
    Merged merged = mergeNode(*before, member.value, fieldType(type, member.key()).type, depth + 1);
    if (!merged) return failAt(fieldStep(member.key()).asString(), merged.error());
    if (!merged->isSame(*before)) out.set(member.key(), std::move(*merged));
  }
  return out.take();
}

// The items of a list by their steps.
struct ItemIndex {
  std::vector<std::string> steps;
  std::unordered_map<std::string_view, const Value*> items;  // null: there are several

  const Value* find(std::string_view step) const {
    const auto found = items.find(step);
    return found != items.end() ? found->second : nullptr;
  }
  bool contains(std::string_view step) const { return items.contains(step); }
};

tl::expected<ItemIndex, std::string> indexItems(const Value& list, const Typed& type,
                                                bool allowDuplicates) {
  ItemIndex out;
  out.steps.reserve(list.size());  // so that the views into it stay valid
  for (std::size_t i = 0; i < list.size(); ++i) {
    tl::expected<Value, std::string> step = itemStep(type, list.at(i));
    if (!step) return tl::unexpected("element " + std::to_string(i) + ": " + step.error());
    out.steps.push_back(step->toString());
    const auto [found, inserted] = out.items.try_emplace(out.steps.back(), &list.at(i));
    if (inserted) continue;
    if (!allowDuplicates)
      return tl::unexpected("duplicate entries for key " + printStep(out.steps.back()));
    found->second = nullptr;
  }
  return out;
}

Merged mergeLists(const Value& live, const Value& config, const Typed& type, int depth) {
  if (!config.isArray()) return live;
  if (!live.isArray()) return config;
  tl::expected<ItemIndex, std::string> right = indexItems(config, type, false);
  if (!right) return tl::unexpected(right.error());
  tl::expected<ItemIndex, std::string> left = indexItems(live, type, true);
  if (!left) return tl::unexpected(left.error());
  const Typed items = itemType(type);

  // The items that both have, in the order of `config`.
  std::vector<std::string_view> shared;
  for (const std::string& step : right->steps) {
    if (left->contains(step)) shared.push_back(step);
  }
  std::size_t nextShared = 0;
  std::unordered_map<std::string_view, bool> merged;
  std::vector<Value> out;
  out.reserve(std::max(live.size(), config.size()));
  const auto takeRight = [&](std::string_view step) -> tl::expected<void, std::string> {
    merged[step] = true;
    const Value* before = left->find(step);
    const Value* after = right->find(step);
    if (before == nullptr) {
      out.push_back(*after);
      return {};
    }
    Merged item = mergeNode(*before, *after, items, depth + 1);
    if (!item) return failAt(step, item.error());
    out.push_back(std::move(*item));
    return {};
  };

  std::size_t i = 0;
  std::size_t j = 0;
  while (i < left->steps.size() || j < right->steps.size()) {
    if (i < left->steps.size() && j < right->steps.size()) {
      const std::string& step = left->steps[i];
      if (step == right->steps[j]) {
        if (auto taken = takeRight(step); !taken) return tl::unexpected(taken.error());
        ++i;
        ++j;
        ++nextShared;
        continue;
      }
      if (right->contains(step) && nextShared < shared.size() && shared[nextShared] != step) {
        ++i;  // it comes later, where `config` has it
        continue;
      }
    }
    if (i < left->steps.size()) {
      const std::string& step = left->steps[i];
      if (!right->contains(step)) {
        out.push_back(live.at(i));
        ++i;
        continue;
      }
      if (merged.contains(step)) ++i;
    }
    if (j < right->steps.size()) {
      const std::string& step = right->steps[j];
      if (auto taken = takeRight(step); !taken) return tl::unexpected(taken.error());
      ++j;
      if (nextShared < shared.size() && shared[nextShared] == step) ++nextShared;
    }
  }
  return Value::fromItems(out);
}

Merged mergeNode(const Value& live, const Value& config, const Typed& type, int depth) {
  if (live.isSame(config)) return live;
  if (depth >= kMaxFieldDepth) return config;
  switch (shapeOf(type, config)) {
    case Shape::Scalar:
      break;
    case Shape::Map:
      if (isAtomicMap(type) || (isEmptyOrOther(live, Value::Type::Object) &&
                                isEmptyOrOther(config, Value::Type::Object))) {
        break;
      }
      return mergeMaps(live, config, type, depth);
    case Shape::List:
      if (listTypeOf(type) == Schema::ListType::Atomic ||
          (isEmptyOrOther(live, Value::Type::Array) &&
           isEmptyOrOther(config, Value::Type::Array))) {
        break;
      }
      return mergeLists(live, config, type, depth);
  }
  return isEqual(live, config) ? live : config;
}

Value removeFromMap(const Value& value, const FieldSet& fields, const Typed& type) {
  if (!value.isObject() || value.empty() || isAtomicMap(type)) return {};
  MapEdit out(value);
  for (const Member& field : fields.members()) {
    const std::string_view step = field.key();
    if (!step.starts_with("f:")) continue;
    const std::string_view name = step.substr(2);
    const Value* member = value.find(name);
    if (member == nullptr) continue;
    if (isInSet(field.value)) {
      out.erase(name);
    } else {
      Value rest = removeFields(*member, field.value, fieldType(type, name).type);
      if (!rest.isSame(*member)) out.set(name, std::move(rest));
    }
  }
  Value rest = out.take();
  return rest.empty() ? Value() : rest;
}

Value removeFromList(const Value& value, const FieldSet& fields, const Typed& type) {
  if (!value.isArray() || value.empty() || listTypeOf(type) == Schema::ListType::Atomic) return {};
  const Typed items = itemType(type);
  std::vector<Value> out;
  out.reserve(value.size());
  for (const Value& item : value.items()) {
    const tl::expected<Value, std::string> step = itemStep(type, item);
    const Value* node = step ? fields.find(step->asString()) : nullptr;
    if (node == nullptr) {
      out.push_back(item);
    } else if (!isInSet(*node)) {
      out.push_back(removeFields(item, *node, items));
    }
  }
  return out.empty() ? Value() : Value::fromItems(out);
}

Value addNamedFields(const Value& node, bool self, const std::optional<Typed>& type) {
  std::vector<Member> out;
  out.reserve(node.size() + 1);
  for (const Member& member : node.members()) {
    const std::string_view step = member.key();
    if (step == ".") continue;
    bool childSelf = isInSet(member.value);
    std::optional<Typed> childType;
    if (type && step.starts_with("f:") && shapeOf(*type, Value::object()) == Shape::Map) {
      const FieldType field = fieldType(*type, step.substr(2));
      childType = field.type;
      childSelf = childSelf || field.named;
    } else if (type && step.starts_with("k:") && shapeOf(*type, Value::array()) == Shape::List) {
      childType = itemType(*type);
    }
    out.emplace_back();
    out.back().name = member.name;
    out.back().value = addNamedFields(member.value, childSelf, childType);
  }
  if (out.empty()) return leafNode();
  if (self) out.insert(out.begin(), Member(".", leafNode()));
  return Value::fromMembers(out);
}

}  // namespace

Merged merge(const Value& live, const Value& config, const Typed& type) {
  return mergeNode(live, config, type, 0);
}

Value removeFields(const Value& value, const FieldSet& fields, const Typed& type) {
  if (fields.empty()) return value;
  switch (shapeOf(type, value)) {
    case Shape::Map:
      return removeFromMap(value, fields, type);
    case Shape::List:
      return removeFromList(value, fields, type);
    case Shape::Scalar:
      break;
  }
  return value;
}

FieldSet withNamedFields(const FieldSet& set, const Typed& type) {
  if (set.empty()) return set;
  return addNamedFields(set, false, type);
}

}  // namespace iop::apiserver::schema
