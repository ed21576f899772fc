#include "apiserver/schema/field_set.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <span>
#include <vector>

#include "apiserver/schema/internal/go_text.h"
#include "text/json.h"

namespace iop::apiserver::schema {
namespace {

constexpr std::string_view kSelf = ".";

std::span<const Member> childrenOf(const Value& node) {
  const std::span<const Member> members = node.members();
  return !members.empty() && members[0].key() == kSelf ? members.subspan(1) : members;
}

// A node of these parts; null where it would be neither in the set nor on the way.
Value makeNode(bool self, std::vector<Member>& children) {
  if (children.empty()) return self ? leafNode() : Value();
  if (self) children.insert(children.begin(), Member(kSelf, leafNode()));
  return Value::fromMembers(children);
}

enum class Keep { Both, Left, Common, LeftWithoutChildren };

Value combine(const Value& left, bool leftSelf, const Value& right, bool rightSelf, Keep keep);

// The node for a step that both sides have.
Value combineChild(const Value& left, const Value& right, Keep keep) {
  if (keep == Keep::LeftWithoutChildren && isInSet(right)) return {};
  return combine(left, isInSet(left), right, isInSet(right), keep);
}

Value combine(const Value& left, bool leftSelf, const Value& right, bool rightSelf, Keep keep) {
  bool self = leftSelf;
  if (keep == Keep::Both) self = leftSelf || rightSelf;
  if (keep == Keep::Common) self = leftSelf && rightSelf;
  if (keep == Keep::Left) self = leftSelf && !rightSelf;

  const std::span<const Member> lefts = childrenOf(left);
  const std::span<const Member> rights = childrenOf(right);
  // Nothing is made as long as the result is `left` itself.
  bool differs = false;
  std::vector<Member> out;
  std::size_t i = 0;
  std::size_t j = 0;
  const auto differ = [&] {
    if (differs) return;
    differs = true;
    out.reserve(lefts.size() + (keep == Keep::Both ? rights.size() - j : 0) + 1);
    out.insert(out.end(), lefts.begin(), lefts.begin() + static_cast<std::ptrdiff_t>(i));
  };
  while (i < lefts.size() || (keep == Keep::Both && j < rights.size())) {
    const int order = i == lefts.size()    ? 1
                      : j == rights.size() ? -1
                                           : lefts[i].key().compare(rights[j].key());
    if (order < 0) {
      if (keep == Keep::Common) {
        differ();
      } else if (differs) {
        out.push_back(lefts[i]);
      }
      ++i;
    } else if (order > 0) {
      if (keep == Keep::Both) {
        differ();
        out.push_back(rights[j]);
      }
      ++j;
    } else {
      Value child = combineChild(lefts[i].value, rights[j].value, keep);
      if (!child.isSame(lefts[i].value)) {
        differ();
        if (!child.isNull()) {
          out.emplace_back();
          out.back().name = lefts[i].name;
          out.back().value = std::move(child);
        }
      } else if (differs) {
        out.push_back(lefts[i]);
      }
      ++i;
      ++j;
    }
  }
  if (!differs && self == leftSelf) return left;
  differ();
  return makeNode(self, out);
}

FieldSet combineRoots(const FieldSet& left, const FieldSet& right, Keep keep) {
  return combine(left, false, right, false, keep);
}

// Text of a canonical step for what a client may have written in another way; nothing where the
// API server would pass over it, an error where it would refuse the whole set.
struct Step {
  bool known = false;
  bool wellFormed = true;
  std::string text;
};

Step normalizeStep(std::string_view step) {
  Step out;
  if (step.size() < 2 || step[1] != ':') {
    out.wellFormed = false;
    return out;
  }
  const std::string_view body = step.substr(2);
  switch (step[0]) {
    case 'f':
      out.known = true;
      out.text = step;
      return out;
    case 'i': {
      int index = 0;
      const auto read = std::from_chars(body.data(), body.data() + body.size(), index);
      out.wellFormed = read.ec == std::errc() && read.ptr == body.data() + body.size();
      out.known = out.wellFormed;
      out.text = "i:" + std::to_string(index);
      return out;
    }
    case 'k':
    case 'v': {
      const Result<Value> value = text::parseJson(body);
      out.wellFormed = value.has_value() && (step[0] == 'v' || value->isObject());
      out.known = out.wellFormed;
      if (out.known) out.text = std::string(step.substr(0, 2)) + text::printJson(*value);
      return out;
    }
    default:
      return out;
  }
}

// Null: there is nothing in it. False in `valid`: it is no set.
Value normalizeNode(const Value& node, bool root, int depth, bool& valid) {
  if (!node.isObject() || depth > kMaxFieldDepth) {
    valid = false;
    return {};
  }
  bool self = !root && node.empty();
  std::vector<Member> out;
  for (const Member& member : node.members()) {
    if (member.key() == kSelf) {
      self = !root;
      continue;
    }
    const Step step = normalizeStep(member.key());
    valid = valid && step.wellFormed;
    if (!step.known) continue;
    Value child = normalizeNode(member.value, false, depth + 1, valid);
    if (!valid) return {};
    if (!child.isNull()) out.emplace_back(step.text, std::move(child));
  }
  return makeNode(self, out);
}

std::string printScalar(const Value& value) {
  if (value.isString()) return internal::quote(value.asString());
  if (value.isDouble()) return internal::printFloat(value.asDouble());
  return text::printJson(value, {.escapeHtml = false});
}

// Numbers, then strings, then booleans, then the rest: structured-merge-diff, value.Compare.
int rankOf(const Value& value) {
  if (value.isNumber()) return 0;
  if (value.isString()) return 1;
  return value.isBool() ? 2 : 3;
}

int compareScalars(const Value& left, const Value& right) {
  if (rankOf(left) != rankOf(right)) return rankOf(left) < rankOf(right) ? -1 : 1;
  if (left.isInt() && right.isInt())
    return left.asInt() == right.asInt() ? 0 : left.asInt() < right.asInt() ? -1 : 1;
  if (left.isNumber()) {
    const double difference = left.asDouble() - right.asDouble();
    return difference == 0 ? 0 : difference < 0 ? -1 : 1;
  }
  if (left.isString()) return left.asString().compare(right.asString());
  return static_cast<int>(left.asBool()) - static_cast<int>(right.asBool());
}

int compareKeys(const Value& left, const Value& right) {
  const std::span<const Member> lefts = left.members();
  const std::span<const Member> rights = right.members();
  for (std::size_t i = 0; i < std::min(lefts.size(), rights.size()); ++i) {
    if (const int order = lefts[i].key().compare(rights[i].key()); order != 0) return order;
    if (const int order = compareScalars(lefts[i].value, rights[i].value); order != 0) return order;
  }
  return lefts.size() == rights.size() ? 0 : lefts.size() < rights.size() ? -1 : 1;
}

// A step in a form that can be compared as the API server orders them.
struct ParsedStep {
  const Member* member;
  int rank;
  Value value;

