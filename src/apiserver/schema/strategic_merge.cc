#include "apiserver/schema/strategic_merge.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "apiserver/schema/typed_edit.h"
#include "apiserver/schema/typed_print.h"
#include "text/json.h"

namespace iop::apiserver::schema {
namespace {

constexpr std::string_view kDirective = "$patch";
constexpr std::string_view kRetainKeys = "$retainKeys";
constexpr std::string_view kDeleteFromList = "$deleteFromPrimitiveList";
constexpr std::string_view kSetOrder = "$setElementOrder";
// No type of Kubernetes is nested like this; what is deeper is somebody's attempt on our stack.
constexpr int kMaxPatchDepth = 200;

tl::unexpected<Error> badFormat(std::string_view what) {
  return fail(Code::BadRequest, "invalid patch format of " + std::string(what));
}

tl::unexpected<Error> noMergeKey(const Value& item, std::string_view key) {
  return fail(Code::InternalError, "map: " + printPlain(item) +
                                       " does not contain declared merge key: " + std::string(key));
}

tl::unexpected<Error> wrongType(std::string_view expected, const Value& actual) {
  return fail(Code::InternalError, "expected a " + std::string(expected) + ", but received a " +
                                       std::string(goTypeOf(actual)));
}

tl::unexpected<Error> unknownDirective(const Value& directive, const Value& map) {
  return fail(Code::InternalError,
              "unknown patch type: " + printPlain(directive) + " in map: " + printPlain(map));
}

// Equal for what Go's == calls equal.
std::string identityOf(const Value& value) {
  return std::string(goTypeOf(value)) + text::printJson(value, {.escapeHtml = false});
}

// Which items a list has: by value, or by their merge key where that is not empty. Of equal items
// the first one counts.
class ItemPlaces {
 public:
  static Result<ItemPlaces> of(const std::vector<Value>& items, const std::string& mergeKey) {
    ItemPlaces out(mergeKey);
    for (std::size_t i = 0; i < items.size(); ++i) RETURN_IF_ERROR(out.add(items[i]));
    return out;
  }

  Status add(const Value& item) {
    const std::size_t index = size_++;
    if (mergeKey_.empty()) {
      places_.try_emplace(identityOf(item), index);
      return {};
    }
    if (!item.isObject()) {
      return fail(Code::InternalError, "value for key " + std::to_string(index) + " is not a map");
    }
    if (const Value* key = item.find(mergeKey_)) places_.try_emplace(identityOf(*key), index);
    return {};
  }

  // Of the item with that value, or with that value of the merge key.
  std::optional<std::size_t> find(const Value& value) const {
    const auto found = places_.find(identityOf(value));
    return found != places_.end() ? std::optional(found->second) : std::nullopt;
  }
  // Of the item that is known by the same as this one.
  std::optional<std::size_t> findLike(const Value& item) const {
    return find(mergeKey_.empty() ? item : item[mergeKey_]);
  }

 private:
  explicit ItemPlaces(std::string mergeKey) : mergeKey_(std::move(mergeKey)) {}

