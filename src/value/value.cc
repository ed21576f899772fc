#include "value/value.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <new>

#include "base/result.h"

namespace iop::value {
namespace {

// What stands before the bytes, items or members of a block.
struct StringHeader {
  std::atomic<std::uint32_t> references{1};
  std::uint32_t size = 0;

  char* bytes() { return reinterpret_cast<char*>(this + 1); }
};

struct TreeHeader {
  std::atomic<std::uint32_t> references{1};
  std::uint32_t size = 0;
  std::uint32_t capacity = 0;
  std::uint32_t unused = 0;

  Value* items() { return reinterpret_cast<Value*>(this + 1); }
  Member* members() { return reinterpret_cast<Member*>(this + 1); }
};

static_assert(sizeof(Value) == 16);
static_assert(sizeof(Member) == 32);
static_assert(sizeof(TreeHeader) == 16);

template <typename Header>
Header* allocate(std::size_t payloadBytes) {
  void* memory = std::malloc(sizeof(Header) + payloadBytes);
  if (memory == nullptr) throw std::bad_alloc();
  return new (memory) Header;
}

template <typename Entry>
Entry* entriesOf(TreeHeader* header) {
  return reinterpret_cast<Entry*>(header + 1);
}

template <typename Entry>
TreeHeader* allocateTree(std::size_t capacity) {
  ASSERT(capacity <= std::numeric_limits<std::uint32_t>::max());
  auto* header = allocate<TreeHeader>(capacity * sizeof(Entry));
  header->capacity = static_cast<std::uint32_t>(capacity);
  return header;
}

// A block with the same entries, which are moved where nobody else holds the old block, and copied
// otherwise.
template <typename Entry>
TreeHeader* reallocateTree(TreeHeader* old, std::size_t capacity, bool unique) {
  TreeHeader* fresh = allocateTree<Entry>(std::max<std::size_t>(capacity, old->size));
  Entry* from = entriesOf<Entry>(old);
  Entry* to = entriesOf<Entry>(fresh);
  for (std::uint32_t i = 0; i < old->size; ++i) {
    if (unique) {
      new (to + i) Entry(std::move(from[i]));
    } else {
      new (to + i) Entry(from[i]);
    }
  }
  fresh->size = old->size;
  return fresh;
}

const Value& nullValue() {
  static const Value null;
  return null;
}

// The first member whose key is not less than `key`.
const Member* lowerBound(std::span<const Member> members, std::string_view key) {
  const Member* first = members.data();
  std::size_t count = members.size();
  while (count > 0) {
    const std::size_t half = count / 2;
    if (first[half].key() < key) {
      first += half + 1;
      count -= half + 1;
    } else {
      count = half;
    }
  }
  return first;
}

}  // namespace

// Access to the blocks for the functions of this file.
struct Blocks {
  static TreeHeader* tree(const Value& value) {
    return static_cast<TreeHeader*>(value.payload_.block);
  }
  static StringHeader* string(const Value& value) {
    return static_cast<StringHeader*>(value.payload_.block);
  }
  static Value adopt(unsigned char tag, void* block) {
    Value out;
    out.payload_.block = block;
    out.setTag(tag);
    return out;
  }
  static constexpr unsigned char kArray = Value::kArray;
  static constexpr unsigned char kObject = Value::kObject;
};

void Value::setString(std::string_view text) {
  if (text.size() <= kInlineCapacity) {
    // An empty view may have no bytes to point to.
    if (!text.empty()) std::memcpy(payload_.bytes, text.data(), text.size());
    setTag(static_cast<unsigned char>(kInlineString + text.size()));
    return;
  }
  ASSERT(text.size() <= std::numeric_limits<std::uint32_t>::max());
  auto* header = allocate<StringHeader>(text.size());
  header->size = static_cast<std::uint32_t>(text.size());
  std::memcpy(header->bytes(), text.data(), text.size());
  payload_.block = header;
  setTag(kHeapString);
}

void Value::retain() noexcept {
  if (!isCounted()) return;
  // Both headers begin with the count.
  static_cast<std::atomic<std::uint32_t>*>(payload_.block)->fetch_add(1, std::memory_order_relaxed);
}

void Value::releaseBlock() noexcept {
  auto* references = static_cast<std::atomic<std::uint32_t>*>(payload_.block);
  if (references->load(std::memory_order_acquire) != 1 &&
      references->fetch_sub(1, std::memory_order_acq_rel) != 1) {
    return;
  }
  if (isArray()) {
    TreeHeader* header = Blocks::tree(*this);
    std::destroy_n(header->items(), header->size);
  } else if (isObject()) {
    TreeHeader* header = Blocks::tree(*this);
    std::destroy_n(header->members(), header->size);
  }
  std::free(payload_.block);
}

Value Value::array(std::initializer_list<Value> items) {
  std::vector<Value> copy(items);
  return fromItems(copy);
}

Value Value::object(std::initializer_list<Member> members) {
  std::vector<Member> copy(members);
  return fromMembers(copy);
}

Value Value::fromItems(std::span<Value> items) {
  TreeHeader* header = allocateTree<Value>(items.size());
  for (std::size_t i = 0; i < items.size(); ++i) {
    new (header->items() + i) Value(std::move(items[i]));
  }
  header->size = static_cast<std::uint32_t>(items.size());
  return Blocks::adopt(kArray, header);
}

Value Value::fromMembers(std::span<Member> members) {
  const auto byKey = [](const Member& a, const Member& b) { return a.key() < b.key(); };
  if (!std::is_sorted(members.begin(), members.end(), byKey)) {
    std::stable_sort(members.begin(), members.end(), byKey);
  }
  TreeHeader* header = allocateTree<Member>(members.size());
  Member* out = header->members();
  std::uint32_t size = 0;
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (i + 1 < members.size() && members[i].key() == members[i + 1].key()) continue;
    new (out + size++) Member(std::move(members[i]));
  }
  header->size = size;
  return Blocks::adopt(kObject, header);
}

