#pragma once

// Value: the one dynamic tree of this program, for JSON, YAML and Kubernetes objects.
//
//   Value pod = Value::object({{"kind", "Pod"}, {"metadata", Value::object({{"name", "web-0"}})}});
//   pod["metadata"]["name"].asString()              // "web-0"; what is absent reads as null
//   Value copy = pod;                               // free: the trees share everything
//   copy.edit("metadata").set("name", "web-1");     // pod still says web-0
//   for (const Member& member : pod.members()) …    // "kind", "metadata": sorted by key, bytewise
//
// 16 bytes; strings of up to 15 bytes live in them. Larger things are in immutable blocks with a
// reference count; a change copies the blocks on its way that somebody else shares, and only those.
// Integers and doubles are different types, as they are in Go's unstructured objects. Strings are
// bytes and may be invalid UTF-8.
//
// Thread-compatible: different Values may be used from different threads at the same time even
// where they share blocks; one Value that somebody changes needs a lock like any other variable.
//
// Not here: parsing and printing (text/json.h, text/yaml.h), paths (value/path.h).

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace iop {
namespace value {

struct Member;

template <typename T>
concept Integer = std::integral<T> && !std::same_as<T, bool> && !std::same_as<T, char>;

class Value {
 public:
  enum class Type : std::uint8_t { Null, Bool, Int, Double, String, Array, Object };

  Value() noexcept { setTag(kNull); }
  Value(std::nullptr_t) noexcept : Value() {}
  template <std::same_as<bool> B>
  Value(B boolean) noexcept {
    setTag(kBool);
    payload_.integer = boolean;
  }
  template <Integer I>
  Value(I integer) noexcept {
    setTag(kInt);
    payload_.integer = static_cast<std::int64_t>(integer);
  }
  Value(double number) noexcept {
    setTag(kDouble);
    payload_.number = number;
  }
  Value(std::string_view text) { setString(text); }
  Value(const std::string& text) { setString(text); }
  Value(const char* text) { setString(text); }

  Value(const Value& other) noexcept : payload_(other.payload_) { retain(); }
  Value(Value&& other) noexcept : payload_(other.payload_) { other.setTag(kNull); }
  Value& operator=(const Value& other) noexcept {
    Value copy(other);
    swap(copy);
    return *this;
  }
  Value& operator=(Value&& other) noexcept {
    Value taken(std::move(other));
    swap(taken);
    return *this;
  }
  ~Value() { release(); }
  void swap(Value& other) noexcept { std::swap(payload_, other.payload_); }

  static Value array() { return fromItems({}); }
  static Value array(std::initializer_list<Value> items);
  static Value object() { return fromMembers({}); }
  static Value object(std::initializer_list<Member> members);
  // Take over the elements, leaving nulls behind. Members are sorted; of equal keys the last one
  // stays.
  static Value fromItems(std::span<Value> items);
  static Value fromMembers(std::span<Member> members);

  Type type() const noexcept;
  bool isNull() const noexcept { return tag() == kNull; }
  bool isBool() const noexcept { return tag() == kBool; }
  bool isInt() const noexcept { return tag() == kInt; }
  bool isDouble() const noexcept { return tag() == kDouble; }
  bool isNumber() const noexcept { return isInt() || isDouble(); }
  bool isString() const noexcept { return tag() >= kHeapString; }
  bool isArray() const noexcept { return tag() == kArray; }
  bool isObject() const noexcept { return tag() == kObject; }

  // The content, or the fallback where this is of another type. asDouble takes integers too.
  bool asBool(bool fallback = false) const noexcept {
    return isBool() ? payload_.integer != 0 : fallback;
  }
  std::int64_t asInt(std::int64_t fallback = 0) const noexcept {
    return isInt() ? payload_.integer : fallback;
  }
  double asDouble(double fallback = 0) const noexcept;
  // Valid as long as this Value lives and is not changed (short strings are inside of it): never
  // keep a view of a temporary.
  std::string_view asString(std::string_view fallback = {}) const& noexcept;
  std::string toString(std::string_view fallback = {}) const {
    return std::string(asString(fallback));
  }

  // Elements of an array, members of an object, bytes of a string; else 0.
  std::size_t size() const noexcept;
  bool empty() const noexcept { return size() == 0; }

  // The elements of an array; empty for other types.
  std::span<const Value> items() const noexcept;
  // The members of an object, sorted by key; empty for other types.
  std::span<const Member> members() const noexcept;

  // The member of that key; null where this is no object or has no such key.
  const Value* find(std::string_view key) const noexcept;
  bool contains(std::string_view key) const noexcept { return find(key) != nullptr; }
  // The same, with a null Value for what is absent, so that reads can be chained.
  const Value& operator[](std::string_view key) const noexcept;
  const Value& operator[](const char* key) const noexcept { return (*this)[std::string_view(key)]; }
  // An element of an array; a null Value where there is none.
  const Value& at(std::size_t index) const noexcept;

  // Changes. Those that take a key make an object of a null and end the program on other types, as
  // those that take an index do on what is no array or out of range: ask first.
  void set(std::string_view key, Value value);
  // The member for changing, made null if absent. Valid until the next change of this Value.
  Value& edit(std::string_view key);
  // True if there was such a key.
  bool erase(std::string_view key);
  void push(Value value);
  Value& editItem(std::size_t index);
  void eraseItem(std::size_t index);
  void insertItem(std::size_t index, Value value);

  // Deep equality; an Int never equals a Double.
  friend bool operator==(const Value& a, const Value& b) noexcept;

  // True if both are the same block (or equal scalars): cheaper than ==, and may say false for
  // equal trees.
  bool isSame(const Value& other) const noexcept;
  // Names the block of an array or object while it lives; null for other types.
  const void* identity() const noexcept {
    return isArray() || isObject() ? payload_.block : nullptr;
  }

  // Bytes on the heap below this Value, shared blocks counted wherever they are reached.
  std::size_t heapBytes() const noexcept;

 private:
  static constexpr unsigned char kNull = 0, kBool = 1, kInt = 2, kDouble = 3, kArray = 4,
                                 kObject = 5, kHeapString = 6,
                                 kInlineString = 0x40;  // plus the length, 0 to 15
  static constexpr std::size_t kInlineCapacity = 15;

  union Payload {
    void* block;
    std::int64_t integer;
    double number;
    char bytes[16];  // the last one is the tag
  };

  unsigned char tag() const noexcept { return static_cast<unsigned char>(payload_.bytes[15]); }
  void setTag(unsigned char tag) noexcept { payload_.bytes[15] = static_cast<char>(tag); }
  bool isCounted() const noexcept { return tag() >= kArray && tag() <= kHeapString; }
  void setString(std::string_view text);
  void retain() noexcept;
  void release() noexcept {
    if (isCounted()) releaseBlock();
  }
  void releaseBlock() noexcept;
  // Makes the block ours alone, with room for `capacity` entries.
  void makeUnique(std::size_t capacity);

  Payload payload_;

  friend struct Blocks;
};

// One key and value of an object. The key is always a string.
struct Member {
  Member() = default;
  Member(std::string_view memberKey, Value memberValue)
      : name(memberKey), value(std::move(memberValue)) {}

  std::string_view key() const noexcept { return name.asString(); }

  Value name;
  Value value;
};

}  // namespace value

using value::Member;
using value::Value;

}  // namespace iop