  std::string mergeKey_;
  std::size_t size_ = 0;
  std::unordered_map<std::string, std::size_t> places_;
};

std::vector<Value> itemsOf(const Value& list) { return {list.items().begin(), list.items().end()}; }

// Without members that are null, at any depth.
Value withoutNulls(const Value& value) {
  if (value.isArray()) {
    std::vector<Value> out;
    out.reserve(value.size());
    for (const Value& item : value.items()) out.push_back(withoutNulls(item));
    return Value::fromItems(out);
  }
  if (!value.isObject()) return value;
  std::vector<Member> out;
  out.reserve(value.size());
  for (const Member& member : value.members()) {
    if (!member.value.isNull()) out.emplace_back(member.key(), withoutNulls(member.value));
  }
  return Value::fromMembers(out);
}

// Without the maps that carry a directive; nothing for one that does.
std::optional<Value> withoutDirectives(const Value& value) {
  if (value.isArray()) {
    std::vector<Value> out;
    for (const Value& item : value.items()) {
      if (std::optional<Value> kept = withoutDirectives(item)) out.push_back(std::move(*kept));
    }
    return Value::fromItems(out);
  }
  if (!value.isObject()) return value;
  if (value.contains(kDirective)) return std::nullopt;
  std::vector<Member> out;
  for (const Member& member : value.members()) {
    if (std::optional<Value> kept = withoutDirectives(member.value))
      out.emplace_back(member.key(), std::move(*kept));
  }
  return Value::fromMembers(out);
}

// "containers" of "$setElementOrder/containers"; nothing where there is no name.
std::optional<std::string_view> nameBehind(std::string_view key, std::string_view directive) {
  if (key.size() <= directive.size() || key[directive.size()] != '/') return std::nullopt;
  return key.substr(directive.size() + 1);
}

// All elements of these lists must be of one type, which is no list; returns whether they are maps.
Result<bool> areMaps(const std::vector<Value>& first, const std::vector<Value>& second) {
  const Value* one = nullptr;
  for (const std::vector<Value>* list : {&first, &second}) {
    for (const Value& item : *list) {
      if (one == nullptr) {
        one = &item;
        if (item.isArray()) return fail(Code::Invalid, "lists of lists are not supported");
      } else if (item.type() != one->type()) {
        Value shown = Value::array({Value::array(), Value::array()});
        std::vector<Value> left = first;
        std::vector<Value> right = second;
        shown.editItem(0) = Value::fromItems(left);
        shown.editItem(1) = Value::fromItems(right);
        return fail(Code::InternalError,
                    "list element types are not identical: " + printPlain(shown));
      }
    }
  }
  if (one == nullptr) return fail(Code::InternalError, "no elements in any of the given slices");
  return one->isObject();
}

Status requireMergeKeys(const std::vector<Value>& items, const std::string& mergeKey) {
  for (const Value& item : items) {
    if (!item.isObject()) return wrongType("map[string]interface {}", item);
    if (!item.contains(mergeKey)) return noMergeKey(item, mergeKey);
  }
  return {};
}

// Sorts items by the places that they have in another list; those without one keep in front.
void sortByPlaces(std::vector<Value>& items, const ItemPlaces& places) {
  std::vector<std::pair<std::size_t, std::size_t>> order;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const std::optional<std::size_t> place = places.findLike(items[i]);
    order.emplace_back(place ? *place + 1 : 0, i);
  }
  std::sort(order.begin(), order.end());
  std::vector<Value> out;
  out.reserve(items.size());
  for (const auto& [place, index] : order) out.push_back(std::move(items[index]));
  items = std::move(out);
}

// The order of a merged list: what the patch names stands in the patch's order, everything else in
// the server's and, as far as that goes, at its place among the others.
Result<std::vector<Value>> arrange(std::vector<Value> merged, const std::vector<Value>& patchOrder,
                                   const std::vector<Value>& serverOrder,
                                   const std::string& mergeKey, bool maps) {
  if (maps) {
    RETURN_IF_ERROR(requireMergeKeys(merged, mergeKey));
    RETURN_IF_ERROR(requireMergeKeys(patchOrder, mergeKey));
  }
  ASSIGN_OR_RETURN(const ItemPlaces inPatch, ItemPlaces::of(patchOrder, mergeKey));
  ASSIGN_OR_RETURN(const ItemPlaces inServer, ItemPlaces::of(serverOrder, mergeKey));
  std::vector<Value> ours;
  std::vector<Value> theirs;
  for (Value& item : merged) (inPatch.findLike(item) ? ours : theirs).push_back(std::move(item));
  if (maps && !theirs.empty()) RETURN_IF_ERROR(requireMergeKeys(serverOrder, mergeKey));
  sortByPlaces(ours, inPatch);
  sortByPlaces(theirs, inServer);

  std::vector<Value> out;
  out.reserve(ours.size() + theirs.size());
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < theirs.size() || j < ours.size()) {
    bool takeTheirs = j >= ours.size();
    if (i < theirs.size() && j < ours.size()) {
      const std::optional<std::size_t> left = inServer.findLike(theirs[i]);
      const std::optional<std::size_t> right = inServer.findLike(ours[j]);
      takeTheirs = left && right && *left < *right;
    }
    out.push_back(std::move(takeTheirs ? theirs[i++] : ours[j++]));
  }
  return out;
}

