// What has changed between two values, and all fields of one (structured-merge-diff, typed/
// compare.go and tofieldset.go).

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "apiserver/schema/typed.h"

namespace iop::apiserver::schema {
namespace {

constexpr std::string_view kIdentity[] = {
    "clusterName", "creationTimestamp", "generation", "managedFields", "name",
    "namespace",   "resourceVersion",   "selfLink",   "uid",
};

bool isIdentity(std::string_view name) {
  return std::binary_search(std::begin(kIdentity), std::end(kIdentity), name);
}

// A node of a set while it is made.
struct Node {
  bool self = false;
  std::vector<Member> children;

  // Null where the node is neither in the set nor on the way.
  Value take() {
    if (children.empty()) return self ? leafNode() : Value();
    if (self) children.insert(children.begin(), Member(".", leafNode()));
    return Value::fromMembers(children);
  }
  void add(const Value& step, Value node) {
    if (node.isNull()) return;
    children.emplace_back();
    children.back().name = step;
    children.back().value = std::move(node);
  }
};

struct Nodes {
  Node added;
  Node modified;
  Node removed;
};

// One item of a list and the step that names it.
struct NamedItem {
  Value step;
  const Value* value;
};

bool byStep(const NamedItem& left, const NamedItem& right) {
  return left.step.asString() < right.step.asString();
}

bool isEmptyOrAbsent(const Value* value, Value::Type type) {
  return value == nullptr || value->type() != type || value->empty();
}

class Comparer {
 public:
  explicit Comparer(const CompareOptions& options) : options_(options) {}

  bool failed() const { return failed_; }

  // One of `before` and `after` may be null: absent.
  void compareNode(const Value* before, const Value* after, const Typed& type, int depth,
                   Nodes& out) {
    if (before != nullptr && after != nullptr && before->isSame(*after)) return;
    bool leaf = false;
    if (depth >= kMaxFieldDepth) {
      compareLeaf(before, after, out);
      leaf = true;
    } else if (after == nullptr) {
      leaf = compareAs(shapeOf(type, *before), before, after, type, depth, out);
    } else {
      const Shape shape = shapeOf(type, *after);
      if (before != nullptr && shapeOf(type, *before) != shape)
        compareAs(shapeOf(type, *before), before, after, type, depth, out);
      leaf = compareAs(shape, before, after, type, depth, out);
    }
    if (leaf) return;
    if (before == nullptr) out.added.self = true;
    if (after == nullptr) out.removed.self = true;
  }

 private:
  // True where the value is one leaf.
  bool compareAs(Shape shape, const Value* before, const Value* after, const Typed& type, int depth,
                 Nodes& out) {
    switch (shape) {
      case Shape::Scalar:
        break;
      case Shape::Map:
        // Where both are empty or null, the difference between these is one of the node.
        if (isAtomicMap(type) || (isEmptyOrAbsent(before, Value::Type::Object) &&
                                  isEmptyOrAbsent(after, Value::Type::Object))) {
          break;
        }
        compareMaps(before, after, type, depth, out);
        return false;
      case Shape::List:
        if (listTypeOf(type) == Schema::ListType::Atomic ||
            (isEmptyOrAbsent(before, Value::Type::Array) &&
             isEmptyOrAbsent(after, Value::Type::Array))) {
          break;
        }
        compareLists(before, after, type, depth, out);
        return false;
    }
    compareLeaf(before, after, out);
    return true;
  }

  static void compareLeaf(const Value* before, const Value* after, Nodes& out) {
    if (before == nullptr) {
      out.added.self = true;
    } else if (after == nullptr) {
      out.removed.self = true;
    } else if (!isEqual(*before, *after)) {
      out.modified.self = true;
    }
  }

  bool isSkipped(std::string_view name, int depth) const {
    if (depth == 0) {
      if (options_.skipIdentity && (name == "apiVersion" || name == "kind")) return true;
      return std::find(options_.skipFields.begin(), options_.skipFields.end(), name) !=
             options_.skipFields.end();
    }
    return depth == 1 && inMetadata_ && isIdentity(name);
  }