Value::Type Value::type() const noexcept {
  switch (tag()) {
    case kNull:
      return Type::Null;
    case kBool:
      return Type::Bool;
    case kInt:
      return Type::Int;
    case kDouble:
      return Type::Double;
    case kArray:
      return Type::Array;
    case kObject:
      return Type::Object;
    default:
      return Type::String;
  }
}

double Value::asDouble(double fallback) const noexcept {
  if (isDouble()) return payload_.number;
  return isInt() ? static_cast<double>(payload_.integer) : fallback;
}

std::string_view Value::asString(std::string_view fallback) const& noexcept {
  if (tag() >= kInlineString) {
    return {payload_.bytes, static_cast<std::size_t>(tag() - kInlineString)};
  }
  if (tag() == kHeapString) {
    StringHeader* header = Blocks::string(*this);
    return {header->bytes(), header->size};
  }
  return fallback;
}

std::size_t Value::size() const noexcept {
  if (isArray() || isObject()) return Blocks::tree(*this)->size;
  return asString().size();
}

std::span<const Value> Value::items() const noexcept {
  if (!isArray()) return {};
  TreeHeader* header = Blocks::tree(*this);
  return {header->items(), header->size};
}

std::span<const Member> Value::members() const noexcept {
  if (!isObject()) return {};
  TreeHeader* header = Blocks::tree(*this);
  return {header->members(), header->size};
}

const Value* Value::find(std::string_view key) const noexcept {
  const std::span<const Member> all = members();
  const Member* found = lowerBound(all, key);
  return found != all.data() + all.size() && found->key() == key ? &found->value : nullptr;
}

const Value& Value::operator[](std::string_view key) const noexcept {
  const Value* found = find(key);
  return found != nullptr ? *found : nullValue();
}

const Value& Value::at(std::size_t index) const noexcept {
  const std::span<const Value> all = items();
  return index < all.size() ? all[index] : nullValue();
}

void Value::makeUnique(std::size_t capacity) {
  TreeHeader* old = Blocks::tree(*this);
  const bool unique = old->references.load(std::memory_order_acquire) == 1;
  if (unique && capacity <= old->capacity) return;
  if (capacity > old->capacity) {
    capacity = std::max<std::size_t>(capacity, old->capacity + old->capacity / 2);
  }
  Value fresh = isArray() ? Blocks::adopt(kArray, reallocateTree<Value>(old, capacity, unique))
                          : Blocks::adopt(kObject, reallocateTree<Member>(old, capacity, unique));
  swap(fresh);  // the old block, its entries moved out or still shared, goes with `fresh`
}

