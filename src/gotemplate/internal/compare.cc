#include "gotemplate/internal/compare.h"

#include <string>

#include "gotemplate/internal/fmt.h"

namespace iop::gotemplate::internal {
namespace {

// What can be compared with what.
enum class Basic { Other, Bool, Complex, Int, Float, String, Uint };

Basic basicOf(const Any& value) {
  switch (kindOf(value.type)) {
    case Kind::Bool:
      return Basic::Bool;
    case Kind::Int:
    case Kind::Int64:
      return Basic::Int;
    case Kind::Uint8:
    case Kind::Uint64:
      return Basic::Uint;
    case Kind::Float64:
      return Basic::Float;
    case Kind::Complex128:
      return Basic::Complex;
    case Kind::String:
      return Basic::String;
    default:
      return Basic::Other;
  }
}

[[noreturn]] void failIncompatible(const Any& a, const Any& b) {
  failFunction("incompatible types for comparison: " + std::string(typeName(a.type)) + " and " +
               std::string(typeName(b.type)));
}

bool isNilLike(const Any& value) { return value.isNil() || value.isTypedNil(); }

// What has no order: lists, maps, structs, pointers and nil.
bool areOthersEqual(Runtime& runtime, const Any& a, const Any& b) {
  if (kindOf(a.type) != kindOf(b.type) && !a.isNil() && !b.isNil()) {
    failFunction("non-comparable types " + formatValue(runtime, a, 's') + ": " +
                 std::string(typeName(a.type)) + ", " + std::string(typeName(b.type)) + ": " +
                 formatValue(runtime, b, 'v'));
  }
  if (isNilLike(a) || isNilLike(b)) return isNilLike(a) == isNilLike(b);
  if (b.isSlice() || b.isMap()) {
    failFunction("non-comparable type " + formatValue(runtime, b, 's') + ": " +
                 std::string(typeName(b.type)));
  }
  if (a.type != b.type) return false;
  switch (a.type) {
    case Type::Time:
      return *a.time == *b.time;
    case Type::Semver:
      return *a.semver == *b.semver;
    case Type::Certificate:
      return a.certificate->certificate == b.certificate->certificate &&
             a.certificate->key == b.certificate->key;
    case Type::Location:
      return *a.location == *b.location;
    default:
      return a.semver == b.semver;
  }
}

// What they point to is compared, not who they are; for that a look at one moment has to do.
bool areLocationsDeepEqual(const LocationPtr& a, const LocationPtr& b, std::int64_t unixSeconds) {
  if (a == b) return true;
  if (a == nullptr || b == nullptr || a->name() != b->name()) return false;
  const ZoneAt left = a->lookup(unixSeconds), right = b->lookup(unixSeconds);
  return left.offset == right.offset && left.abbreviation == right.abbreviation;
}

bool areListsDeepEqual(Runtime& runtime, const Any& a, const Any& b, int depth) {
  if (a.isTypedNil() != b.isTypedNil()) return false;
  const SliceView left(a);
  const SliceView right(b);
  if (left.size() != right.size()) return false;
  if (a.isSource == b.isSource && a.slice == b.slice) return true;
  for (std::size_t i = 0; i < left.size(); ++i) {
    if (!areDeepEqual(runtime, left[i], right[i], depth + 1)) return false;
  }
  return true;
}

bool areMapsDeepEqual(Runtime& runtime, const Any& a, const Any& b, int depth) {
  if (a.isTypedNil() != b.isTypedNil()) return false;
  const MapView left(runtime, a);
  const MapView right(runtime, b);
  if (left.size() != right.size()) return false;
  if (left.identity() == right.identity()) return true;
  for (std::size_t i = 0; i < left.size(); ++i) {
    if (left.key(i) != right.key(i)) return false;
    if (!areDeepEqual(runtime, left.value(i), right.value(i), depth + 1)) return false;
  }
  return true;
}

}  // namespace

bool areEqual(Runtime& runtime, const Any& a, const Any& b) {
  const Basic left = basicOf(a);
  const Basic right = basicOf(b);
  if (left != right) {
    if (left == Basic::Int && right == Basic::Uint)
      return a.integer >= 0 && a.unsignedInteger == b.unsignedInteger;
    if (left == Basic::Uint && right == Basic::Int)
      return b.integer >= 0 && a.unsignedInteger == b.unsignedInteger;
    if (a.isNil() || b.isNil()) return false;
    failIncompatible(a, b);
  }
  switch (left) {
    case Basic::Bool:
    case Basic::Int:
    case Basic::Uint:
      return a.integer == b.integer;
    case Basic::Complex:
      return *a.complex == *b.complex;
    case Basic::Float:
      return a.number == b.number;
    case Basic::String:
      return a.asText() == b.asText();
    case Basic::Other:
      break;
  }
  return areOthersEqual(runtime, a, b);
}

bool isLess(Runtime&, const Any& a, const Any& b) {
  const Basic left = basicOf(a);
  const Basic right = basicOf(b);
  if (left == Basic::Other || right == Basic::Other) failFunction("invalid type for comparison");
  if (left != right) {
    if (left == Basic::Int && right == Basic::Uint)
      return a.integer < 0 || a.unsignedInteger < b.unsignedInteger;
    if (left == Basic::Uint && right == Basic::Int)
      return b.integer >= 0 && a.unsignedInteger < b.unsignedInteger;
    failIncompatible(a, b);
  }
  switch (left) {
    case Basic::Int:
      return a.integer < b.integer;
    case Basic::Uint:
      return a.unsignedInteger < b.unsignedInteger;
    case Basic::Float:
      return a.number < b.number;
    case Basic::String:
      return a.asText() < b.asText();
    default:
      failFunction("invalid type for comparison");
  }
}

bool areDeepEqual(Runtime& runtime, const Any& a, const Any& b, int depth) {
  runtime.charge(1);
  runtime.checkDepth(depth);
  if (a.type != b.type) return false;
  switch (a.type) {
    case Type::Nil:
      return true;
    case Type::Float64:
      return a.number == b.number;
    case Type::Complex128:
      return *a.complex == *b.complex;
    case Type::String:
      runtime.chargeBytes(a.size);
      return a.asText() == b.asText();
    case Type::AnySlice:
    case Type::StringSlice:
    case Type::IntSlice:
    case Type::ByteSlice:
    case Type::AnySliceSlice:
      return areListsDeepEqual(runtime, a, b, depth);
    case Type::AnyMap:
    case Type::StringMap:
      return areMapsDeepEqual(runtime, a, b, depth);
    case Type::SemverPointer:
    case Type::Semver:
      return a.semver == b.semver ||
             (a.semver != nullptr && b.semver != nullptr && *a.semver == *b.semver);
    case Type::Time:
      return a.time->unixSeconds == b.time->unixSeconds && a.time->nanos == b.time->nanos &&
             areLocationsDeepEqual(a.time->location, b.time->location, a.time->unixSeconds);
    case Type::Location:
    case Type::Certificate:
      return areOthersEqual(runtime, a, b);
    default:
      return a.integer == b.integer;
  }
}

}  // namespace iop::gotemplate::internal