  void compareMaps(const Value* before, const Value* after, const Typed& type, int depth,
                   Nodes& out) {
    const std::span<const Member> lefts =
        before != nullptr ? before->members() : std::span<const Member>();
    const std::span<const Member> rights =
        after != nullptr ? after->members() : std::span<const Member>();
    std::size_t i = 0;
    std::size_t j = 0;
    while (i < lefts.size() || j < rights.size()) {
      const int order = i == lefts.size()    ? 1
                        : j == rights.size() ? -1
                                             : lefts[i].key().compare(rights[j].key());
      const Member* left = order <= 0 ? &lefts[i++] : nullptr;
      const Member* right = order >= 0 ? &rights[j++] : nullptr;
      if (left != nullptr && right != nullptr && left->value.isSame(right->value)) continue;
      const std::string_view name = left != nullptr ? left->key() : right->key();
      if (isSkipped(name, depth)) continue;
      const FieldType member = fieldType(type, name);
      // Where the map itself is there, its Go struct has a value for what it does not show.
      const bool isPartial =
          (left == nullptr && before != nullptr) || (right == nullptr && after != nullptr);
      const Value* zero = isPartial ? zeroOf(type, name, member.type) : nullptr;
      const bool metadata = depth == 0 && options_.skipIdentity && name == "metadata";
      if (metadata) inMetadata_ = true;
      Nodes nodes;
      compareNode(left != nullptr ? &left->value : zero, right != nullptr ? &right->value : zero,
                  member.type, depth + 1, nodes);
      if (metadata) {  // as a whole it is nobody's
        inMetadata_ = false;
        nodes.added.self = nodes.modified.self = nodes.removed.self = false;
      }
      addChild(name, nodes, out);
    }
  }

  static void addChild(std::string_view name, Nodes& nodes, Nodes& out) {
    Value added = nodes.added.take();
    Value modified = nodes.modified.take();
    Value removed = nodes.removed.take();
    if (added.isNull() && modified.isNull() && removed.isNull()) return;
    const Value step = fieldStep(name);
    out.added.add(step, std::move(added));
    out.modified.add(step, std::move(modified));
    out.removed.add(step, std::move(removed));
  }

  std::vector<NamedItem> nameItems(const Value* list, const Typed& type) {
    std::vector<NamedItem> out;
    if (list == nullptr) return out;
    out.reserve(list->items().size());
    for (const Value& item : list->items()) {
      tl::expected<Value, std::string> step = itemStep(type, item);
      if (!step) {
        failed_ = true;
        continue;
      }
      out.push_back({std::move(*step), &item});
    }
    std::stable_sort(out.begin(), out.end(), byStep);
    return out;
  }

  void compareLists(const Value* before, const Value* after, const Typed& type, int depth,
                    Nodes& out) {
    const std::vector<NamedItem> lefts = nameItems(before, type);
    const std::vector<NamedItem> rights = nameItems(after, type);
    const Typed items = itemType(type);
    const auto endOfRun = [](const std::vector<NamedItem>& list, std::size_t from) {
      std::size_t end = from;
      while (end < list.size() && list[end].step == list[from].step) ++end;
      return end;
    };
    std::size_t i = 0;
    std::size_t j = 0;
    while (i < lefts.size() || j < rights.size()) {
      const int order = i == lefts.size() ? 1
                        : j == rights.size()
                            ? -1
                            : lefts[i].step.asString().compare(rights[j].step.asString());
      const std::size_t leftEnd = order <= 0 ? endOfRun(lefts, i) : i;
      const std::size_t rightEnd = order >= 0 ? endOfRun(rights, j) : j;
      const Value& step = order <= 0 ? lefts[i].step : rights[j].step;
      compareRuns(std::span(lefts).subspan(i, leftEnd - i),
                  std::span(rights).subspan(j, rightEnd - j), step, items, depth, out);
      i = leftEnd;
      j = rightEnd;
    }
  }