class Merger {
 public:
  // `schema` may be null where the type is not known.
  Result<Value> mergeMap(const Value& original, const Value& patch, const Schema* schema,
                         int depth) {
    if (depth > kMaxPatchDepth) return fail(Code::Invalid, "the patch is nested too deeply");
    if (const Value* directive = patch.find(kDirective)) {
      if (*directive == Value("delete")) return Value::object();
      if (*directive != Value("replace")) return unknownDirective(*directive, patch);
      Value out = patch;
      out.erase(kDirective);
      return out;
    }
    const Value none = Value::object();
    MapEdit out(original.isObject() ? original : none);
    RETURN_IF_ERROR(retainKeys(out, patch));
    std::unordered_set<std::string_view> done;
    RETURN_IF_ERROR(setOrders(out, patch, schema, depth, done));
    for (const Member& member : patch.members()) {
      const std::string_view key = member.key();
      if (key == kRetainKeys || key.starts_with(kSetOrder) || done.contains(key)) continue;
      if (key.starts_with(kDeleteFromList)) {
        const std::optional<std::string_view> name = nameBehind(key, kDeleteFromList);
        if (!name) return badFormat("primitive list");
        RETURN_IF_ERROR(mergeMember(out, *name, member.value, true, schema, depth));
      } else {
        RETURN_IF_ERROR(mergeMember(out, key, member.value, false, schema, depth));
      }
    }
    return out.take();
  }

 private:
  // Drops the members of `out` that the patch does not want kept.
  static Status retainKeys(MapEdit& out, const Value& patch) {
    const Value* list = patch.find(kRetainKeys);
    if (list == nullptr) return {};
    if (!list->isArray()) return badFormat("retainKeys");
    std::unordered_set<std::string_view> kept;
    for (const Value& name : list->items()) {
      if (name.isString()) kept.insert(name.asString());
    }
    for (const Member& member : patch.members()) {
      const std::string_view key = member.key();
      const bool exempt = key == kRetainKeys || member.value.isNull() ||
                          key.starts_with(kDeleteFromList) || key.starts_with(kSetOrder);
      if (!exempt && !kept.contains(key)) return badFormat("retainKeys");
    }
    for (const Member& member : out.base().members()) {
      if (!kept.contains(member.key())) out.erase(member.key());
    }
    return {};
  }

  // Handles the lists for which the patch gives an order, and adds their names to `done`.
  Status setOrders(MapEdit& out, const Value& patch, const Schema* schema, int depth,
                   std::unordered_set<std::string_view>& done) {
    for (const Member& member : patch.members()) {
      if (!member.key().starts_with(kSetOrder)) continue;
      if (!member.value.isArray()) return wrongType("[]interface {}", member.value);
      const std::optional<std::string_view> name = nameBehind(member.key(), kSetOrder);
      if (!name) return badFormat("setElementOrder list");
      RETURN_IF_ERROR(
          setOrder(out, *name, itemsOf(member.value), patch.find(*name), schema, depth));
      done.insert(*name);
    }
    return {};
  }