Value& Value::edit(std::string_view key) {
  if (isNull()) *this = object();
  ASSERT(isObject());
  const std::span<const Member> all = members();
  const Member* found = lowerBound(all, key);
  const auto index = static_cast<std::size_t>(found - all.data());
  if (index < all.size() && found->key() == key) {
    makeUnique(all.size());
    return Blocks::tree(*this)->members()[index].value;
  }
  Member fresh(key, Value());  // before the block goes: `key` may be a view into it
  makeUnique(all.size() + 1);
  TreeHeader* header = Blocks::tree(*this);
  Member* entries = header->members();
  new (entries + header->size) Member();
  std::move_backward(entries + index, entries + header->size, entries + header->size + 1);
  ++header->size;
  entries[index] = std::move(fresh);
  return entries[index].value;
}

void Value::set(std::string_view key, Value value) { edit(key) = std::move(value); }

bool Value::erase(std::string_view key) {
  const std::span<const Member> all = members();
  const Member* found = lowerBound(all, key);
  const auto index = static_cast<std::size_t>(found - all.data());
  if (index == all.size() || found->key() != key) return false;
  makeUnique(all.size());
  TreeHeader* header = Blocks::tree(*this);
  Member* entries = header->members();
  std::move(entries + index + 1, entries + header->size, entries + index);
  std::destroy_at(entries + --header->size);
  return true;
}

void Value::push(Value value) {
  if (isNull()) *this = array();
  insertItem(size(), std::move(value));
}

Value& Value::editItem(std::size_t index) {
  ASSERT(isArray() && index < size());
  makeUnique(size());
  return Blocks::tree(*this)->items()[index];
}

void Value::insertItem(std::size_t index, Value value) {
  ASSERT(isArray() && index <= size());
  makeUnique(size() + 1);
  TreeHeader* header = Blocks::tree(*this);
  Value* entries = header->items();
  new (entries + header->size) Value();
  std::move_backward(entries + index, entries + header->size, entries + header->size + 1);
  ++header->size;
  entries[index] = std::move(value);
}

void Value::eraseItem(std::size_t index) {
  ASSERT(isArray() && index < size());
  makeUnique(size());
  TreeHeader* header = Blocks::tree(*this);
  Value* entries = header->items();
  std::move(entries + index + 1, entries + header->size, entries + index);
  std::destroy_at(entries + --header->size);
}

bool operator==(const Value& a, const Value& b) noexcept {
  if (a.type() != b.type()) return false;
  switch (a.type()) {
    case Value::Type::Null:
      return true;
    case Value::Type::Bool:
    case Value::Type::Int:
      return a.payload_.integer == b.payload_.integer;
    case Value::Type::Double:
      return a.payload_.number == b.payload_.number;
    case Value::Type::String:
      return a.asString() == b.asString();
    case Value::Type::Array: {
      if (a.payload_.block == b.payload_.block) return true;
      const auto left = a.items(), right = b.items();
      return std::equal(left.begin(), left.end(), right.begin(), right.end());
    }
    case Value::Type::Object: {
      if (a.payload_.block == b.payload_.block) return true;
      const auto left = a.members(), right = b.members();
      return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                        [](const Member& x, const Member& y) {
                          return x.key() == y.key() && x.value == y.value;
                        });
    }
  }
  return false;
}

bool Value::isSame(const Value& other) const noexcept {
  if (isArray() || isObject()) {
    return tag() == other.tag() && payload_.block == other.payload_.block;
  }
  return *this == other;
}

std::size_t Value::heapBytes() const noexcept {
  if (tag() == kHeapString) return sizeof(StringHeader) + size();
  if (!isArray() && !isObject()) return 0;
  const TreeHeader* header = Blocks::tree(*this);
  std::size_t total =
      sizeof(TreeHeader) + header->capacity * (isArray() ? sizeof(Value) : sizeof(Member));
  for (const Value& item : items()) total += item.heapBytes();
  for (const Member& member : members())
    total += member.name.heapBytes() + member.value.heapBytes();
  return total;
}

}  // namespace iop::value