  explicit ParsedStep(const Member& from) : member(&from), rank(0) {
    static constexpr std::string_view kKinds = "fkvi";
    const std::string_view step = from.key();
    if (step.size() < 2) return;
    rank = static_cast<int>(kKinds.find(step[0]));
    const std::string_view body = step.substr(2);
    value = rank == 0 ? Value(body) : text::parseJson(body).value_or(Value());
  }

  friend bool operator<(const ParsedStep& left, const ParsedStep& right) {
    if (left.rank != right.rank) return left.rank < right.rank;
    return (left.rank == 1 ? compareKeys(left.value, right.value)
                           : compareScalars(left.value, right.value)) < 0;
  }
};

void visitFields(const Value& node, std::string& path,
                 const std::function<void(std::string_view)>& each) {
  std::vector<ParsedStep> steps;
  for (const Member& child : childrenOf(node)) steps.emplace_back(child);
  std::sort(steps.begin(), steps.end());
  const std::size_t length = path.size();
  for (const ParsedStep& step : steps) {
    if (!isInSet(step.member->value)) continue;
    path += printStep(step.member->key());
    each(path);
    path.resize(length);
  }
  for (const ParsedStep& step : steps) {
    if (step.member->value.empty()) continue;
    path += printStep(step.member->key());
    visitFields(step.member->value, path, each);
    path.resize(length);
  }
}

}  // namespace

const Value& leafNode() {
  static const Value leaf = Value::object();
  return leaf;
}

bool isInSet(const Value& node) {
  const std::span<const Member> members = node.members();
  return members.empty() || members[0].key() == kSelf;
}

Value fieldStep(std::string_view name) {
  std::array<char, 64> buffer;
  if (name.size() + 2 > buffer.size()) return "f:" + std::string(name);
  buffer[0] = 'f';
  buffer[1] = ':';
  if (!name.empty()) std::memcpy(buffer.data() + 2, name.data(), name.size());
  return std::string_view(buffer.data(), name.size() + 2);
}

FieldSet unite(const FieldSet& left, const FieldSet& right) {
  if (right.empty() || left.isSame(right)) return left;
  if (left.empty()) return right;
  return combineRoots(left, right, Keep::Both);
}

FieldSet subtract(const FieldSet& from, const FieldSet& what) {
  if (from.empty() || what.empty()) return from;
  return combineRoots(from, what, Keep::Left);
}

FieldSet intersect(const FieldSet& left, const FieldSet& right) {
  if (left.empty() || right.empty()) return {};
  return combineRoots(left, right, Keep::Common);
}

FieldSet subtractWithChildren(const FieldSet& from, const FieldSet& what) {
  if (from.empty() || what.empty()) return from;
  return combineRoots(from, what, Keep::LeftWithoutChildren);
}

std::optional<FieldSet> normalizeFieldSet(const Value& fieldsV1) {
  if (fieldsV1.isNull()) return FieldSet();
  bool valid = true;
  FieldSet out = normalizeNode(fieldsV1, true, 0, valid);
  if (!valid) return std::nullopt;
  return out;
}

std::string printStep(std::string_view step) {
  if (step.size() < 2) return "." + std::string(step);
  const std::string_view body = step.substr(2);
  if (step[0] == 'f') return "." + std::string(body);
  if (step[0] == 'i') return "[" + std::string(body) + "]";
  const Value value = text::parseJson(body).value_or(Value());
  if (step[0] == 'v') return "[=" + printScalar(value) + "]";
  std::string out;
  for (const Member& member : value.members()) {
    out += out.empty() ? '[' : ',';
    out += std::string(member.key()) + "=" + printScalar(member.value);
  }
  return out + "]";
}

void forEachField(const FieldSet& set, const std::function<void(std::string_view path)>& each) {
  std::string path;
  visitFields(set, path, each);
}

}  // namespace iop::apiserver::schema