  Status setOrder(MapEdit& out, std::string_view name, const std::vector<Value>& order,
                  const Value* patch, const Schema* schema, int depth) {
    const Value* original = out.find(name);
    if (original != nullptr && !original->isArray()) return wrongType("[]interface {}", *original);
    if (patch != nullptr && !patch->isArray()) return wrongType("[]interface {}", *patch);
    const Schema* list = schema != nullptr ? schema->find(name) : nullptr;
    if (schema != nullptr && list == nullptr) {
      return fail(Code::InternalError, "unable to find api field in struct for the json field \"" +
                                           std::string(name) + "\"");
    }
    if (list != nullptr && list->type != Schema::Type::Array)
      return fail(Code::InternalError, "expected slice or array type, but got: struct");
    const std::string mergeKey = list != nullptr ? list->patchMergeKey : "";
    if (patch != nullptr) RETURN_IF_ERROR(checkOrder(itemsOf(*patch), order, mergeKey));
    if (original == nullptr && patch == nullptr) return {};

    std::vector<Value> merged;
    if (patch == nullptr) {
      merged = itemsOf(*original);
    } else if (original == nullptr) {
      merged = itemsOf(*withoutDirectives(*patch));
    } else {
      ASSIGN_OR_RETURN(merged, mergeListMember(*original, *patch, list, false, depth));
    }
    const std::vector<Value> before =
        original != nullptr ? itemsOf(*original) : std::vector<Value>();
    ASSIGN_OR_RETURN(const bool maps,
                     areMaps(before, patch != nullptr ? itemsOf(*patch) : std::vector<Value>()));
    ASSIGN_OR_RETURN(std::vector<Value> arranged,
                     arrange(std::move(merged), order, before, mergeKey, maps));
    out.set(name, Value::fromItems(arranged));
    return {};
  }

  // What the patch has must stand in its order.
  static Status checkOrder(const std::vector<Value>& patch, const std::vector<Value>& order,
                           const std::string& mergeKey) {
    std::vector<Value> named;
    for (const Value& item : patch) {
      if (mergeKey.empty() || item[kDirective] != Value("delete")) named.push_back(item);
    }
    const auto keyOf = [&](const Value& item) -> Result<Value> {
      if (mergeKey.empty()) return item;
      if (!item.isObject()) return wrongType("map[string]interface {}", item);
      if (!item.contains(mergeKey)) return noMergeKey(item, mergeKey);
      return item[mergeKey];
    };
    if (order.empty()) return {};
    std::size_t next = 0;
    for (std::size_t i = 0; i < order.size() && next < named.size(); ++i) {
      if (order[i].isObject() && order[i].contains(kDirective)) continue;
      ASSIGN_OR_RETURN(const Value wanted, keyOf(named[next]));
      ASSIGN_OR_RETURN(const Value found, keyOf(order[i]));
      if (wanted == found) ++next;
    }
    if (next == named.size()) return {};
    std::vector<Value> shownPatch = patch;
    std::vector<Value> shownOrder = order;
    return fail(Code::InternalError, "The order in patch list:\n" +
                                         printPlain(Value::fromItems(shownPatch)) +
                                         "\n doesn't match " + std::string(kSetOrder) + " list:\n" +
                                         printPlain(Value::fromItems(shownOrder)) + "\n");
  }

  Status mergeMember(MapEdit& out, std::string_view key, const Value& patch, bool isDeletion,
                     const Schema* schema, int depth) {
    if (patch.isNull()) {
      out.erase(key);
      return {};
    }
    const Value* original = out.find(key);
    if (original == nullptr || original->type() != patch.type()) {
      if (isDeletion) return {};
      if (std::optional<Value> kept = withoutDirectives(withoutNulls(patch))) {
        out.set(key, std::move(*kept));
      } else {
        out.erase(key);
      }
      return {};
    }
    const Schema* member = schema != nullptr ? schema->find(key) : nullptr;
    if (patch.isObject()) {
      ASSIGN_OR_RETURN(Value merged, mergeMap(*original, patch, member, depth + 1));
      out.set(key, std::move(merged));
    } else if (patch.isArray()) {
      ASSIGN_OR_RETURN(std::vector<Value> merged,
                       mergeListMember(*original, patch, member, isDeletion, depth));
      out.set(key, Value::fromItems(merged));
    } else {
      out.set(key, patch);
    }
    return {};
  }

  Result<std::vector<Value>> mergeListMember(const Value& original, const Value& patch,
                                             const Schema* list, bool isDeletion, int depth) {
    // Deletions are done whatever the strategy of the list.
    if (!isDeletion && (list == nullptr || !list->patchMerge)) return itemsOf(patch);
    if (original.empty() && patch.empty()) return std::vector<Value>();
    std::vector<Value> before = itemsOf(original);
    std::vector<Value> changes = itemsOf(patch);
    ASSIGN_OR_RETURN(const bool maps, areMaps(before, changes));
    const std::string mergeKey = list != nullptr ? list->patchMergeKey : "";
    if (!maps) {
      if (isDeletion) return deleteScalars(before, changes);
      return mergeScalars(std::move(before), std::move(changes));
    }
    if (mergeKey.empty()) return fail(Code::InternalError, "cannot merge lists without merge key");
    RETURN_IF_ERROR(runDirectives(before, changes, mergeKey));
    ASSIGN_OR_RETURN(std::vector<Value> merged,
                     mergeMaps(before, changes, mergeKey, list->items, depth));
    return arrange(std::move(merged), changes, before, mergeKey, true);
  }

