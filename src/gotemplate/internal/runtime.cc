#include "gotemplate/internal/runtime.h"

#include <algorithm>

namespace iop::gotemplate::internal {
namespace {

// Steps between two looks at the clock.
constexpr std::uint64_t kStepsPerLook = 1024;

// The deadline is taken from the clock when the first of these intervals is over: short executions
// need no clock.
constexpr std::chrono::steady_clock::time_point kNoDeadline{};

}  // namespace

Runtime::Runtime(const Limits& limits)
    : limits_(limits),
      arena_(limits.memoryBytes),
      stepsLeft_(limits.steps),
      deadline_(kNoDeadline) {
  stepsUntilClock_ = std::min(stepsLeft_, kStepsPerLook);
  stepsLeft_ -= stepsUntilClock_;
}

void Runtime::chargeSlow(std::uint64_t steps) {
  const std::uint64_t available = stepsUntilClock_ + stepsLeft_;
  if (steps >= available) throw LimitFailure{std::to_string(limits_.steps) + " steps"};
  const auto now = std::chrono::steady_clock::now();
  if (deadline_ == kNoDeadline) deadline_ = now + limits_.wallTime;
  if (now >= deadline_) {
    throw LimitFailure{std::to_string(limits_.wallTime.count()) + " ms of wall time",
                       Code::Timeout};
  }
  const std::uint64_t left = available - steps;
  stepsUntilClock_ = std::min(left, kStepsPerLook);
  stepsLeft_ = left - stepsUntilClock_;
}

void Runtime::failValueBytes() const {
  throw LimitFailure{std::to_string(limits_.valueBytes) + " bytes for one value"};
}

void Runtime::failDepth() const {
  throw LimitFailure{std::to_string(limits_.valueDepth) + " levels of nested values"};
}

Any Runtime::makeCertificate(std::string_view certificate, std::string_view key) {
  return makeObject(Type::Certificate, &Any::certificate,
                    Certificate{arena_.copy(certificate), arena_.copy(key)});
}

Any Runtime::makeTree(Value tree) {
  arena_.charge(tree.heapBytes());
  return Any::fromValue(*arena_.make<Value>(std::move(tree)));
}

Slice* Runtime::makeSlice(std::size_t length, Slice::Growth growth) {
  checkValueBytes(length * sizeof(Any));
  charge(length / 16);
  Slice* out = arena_.make<Slice>();
  out->items = arena_.makeArray<Any>(length);
  std::fill_n(out->items, length, Any::nil().asInterface());
  out->length = static_cast<std::uint32_t>(length);
  out->capacity = out->length;
  out->growth = growth;
  return out;
}

Any Runtime::makeList(std::span<const Any> items, Slice::Growth growth) {
  Slice* out = makeSlice(items.size(), growth);
  for (std::size_t i = 0; i < items.size(); ++i) out->items[i] = items[i].asInterface();
  return Any::list(Type::AnySlice, out);
}

Any Runtime::makeStringList(std::span<const std::string_view> items, Slice::Growth growth) {
  Slice* out = makeSlice(items.size(), growth);
  for (std::size_t i = 0; i < items.size(); ++i) out->items[i] = Any::string(items[i]);
  return Any::list(Type::StringSlice, out);
}

Map* Runtime::makeMap(std::size_t capacity) {
  checkValueBytes(capacity * sizeof(Map::Entry));
  Map* out = arena_.make<Map>();
  out->entries = arena_.makeArray<Map::Entry>(capacity);
  out->capacity = static_cast<std::uint32_t>(capacity);
  return out;
}

Any Runtime::resolveSlow(const Any& map) const {
  const auto found = promoted_.find(map.source);
  if (found == promoted_.end()) return map;
  Any out = Any::mapOf(Type::AnyMap, found->second);
  out.isInterface = map.isInterface;
  return out;
}

Map* Runtime::mutableMap(const Any& map) {
  const Any resolved = resolve(map);
  if (!resolved.isSource) return resolved.map;
  const std::span<const Member> members = resolved.source->members();
  charge(members.size());
  Map* copy = makeMap(members.size() + 1);
  for (const Member& member : members) {
    copy->entries[copy->size++] = {member.key(), Any::fromValue(member.value).asInterface()};
  }
  promoted_.emplace(resolved.source, copy);
  return copy;
}

Any Runtime::find(const Any& map, std::string_view key, bool& found) const {
  const Any resolved = resolve(map);
  if (resolved.isSource) {
    const Value* value = resolved.source->find(key);
    found = value != nullptr;
    return found ? Any::fromValue(*value).asInterface() : Any::nil();
  }
  const Any* value = resolved.map != nullptr ? resolved.map->find(key) : nullptr;
  found = value != nullptr;
  return found ? *value : Any::nil();
}

void Runtime::makeRoom(Map& map, std::size_t capacity) {
  checkValueBytes(capacity * sizeof(Map::Entry));
  charge(map.size / 32);
  Map::Entry* entries = arena_.makeArray<Map::Entry>(capacity);
  std::copy_n(map.entries, map.size, entries);
  map.entries = entries;
  map.capacity = static_cast<std::uint32_t>(capacity);
  map.isShared = false;
}

void Runtime::set(Map& map, std::string_view key, const Any& value) {
  if (map.isShared) makeRoom(map, map.size + std::size_t{1});
  const std::uint32_t at = map.lowerBound(key);
  if (at < map.size && map.entries[at].key == key) {
    map.entries[at].value = value;
    return;
  }
  charge((map.size - at) / 32);
  if (map.size == map.capacity)
    makeRoom(map, map.capacity == 0 ? 4 : std::size_t{map.capacity} * 2);
  std::copy_backward(map.entries + at, map.entries + map.size, map.entries + map.size + 1);
  map.entries[at] = {key, value};
  ++map.size;
}

void Runtime::erase(Map& map, std::string_view key) {
  if (map.isShared) makeRoom(map, map.size);
  const std::uint32_t at = map.lowerBound(key);
  if (at == map.size || map.entries[at].key != key) return;
  charge((map.size - at) / 32);
  std::copy(map.entries + at + 1, map.entries + map.size, map.entries + at);
  --map.size;
}

Map* Runtime::snapshot(Map& map) {
  map.isShared = true;
  return arena_.make<Map>(map);
}

MapView::MapView(const Runtime& runtime, const Any& map) {
  const Any resolved = runtime.resolve(map);
  if (resolved.isSource) {
    const std::span<const Member> members = resolved.source->members();
    members_ = members.data();
    size_ = members.size();
    identity_ = resolved.source;
  } else if (resolved.map != nullptr) {
    entries_ = resolved.map->entries;
    size_ = resolved.map->size;
    identity_ = resolved.map;
  }
}

}  // namespace iop::gotemplate::internal
