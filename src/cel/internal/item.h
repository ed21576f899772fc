#pragma once

// Values while an expression is evaluated: those of JSON, and what JSON does not have.
//
//   Item size = Item::integer(3);
//   Item spec = Item::of(object["spec"], type);   // free: nothing is copied or converted yet
//   if (item.kind == Kind::Error) return item;    // errors are values: && and || may absorb them

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cel/cel.h"
#include "value/value.h"

namespace iop::cel::internal {

enum class Kind : std::uint8_t {
  Error,
  Null,
  Bool,
  Int,
  Uint,
  Double,
  String,
  Bytes,
  Duration,
  Timestamp,
  List,
  Map,
  Type,
  Optional,
  Quantity,
  Ip,
  Cidr,
  Url,
  Format,
  Semver,
};

// How much comparing and copying one evaluation may do beside its cost; what reaches it is stopped.
constexpr std::uint64_t kMaxWork = 20'000'000;

constexpr std::uint32_t maskOf(Kind kind) { return 1U << static_cast<unsigned>(kind); }

// What an Item points to where 16 bytes do not hold it. Immutable.
struct Block {
  virtual ~Block() = default;
};

struct Item {
  Kind kind = Kind::Null;
  std::int16_t zoneMinutes = 0;  // Timestamp: as it was written, east of UTC
  std::int32_t nanos = 0;        // Timestamp: 0 to 999'999'999
  union {
    std::int64_t number = 0;  // Bool, Int, Uint (its bits), Duration (ns), Timestamp (s since 1970)
    double real;              // Double
  };
  // String, Bytes, Type (its name), Error (its message), Format (its name); List and Map of JSON.
  Value json;
  const Type* declared = nullptr;      // of a List or Map of JSON; lives in the Program or Binding
  std::shared_ptr<const Block> block;  // List and Map made here, Optional, Quantity, …

  static Item boolean(bool value);
  static Item integer(std::int64_t value);
  static Item natural(std::uint64_t value);
  static Item floating(double value);
  static Item text(std::string_view value);
  static Item bytes(std::string_view value);
  static Item duration(std::int64_t nanoseconds);
  static Item timestamp(std::int64_t seconds, std::int32_t nanoseconds, int zoneMinutes = 0);
  static Item typeNamed(std::string_view name);
  static Item list(std::vector<Item> items);
  static Item none();
  static Item some(Item value);
  static Item error(std::string_view message);
  static Item noOverload();
  static Item withBlock(Kind kind, std::shared_ptr<const Block> block);
  // Of a value from outside. An Error where it is not what is declared.
  static Item of(const Value& value, const Type* declared);

  bool isError() const { return kind == Kind::Error; }
  bool isBool() const { return kind == Kind::Bool; }
  bool isTrue() const { return kind == Kind::Bool && number != 0; }
  bool isNumber() const { return kind == Kind::Int || kind == Kind::Uint || kind == Kind::Double; }
  std::uint64_t asNatural() const { return static_cast<std::uint64_t>(number); }
  // Of a String, Bytes, Type or Error; valid while the Item lives.
  std::string_view view() const& { return json.asString(); }
  // What an Optional holds, or null.
  const Item* held() const;

  template <typename T>
  const T& as() const {
    return static_cast<const T&>(*block);
  }
};

struct ListBlock : Block {
  std::vector<Item> items;
};

struct OptionalBlock : Block {
  Item value;
};

// A total order of what can be a key; numbers of different types compare by value.
struct KeyOrder {
  bool operator()(const Item& a, const Item& b) const;
};

// Sorted by KeyOrder.
struct MapBlock : Block {
  std::vector<std::pair<Item, Item>> entries;
  const Item* find(const Item& key) const;
};

// Collects the entries of a map.
class MapBuilder {
 public:
  // False where the key is there already; `replace`: it is overwritten.
  bool insert(Item key, Item value, bool replace);
  Item finish() &&;
  static bool isKey(const Item& item);

 private:
  std::vector<std::pair<Item, Item>> entries_;
};

// Elements of a list, entries of a map.
std::size_t countOf(const Item& container);
// Of a list, in range.
Item elementOf(const Item& list, std::size_t index);
// The key of a map's entry, in the order of the map; of an object with declared fields as CEL
// writes it.
Item keyAt(const Item& map, std::size_t index);
// The value for a key; nothing where there is none.
std::optional<Item> entryOf(const Item& map, const Item& key);
// A field of an object with declared fields, or an entry named so. Escaped names
// (a__dash__b) are tried as they are, then unescaped where fields are declared.
std::optional<Item> fieldOf(const Item& map, std::string_view name);

// The declared type of a field, by the name that CEL has for it (a__dash__b, and both __namespace__
// and namespace); null where there is none.
const TypePtr* declaredField(const Type& object, std::string_view name);

// Code points of a text; anything that is no UTF-8 counts a byte each.
std::size_t codePoints(std::string_view text);

// The name of the runtime type: "int", "list", "google.protobuf.Duration".
std::string_view typeNameOf(const Item& item);

// Numbers of different types are compared by value. Nothing: they have no order (a NaN among them).
std::optional<int> compareNumbers(const Item& a, const Item& b);

// A key as Go shows it.
std::string printKey(const Item& key);

// Compares deeply; adds what it looked at to `work`. An Error inside makes it false.
bool equal(const Item& a, const Item& b, std::uint64_t& work);
// Nothing where the two have no order.
std::optional<int> compare(const Item& a, const Item& b);

// As JSON; keys that are no texts become some. Error: Invalid, where it is an Error.
Result<Value> toValue(const Item& item);

}  // namespace iop::cel::internal