  // Items of one name: duplicates have one owner together.
  void compareRuns(std::span<const NamedItem> lefts, std::span<const NamedItem> rights,
                   const Value& step, const Typed& items, int depth, Nodes& out) {
    const bool leftTwice = lefts.size() > 1;
    const bool rightTwice = rights.size() > 1;
    Nodes nodes;
    if (leftTwice && rightTwice) {
      nodes.modified.self = !std::equal(
          lefts.begin(), lefts.end(), rights.begin(), rights.end(),
          [](const NamedItem& a, const NamedItem& b) { return isEqual(*a.value, *b.value); });
    } else {
      const Value* left = leftTwice || lefts.empty() ? nullptr : lefts[0].value;
      const Value* right = rightTwice || rights.empty() ? nullptr : rights[0].value;
      if (left != nullptr || right != nullptr) compareNode(left, right, items, depth + 1, nodes);
      if (leftTwice) nodes.removed.self = true;
      if (rightTwice) nodes.added.self = true;
    }
    out.added.add(step, nodes.added.take());
    out.modified.add(step, nodes.modified.take());
    out.removed.add(step, nodes.removed.take());
  }

  const CompareOptions& options_;
  bool inMetadata_ = false;
  bool failed_ = false;
};

void collectNode(const Value& value, const Typed& type, int depth, Node& out);

void collectMap(const Value& value, const Typed& type, int depth, Node& out) {
  out.children.reserve(value.size() + 1);
  for (const Member& member : value.members()) {
    const FieldType field = fieldType(type, member.key());
    Node child;
    collectNode(member.value, field.type, depth + 1, child);
    if (!field.named || member.value.isNull() ||
        (member.value.isObject() && member.value.empty())) {
      child.self = true;
    }
    out.add(fieldStep(member.key()), child.take());
  }
}

void collectList(const Value& value, const Typed& type, int depth, Node& out) {
  const Typed items = itemType(type);
  out.children.reserve(value.size() + 1);
  for (const Value& item : value.items()) {
    tl::expected<Value, std::string> step = itemStep(type, item);
    if (!step) continue;
    Node child;
    collectNode(item, items, depth + 1, child);
    child.self = true;
    out.add(*step, child.take());
  }
  std::stable_sort(out.children.begin(), out.children.end(),
                   [](const Member& a, const Member& b) { return a.key() < b.key(); });
  for (std::size_t i = 1; i < out.children.size(); ++i) {  // of duplicates the last one stays
    Member& before = out.children[i - 1];
    Member& here = out.children[i];
    if (before.key() != here.key()) continue;
    const FieldSet both =
        unite(Value::object({{"k", before.value}}), Value::object({{"k", here.value}}));
    here.value = both["k"];
  }
}

void collectNode(const Value& value, const Typed& type, int depth, Node& out) {
  const Shape shape = shapeOf(type, value);
  if (depth >= kMaxFieldDepth || shape == Shape::Scalar ||
      (shape == Shape::Map && isAtomicMap(type)) ||
      (shape == Shape::List && listTypeOf(type) == Schema::ListType::Atomic)) {
    out.self = true;
  } else if (shape == Shape::Map) {
    collectMap(value, type, depth, out);
  } else {
    collectList(value, type, depth, out);
  }
}

}  // namespace

std::optional<Comparison> compare(const Value& before, const Value& after, const Typed& type,
                                  const CompareOptions& options) {
  Nodes nodes;
  Comparer comparer(options);
  comparer.compareNode(&before, &after, type, 0, nodes);
  if (comparer.failed()) return std::nullopt;
  nodes.added.self = nodes.modified.self = nodes.removed.self = false;
  return Comparison{nodes.added.take(), nodes.modified.take(), nodes.removed.take()};
}

FieldSet fieldsOf(const Value& value, const Typed& type) {
  Node node;
  collectNode(value, type, 0, node);
  node.self = false;
  return node.take();
}

}  // namespace iop::apiserver::schema
