#include "gotemplate/internal/any.h"

namespace iop::gotemplate::internal {

Any Any::fromValue(const Value& value) {
  if (value.isString()) return string(value.asString());
  switch (value.type()) {
    case Value::Type::Null:
    case Value::Type::String:
      break;
    case Value::Type::Bool:
      return boolean(value.asBool());
    case Value::Type::Int:
    case Value::Type::Double:
      return float64(value.asDouble());
    case Value::Type::Array:
    case Value::Type::Object: {
      Any out;
      out.type = value.isArray() ? Type::AnySlice : Type::AnyMap;
      out.isSource = true;
      out.source = &value;
      return out;
    }
  }
  return nil();
}

std::uint32_t Map::lowerBound(std::string_view key) const {
  std::uint32_t first = 0;
  std::uint32_t count = size;
  while (count > 0) {
    const std::uint32_t half = count / 2;
    if (entries[first + half].key < key) {
      first += half + 1;
      count -= half + 1;
    } else {
      count = half;
    }
  }
  return first;
}

const Any* Map::find(std::string_view key) const {
  const std::uint32_t at = lowerBound(key);
  return at < size && entries[at].key == key ? &entries[at].value : nullptr;
}

Kind kindOf(Type type) {
  switch (type) {
    case Type::Nil:
      return Kind::Invalid;
    case Type::Bool:
      return Kind::Bool;
    case Type::Int:
    case Type::Month:
    case Type::Weekday:
      return Kind::Int;
    case Type::Int64:
    case Type::Duration:
      return Kind::Int64;
    case Type::Uint8:
      return Kind::Uint8;
    case Type::Uint64:
      return Kind::Uint64;
    case Type::Float64:
      return Kind::Float64;
    case Type::Complex128:
      return Kind::Complex128;
    case Type::String:
      return Kind::String;
    case Type::AnySlice:
    case Type::StringSlice:
    case Type::IntSlice:
    case Type::ByteSlice:
    case Type::AnySliceSlice:
      return Kind::Slice;
    case Type::AnyMap:
    case Type::StringMap:
      return Kind::Map;
    case Type::Time:
    case Type::Semver:
    case Type::Certificate:
      return Kind::Struct;
    case Type::Location:
    case Type::SemverPointer:
      return Kind::Pointer;
  }
  return Kind::Invalid;
}

std::string_view staticTypeName(const Any& value) {
  return value.isInterface ? std::string_view("interface {}") : typeName(value.type);
}

std::string_view kindName(Kind kind) {
  switch (kind) {
    case Kind::Invalid:
      return "invalid";
    case Kind::Bool:
      return "bool";
    case Kind::Int:
      return "int";
    case Kind::Int64:
      return "int64";
    case Kind::Uint8:
      return "uint8";
    case Kind::Uint64:
      return "uint64";
    case Kind::Float64:
      return "float64";
    case Kind::Complex128:
      return "complex128";
    case Kind::String:
      return "string";
    case Kind::Slice:
      return "slice";
    case Kind::Map:
      return "map";
    case Kind::Struct:
      return "struct";
    case Kind::Pointer:
      return "ptr";
  }
  return "";
}

SliceView::SliceView(const Any& list) {
  if (list.isSource) {
    const std::span<const Value> items = list.source->items();
    values_ = items.data();
    size_ = items.size();
  } else if (list.slice != nullptr) {
    items_ = list.slice->items;
    size_ = list.slice->length;
  }
}

}  // namespace iop::gotemplate::internal
