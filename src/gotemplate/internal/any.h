#pragma once

// The values of a running template: what Go's reflect.Value and interface{} are to text/template.
//
//   Any number = Any::float64(3);
//   Any list = runtime.makeList({number, Any::string("x")});
//   typeName(list)                             // []interface {}
//
// An Any is 16 bytes and plain: it may be copied freely, and points into the data (a Value tree
// that outlives the execution), the template, or the arena of the execution (Runtime). Lists and
// maps are references, as in Go.
//
// Besides its dynamic type an Any remembers whether it was reached through a variable of static
// type interface{}
// (`isInterface`), because Go's messages and conversions depend on it:
//
//   type Nil, not isInterface     reflect's invalid value: a missing key, an unwrapped nil
//   type Nil, isInterface         a nil interface{}: a JSON null as an element
//   any other type                a value; isInterface until it is unwrapped
//
// Values of the data are read in place: a list or map with `isSource` points at its Value. All
// numbers there are float64. Runtime::resolve() leads to the copy of a map that the template has
// changed.

#include <complex>
#include <cstdint>
#include <string_view>

#include "gotemplate/internal/semver.h"
#include "gotemplate/internal/times.h"
#include "value/value.h"

namespace iop::gotemplate::internal {

// The types a value of a template can have.
enum class Type : std::uint8_t {
  Nil,
  Bool,
  Int,
  Int64,
  Uint8,
  Uint64,
  Float64,
  Complex128,
  String,
  AnySlice,       // []interface {}
  StringSlice,    // []string
  IntSlice,       // []int
  ByteSlice,      // []uint8
  AnySliceSlice,  // [][]interface {}
  AnyMap,         // map[string]interface {}
  StringMap,      // map[string]string
  Time,           // time.Time
  Duration,       // time.Duration
  Month,          // time.Month
  Weekday,        // time.Weekday
  Location,       // *time.Location
  SemverPointer,  // *semver.Version
  Semver,         // semver.Version
  Certificate,    // sprig.certificate
};

// Go's reflect.Kind, as far as there are such types.
enum class Kind : std::uint8_t {
  Invalid,
  Bool,
  Int,
  Int64,
  Uint8,
  Uint64,
  Float64,
  Complex128,
  String,
  Slice,
  Map,
  Struct,
  Pointer
};

struct Any;

// The elements of a list that an execution has made. A sub-list shares its parent's elements.
struct Slice {
  // How the capacity, which is seen through sprig's `slice` only, came to be.
  enum class Growth : std::uint8_t {
    Exact,         // capacity as it says
    Appended,      // appended one at a time to an empty list
    AppendedOnce,  // one appended to a full list
  };

  Any* items = nullptr;
  std::uint32_t length = 0;
  std::uint32_t capacity = 0;  // of `items`
  Growth growth = Growth::Exact;
  std::uint32_t reserved = 0;  // Appended: the capacity of the empty list
};

struct Map;

struct Certificate {
  std::string_view certificate;
  std::string_view key;
};

struct Any {
  Type type = Type::Nil;
  bool isInterface = false;
  bool isSource = false;
  std::uint32_t size = 0;  // of a string
  union {
    std::int64_t integer = 0;
    std::uint64_t unsignedInteger;
    double number;
    const char* text;
    const Value* source;
    Slice* slice;
    Map* map;
    const std::complex<double>* complex;
    const Time* time;
    const LocationPtr* location;
    const Semver* semver;
    const Certificate* certificate;
  };

  static Any nil() { return {}; }
  static Any boolean(bool value) { return ofInteger(Type::Bool, value); }
  static Any integer64(std::int64_t value) { return ofInteger(Type::Int64, value); }
  static Any integerOf(std::int64_t value) { return ofInteger(Type::Int, value); }
  static Any byte(unsigned char value) { return ofInteger(Type::Uint8, value); }
  static Any ofInteger(Type type, std::int64_t value) {
    Any out;
    out.type = type;
    out.integer = value;
    return out;
  }
  static Any unsigned64(std::uint64_t value) {
    Any out;
    out.type = Type::Uint64;
    out.unsignedInteger = value;
    return out;
  }
  static Any float64(double value) {
    Any out;
    out.type = Type::Float64;
    out.number = value;
    return out;
  }
  // The bytes must live as long as the value.
  static Any string(std::string_view value) {
    Any out;
    out.type = Type::String;
    out.size = static_cast<std::uint32_t>(value.size());
    out.text = value.data();
    return out;
  }
  static Any list(Type type, Slice* slice) {
    Any out;
    out.type = type;
    out.slice = slice;
    return out;
  }
  static Any mapOf(Type type, Map* map) {
    Any out;
    out.type = type;
    out.map = map;
    return out;
  }
  // What encoding/json would have made of it; the Value must outlive the Any.
  static Any fromValue(const Value& value);

