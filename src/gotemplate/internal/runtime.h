#pragma once

// What one execution has made and may still use: its arena, its budget, and its changes to the
// data.
//
//   Any list = runtime.makeList(items);
//   runtime.set(dict, "a", Any::integerOf(1));
//   runtime.charge(list.size());               // throws LimitFailure when the steps are used up
//
// One thread at a time.

#include <chrono>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "gotemplate/internal/any.h"
#include "gotemplate/internal/arena.h"
#include "gotemplate/internal/failure.h"
#include "gotemplate/template.h"

namespace iop::gotemplate::internal {

class Runtime {
 public:
  explicit Runtime(const Limits& limits);

  Arena& arena() { return arena_; }
  const Limits& limits() const { return limits_; }

  // --- Budget ---

  void charge(std::uint64_t steps) {
    if (steps >= stepsUntilClock_) return chargeSlow(steps);
    stepsUntilClock_ -= steps;
  }
  // For reading or making that many bytes.
  void chargeBytes(std::size_t bytes) { charge(bytes / 256); }
  // To be asked before a function makes a value of that size.
  void checkValueBytes(std::uint64_t bytes) {
    if (bytes > limits_.valueBytes) failValueBytes();
  }
  // For whoever walks a value: the nesting he has reached.
  void checkDepth(int depth) {
    if (depth > limits_.valueDepth) failDepth();
  }

  // --- Values ---

  // Copies into the arena.
  Any makeString(std::string_view text) {
    checkValueBytes(text.size());
    return Any::string(arena_.copy(text));
  }
  Any makeTime(Time time) { return makeObject(Type::Time, &Any::time, std::move(time)); }
  Any makeSemver(Type type, Semver version) {
    return makeObject(type, &Any::semver, std::move(version));
  }
  Any makeLocation(LocationPtr location) {
    return makeObject(Type::Location, &Any::location, std::move(location));
  }
  Any makeComplex(std::complex<double> value) {
    return makeObject(Type::Complex128, &Any::complex, value);
  }
  Any makeCertificate(std::string_view certificate, std::string_view key);
  // A tree that the execution has parsed itself.
  Any makeTree(Value tree);

  // A list of nils with room for `length`; of type []interface {} its elements are of interface
  // type.
  Slice* makeSlice(std::size_t length, Slice::Growth growth = Slice::Growth::Exact);
  Any makeList(std::span<const Any> items, Slice::Growth growth = Slice::Growth::Exact);
  Any makeStringList(std::span<const std::string_view> items,
                     Slice::Growth growth = Slice::Growth::Exact);

  Map* makeMap(std::size_t capacity = 0);

  // --- Maps ---

  // The map itself, or the copy of a map of the data that the template has changed.
  Any resolve(const Any& map) const {
    if (promoted_.empty() || !map.isSource || map.type != Type::AnyMap) return map;
    return resolveSlow(map);
  }
  // Copies a map of the data so that it can be changed, for everybody who reaches it from now on.
  Map* mutableMap(const Any& map);
  // The element of a key, of interface type where the map is; `found` false where there is none.
  Any find(const Any& map, std::string_view key, bool& found) const;
  void set(Map& map, std::string_view key, const Any& value);
  void erase(Map& map, std::string_view key);
  // The entries as they are now, whatever happens to the map later.
  Map* snapshot(Map& map);

 private:
  template <typename T, typename Pointer>
  Any makeObject(Type type, Pointer Any::*member, T object) {
    Any out;
    out.type = type;
    out.*member = arena_.make<T>(std::move(object));
    return out;
  }

  void chargeSlow(std::uint64_t steps);
  void makeRoom(Map& map, std::size_t capacity);
  [[noreturn]] void failValueBytes() const;
  [[noreturn]] void failDepth() const;
  Any resolveSlow(const Any& map) const;

  const Limits& limits_;
  Arena arena_;
  std::uint64_t stepsUntilClock_ = 0;
  std::uint64_t stepsLeft_;
  std::chrono::steady_clock::time_point deadline_;
  std::unordered_map<const Value*, Map*> promoted_;
};

// The entries of a map in the order of their keys, wherever they are. Do not change the map
// meanwhile.
class MapView {
 public:
  MapView(const Runtime& runtime, const Any& map);

  std::size_t size() const { return size_; }
  std::string_view key(std::size_t index) const {
    return entries_ != nullptr ? entries_[index].key : members_[index].key();
  }
  Any value(std::size_t index) const {
    return entries_ != nullptr ? entries_[index].value
                               : Any::fromValue(members_[index].value).asInterface();
  }
  // Names the map while it lives.
  const void* identity() const { return identity_; }

 private:
  const Map::Entry* entries_ = nullptr;
  const Member* members_ = nullptr;
  std::size_t size_ = 0;
  const void* identity_ = nullptr;
};

}  // namespace iop::gotemplate::internal