  static Result<std::vector<Value>> deleteScalars(const std::vector<Value>& from,
                                                  const std::vector<Value>& what) {
    ASSIGN_OR_RETURN(const ItemPlaces deleted, ItemPlaces::of(what, ""));
    std::vector<Value> out;
    for (const Value& item : from) {
      if (!deleted.find(item)) out.push_back(item);
    }
    return out;
  }

  static Result<std::vector<Value>> mergeScalars(std::vector<Value> before,
                                                 std::vector<Value> changes) {
    std::vector<Value> merged;
    std::unordered_set<std::string> seen;
    for (const std::vector<Value>* list : {&before, &changes}) {
      for (const Value& item : *list) {
        if (seen.insert(identityOf(item)).second) merged.push_back(item);
      }
    }
    return arrange(std::move(merged), changes, before, "", false);
  }

  // Does what items with "$patch" ask for and takes them out of `changes`. After a "replace" the
  // items of the patch are the list.
  static Status runDirectives(std::vector<Value>& before, std::vector<Value>& changes,
                              const std::string& mergeKey) {
    bool replace = false;
    std::vector<Value> rest;
    std::unordered_set<std::string> deleted;
    for (const Value& item : changes) {
      const Value* directive = item.find(kDirective);
      if (directive == nullptr) {
        rest.push_back(item);
      } else if (*directive == Value("delete")) {
        const Value* key = item.find(mergeKey);
        if (key == nullptr) return noMergeKey(item, mergeKey);
        deleted.insert(identityOf(*key));
      } else if (*directive == Value("replace")) {
        replace = true;
      } else if (*directive == Value("merge")) {
        return fail(Code::InternalError, "merging lists cannot yet be specified in the patch");
      } else {
        return unknownDirective(*directive, item);
      }
    }
    if (replace) {
      before = std::move(rest);
      changes.clear();
      return {};
    }
    if (!deleted.empty()) {
      std::erase_if(before, [&](const Value& item) {
        const Value* key = item.find(mergeKey);
        return key != nullptr && deleted.contains(identityOf(*key));
      });
    }
    changes = std::move(rest);
    return {};
  }

  Result<std::vector<Value>> mergeMaps(const std::vector<Value>& before,
                                       const std::vector<Value>& changes,
                                       const std::string& mergeKey, const Schema* item, int depth) {
    std::vector<Value> out = before;
    ASSIGN_OR_RETURN(ItemPlaces places, ItemPlaces::of(before, mergeKey));
    for (const Value& change : changes) {
      const Value* key = change.find(mergeKey);
      if (key == nullptr) return noMergeKey(change, mergeKey);
      const std::optional<std::size_t> place = places.find(*key);
      if (place) {
        ASSIGN_OR_RETURN(out[*place], mergeMap(out[*place], change, item, depth + 1));
        continue;
      }
      Value taken = withoutNulls(change);
      RETURN_IF_ERROR(places.add(taken));
      out.push_back(std::move(taken));
    }
    return out;
  }
};

}  // namespace

Result<Value> applyStrategicMergePatch(const Value& target, const Value& patch,
                                       const Schema& schema) {
  if (!patch.isObject()) {
    return fail(Code::BadRequest, "json: cannot unmarshal " +
                                      std::string(patch.isArray()    ? "array"
                                                  : patch.isString() ? "string"
                                                  : patch.isBool()   ? "bool"
                                                                     : "number") +
                                      " into Go value of type map[string]interface {}");
  }
  return Merger().mergeMap(target, patch, &schema, 0);
}

}  // namespace iop::apiserver::schema