  std::string_view asText() const { return {text, size}; }
  bool asBool() const { return integer != 0; }

  bool isNil() const { return type == Type::Nil; }
  bool isString() const { return type == Type::String; }
  // reflect's invalid value.
  bool isInvalid() const { return type == Type::Nil && !isInterface; }
  bool isSlice() const { return type >= Type::AnySlice && type <= Type::AnySliceSlice; }
  bool isMap() const { return type == Type::AnyMap || type == Type::StringMap; }
  // A nil list, map or pointer that has a type.
  bool isTypedNil() const {
    return type >= Type::AnySlice && !isSource && slice == nullptr && type != Type::Duration &&
           type != Type::Month && type != Type::Weekday;
  }

  // The value without the static type: what a pipeline does with the result of each command.
  Any unwrapped() const {
    Any out = *this;
    out.isInterface = false;
    return out;
  }
  Any asInterface() const {
    Any out = *this;
    out.isInterface = true;
    return out;
  }
};
static_assert(sizeof(Any) == 16);

// A map that an execution has made, sorted by key.
struct Map {
  struct Entry {
    std::string_view key;
    Any value;
  };

  Entry* entries = nullptr;
  std::uint32_t size = 0;
  std::uint32_t capacity = 0;
  // A snapshot shares the entries: they must be copied before the next change.
  bool isShared = false;

  // The position of the key, or where it belongs.
  std::uint32_t lowerBound(std::string_view key) const;
  const Any* find(std::string_view key) const;
};

Kind kindOf(Type type);
// Go's name, for example "map[string]interface {}"; "<nil>" for Nil.
constexpr std::string_view typeName(Type type);
// The static type: "interface {}" for what is reached through one.
std::string_view staticTypeName(const Any& value);
// reflect's Kind.String(): "slice", "ptr", "invalid".
std::string_view kindName(Kind kind);

constexpr std::string_view typeName(Type type) {
  switch (type) {
    case Type::Nil:
      return "<nil>";
    case Type::Bool:
      return "bool";
    case Type::Int:
      return "int";
    case Type::Int64:
      return "int64";
    case Type::Uint8:
      return "uint8";
    case Type::Uint64:
      return "uint64";
    case Type::Float64:
      return "float64";
    case Type::Complex128:
      return "complex128";
    case Type::String:
      return "string";
    case Type::AnySlice:
      return "[]interface {}";
    case Type::StringSlice:
      return "[]string";
    case Type::IntSlice:
      return "[]int";
    case Type::ByteSlice:
      return "[]uint8";
    case Type::AnySliceSlice:
      return "[][]interface {}";
    case Type::AnyMap:
      return "map[string]interface {}";
    case Type::StringMap:
      return "map[string]string";
    case Type::Time:
      return "time.Time";
    case Type::Duration:
      return "time.Duration";
    case Type::Month:
      return "time.Month";
    case Type::Weekday:
      return "time.Weekday";
    case Type::Location:
      return "*time.Location";
    case Type::SemverPointer:
      return "*semver.Version";
    case Type::Semver:
      return "semver.Version";
    case Type::Certificate:
      return "sprig.certificate";
  }
  return "";
}

// The elements of a list, wherever they are. Elements of []interface {} are of interface type.
class SliceView {
 public:
  explicit SliceView(const Any& list);

  std::size_t size() const { return size_; }
  Any operator[](std::size_t index) const {
    return items_ != nullptr ? items_[index] : Any::fromValue(values_[index]).asInterface();
  }

 private:
  const Any* items_ = nullptr;
  const Value* values_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace iop::gotemplate::internal
