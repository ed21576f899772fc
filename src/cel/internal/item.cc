#include "cel/internal/item.h"

#include <algorithm>
#include <cmath>

#include "cel/internal/conversions.h"
#include "cel/internal/network.h"
#include "cel/internal/quantity.h"
#include "cel/internal/semver.h"
#include "cel/internal/time_text.h"
#include "text/base64.h"

namespace iop::cel::internal {
namespace {

std::string_view declaredName(Type::Kind kind) {
  switch (kind) {
    case Type::Kind::Bool:
      return "bool";
    case Type::Kind::Int:
      return "int";
    case Type::Kind::Double:
      return "double";
    case Type::Kind::List:
      return "list";
    case Type::Kind::Map:
    case Type::Kind::Object:
      return "map";
    default:
      return "string";
  }
}

Item unexpected(Type::Kind declared, const Value& value) {
  const Item plain = Item::of(value, nullptr);
  return Item::error("invalid data, expected " + std::string(declaredName(declared)) + ", got " +
                     std::string(typeNameOf(plain)));
}

Item plainText(std::string_view text, Type::Kind declared) {
  switch (declared) {
    case Type::Kind::Duration:
      if (const auto parsed = parseLooseDuration(text)) return Item::duration(*parsed);
      return Item::error("Invalid duration " + std::string(text) + ": unable to parse " +
                         std::string(text) + " as duration");
    case Type::Kind::Timestamp:
      if (const auto parsed = parseLooseTimestamp(text)) return *parsed;
      return Item::error("Invalid date-time formatted string " + std::string(text));
    case Type::Kind::Bytes:
      if (const auto parsed = text::decodeBase64(text)) return Item::bytes(*parsed);
      return Item::error("Invalid byte formatted string " + std::string(text));
    default:
      return Item::text(text);
  }
}

// a__dash__b, __namespace__: how Kubernetes names the fields that CEL could not
// (k8s.io/apiserver/pkg/cel/escaping.go).
std::string unescapeField(std::string_view name) {
  static constexpr std::pair<std::string_view, std::string_view> kEscapes[] = {
      {"__underscores__", "__"}, {"__dot__", "."}, {"__dash__", "-"}, {"__slash__", "/"}};
  std::string out;
  for (std::size_t at = 0; at < name.size();) {
    const auto* escape =
        std::find_if(std::begin(kEscapes), std::end(kEscapes),
                     [&](const auto& known) { return name.substr(at).starts_with(known.first); });
    if (escape != std::end(kEscapes)) {
      out += escape->second;
      at += escape->first.size();
    } else {
      out += name[at++];
    }
  }
  if (out.size() > 4 && out == name && out.starts_with("__") && out.ends_with("__"))
    return out.substr(2, out.size() - 4);
  return out;
}

std::string escapeField(std::string_view name, const Type& object) {
  const std::string reserved = "__" + std::string(name) + "__";
  if (object.fields.contains(reserved)) return reserved;
  std::string out;
  for (std::size_t at = 0; at < name.size(); ++at) {
    switch (name[at]) {
      case '.':
        out += "__dot__";
        break;
      case '-':
        out += "__dash__";
        break;
      case '/':
        out += "__slash__";
        break;
      case '_':
        if (name.substr(at, 2) == "__") {
          out += "__underscores__";
          ++at;
          break;
        }
        [[fallthrough]];
      default:
        out += name[at];
    }
  }
  return out;
}

bool isObject(const Item& map) {
  return map.declared != nullptr && map.declared->kind == Type::Kind::Object;
}

const Type* elementType(const Type* declared) {
  return declared == nullptr ? nullptr : declared->element.get();
}

const Type* fieldType(const Type* declared, std::string_view name) {
  if (declared == nullptr) return nullptr;
  if (declared->kind != Type::Kind::Object) return declared->element.get();
  const TypePtr* found = declaredField(*declared, name);
  return found == nullptr ? nullptr : found->get();
}

template <typename T>
int order(T a, T b) {
  return a < b ? -1 : a > b ? 1 : 0;
}

bool equalLists(const Item& a, const Item& b, std::uint64_t& work) {
  const std::size_t count = countOf(a);
  if (count != countOf(b)) return false;
  const Type* declared = a.declared;
  if (declared != nullptr && declared->listKind != Type::ListKind::Atomic) {
    // Sets and maps have no order; whose list it is on the left decides.
    for (std::size_t i = 0; i < count; ++i) {
      const Item item = elementOf(a, i);
      bool found = false;
      for (std::size_t k = 0; k < count && !found; ++k) {
        found = equal(item, elementOf(b, k), work);
        if (++work > kMaxWork) return false;
      }
      if (!found) return false;
    }
    return true;
  }
  for (std::size_t i = 0; i < count; ++i) {
    if (!equal(elementOf(a, i), elementOf(b, i), work)) return false;
  }
  return true;
}

bool equalMaps(const Item& a, const Item& b, std::uint64_t& work) {
  const std::size_t count = countOf(a);
  if (count != countOf(b)) return false;
  for (std::size_t i = 0; i < count; ++i) {
    const Item key = keyAt(a, i);
    const auto left = entryOf(a, key);
    const auto right = entryOf(b, key);
    // A null in an object's field is no entry.
    if (!left && !right && isObject(a)) continue;
    if (!left || !right || !equal(*left, *right, work)) return false;
  }
  return true;
}

}  // namespace

Item Item::boolean(bool value) {
  Item out;
  out.kind = Kind::Bool;
  out.number = value;
  return out;
}

Item Item::integer(std::int64_t value) {
  Item out;
  out.kind = Kind::Int;
  out.number = value;
  return out;
}

Item Item::natural(std::uint64_t value) {
  Item out;
  out.kind = Kind::Uint;
  out.number = static_cast<std::int64_t>(value);
  return out;
}

Item Item::floating(double value) {
  Item out;
  out.kind = Kind::Double;
  out.real = value;
  return out;
}

Item Item::text(std::string_view value) {
  Item out;
  out.kind = Kind::String;
  out.json = value;
  return out;
}

Item Item::bytes(std::string_view value) {
  Item out = text(value);
  out.kind = Kind::Bytes;
  return out;
}

Item Item::duration(std::int64_t nanoseconds) {
  Item out = integer(nanoseconds);
  out.kind = Kind::Duration;
  return out;
}

Item Item::timestamp(std::int64_t seconds, std::int32_t nanoseconds, int zoneMinutes) {
  Item out = integer(seconds);
  out.kind = Kind::Timestamp;
  out.nanos = nanoseconds;
  out.zoneMinutes = static_cast<std::int16_t>(zoneMinutes);
  return out;
}

Item Item::typeNamed(std::string_view name) {
  Item out = text(name);
  out.kind = Kind::Type;
  return out;
}

Item Item::list(std::vector<Item> items) {
  auto block = std::make_shared<ListBlock>();
  block->items = std::move(items);
  return withBlock(Kind::List, std::move(block));
}

Item Item::none() { return withBlock(Kind::Optional, nullptr); }

Item Item::some(Item value) {
  auto block = std::make_shared<OptionalBlock>();
  block->value = std::move(value);
  return withBlock(Kind::Optional, std::move(block));
}

Item Item::error(std::string_view message) {
  Item out = text(message);
  out.kind = Kind::Error;
  return out;
}

Item Item::noOverload() { return error("no such overload"); }

Item Item::withBlock(Kind kind, std::shared_ptr<const Block> block) {
  Item out;
  out.kind = kind;
  out.block = std::move(block);
  return out;
}

Item Item::of(const Value& value, const Type* declared) {
  const Type::Kind expected = declared == nullptr ? Type::Kind::Dyn : declared->kind;
  const bool any = expected == Type::Kind::Dyn;
  switch (value.type()) {
    case Value::Type::Null:
      if (any) return {};
      return error("invalid data, got null for schema with nullable=false");
    case Value::Type::Bool:
      if (any || expected == Type::Kind::Bool) return boolean(value.asBool());
      return unexpected(expected, value);
    case Value::Type::Int:
      if (expected == Type::Kind::Double) return floating(value.asDouble());
      if (any || expected == Type::Kind::Int) return integer(value.asInt());
      return unexpected(expected, value);
    case Value::Type::Double: {
      const double number = value.asDouble();
      if (any || expected == Type::Kind::Double) return floating(number);
      // 1.0 is an integer of JSON.
      if (expected == Type::Kind::Int && number == std::floor(number) && std::abs(number) < 9e18)
        return integer(static_cast<std::int64_t>(number));
      return unexpected(expected, value);
    }
    case Value::Type::String:
      if (any || (expected != Type::Kind::Bool && expected != Type::Kind::Int &&
                  expected != Type::Kind::Double && expected != Type::Kind::List &&
                  expected != Type::Kind::Map && expected != Type::Kind::Object))
        return plainText(value.asString(), expected);
      return unexpected(expected, value);
    case Value::Type::Array:
    case Value::Type::Object: {
      const bool isList = value.isArray();
      const bool fits = isList ? expected == Type::Kind::List
                               : expected == Type::Kind::Map || expected == Type::Kind::Object;
      if (!any && !fits) return unexpected(expected, value);
      Item out;
      out.kind = isList ? Kind::List : Kind::Map;
      out.json = value;
      out.declared = any ? nullptr : declared;
      return out;
    }
  }
  return {};
}

const Item* Item::held() const { return block == nullptr ? nullptr : &as<OptionalBlock>().value; }

bool KeyOrder::operator()(const Item& a, const Item& b) const {
  if (a.isNumber() && b.isNumber()) return compareNumbers(a, b).value_or(0) < 0;
  const auto rank = [](const Item& item) { return item.isNumber() ? Kind::Int : item.kind; };
  if (rank(a) != rank(b)) return rank(a) < rank(b);
  if (a.kind == Kind::Bool) return a.number < b.number;
  return a.view() < b.view();
}

const Item* MapBlock::find(const Item& key) const {
  const auto found =
      std::lower_bound(entries.begin(), entries.end(), key,
                       [](const auto& entry, const Item& k) { return KeyOrder()(entry.first, k); });
  if (found == entries.end() || KeyOrder()(key, found->first)) return nullptr;
  return &found->second;
}

bool MapBuilder::isKey(const Item& item) {
  return item.kind == Kind::Bool || item.kind == Kind::String || item.kind == Kind::Null ||
         (item.isNumber() && !(item.kind == Kind::Double && std::isnan(item.real)));
}

bool MapBuilder::insert(Item key, Item value, bool replace) {
  // Most maps are made in order.
  const auto place = !entries_.empty() && KeyOrder()(entries_.back().first, key)
                         ? entries_.end()
                         : std::lower_bound(entries_.begin(), entries_.end(), key,
                                            [](const auto& entry, const Item& k) {
                                              return KeyOrder()(entry.first, k);
                                            });
  if (place != entries_.end() && !KeyOrder()(key, place->first)) {
    if (replace) place->second = std::move(value);
    return false;
  }
  entries_.emplace(place, std::move(key), std::move(value));
  return true;
}

Item MapBuilder::finish() && {
  auto block = std::make_shared<MapBlock>();
  block->entries = std::move(entries_);
  return Item::withBlock(Kind::Map, std::move(block));
}

std::size_t countOf(const Item& container) {
  if (container.block == nullptr) return container.json.size();
  return container.kind == Kind::List ? container.as<ListBlock>().items.size()
                                      : container.as<MapBlock>().entries.size();
}

Item elementOf(const Item& list, std::size_t index) {
  if (list.block != nullptr) return list.as<ListBlock>().items[index];
  return Item::of(list.json.at(index), elementType(list.declared));
}

Item keyAt(const Item& map, std::size_t index) {
  if (map.block != nullptr) return map.as<MapBlock>().entries[index].first;
  const std::string_view key = map.json.members()[index].key();
  const bool isPlain = key.find_first_of(".-/") == std::string_view::npos &&
                       key.find("__") == std::string_view::npos;
  if (!isObject(map) || (isPlain && map.declared->fields.contains(std::string(key))))
    return Item::text(key);
  return Item::text(escapeField(key, *map.declared));
}

std::optional<Item> entryOf(const Item& map, const Item& key) {
  if (map.block != nullptr) {
    const Item* found = map.as<MapBlock>().find(key);
    if (found == nullptr) return std::nullopt;
    return *found;
  }
  if (key.kind != Kind::String) return std::nullopt;
  return fieldOf(map, key.view());
}

std::optional<Item> fieldOf(const Item& map, std::string_view name) {
  if (map.block != nullptr) return entryOf(map, Item::text(name));
  const Value* found = map.json.find(name);
  if (found == nullptr && isObject(map)) {
    found = name.find("__") == std::string_view::npos
                ? map.json.find("__" + std::string(name) + "__")
                : map.json.find(unescapeField(name));
  }
  // A null in an object's field is an absent field.
  if (found == nullptr || (isObject(map) && found->isNull())) return std::nullopt;
  return Item::of(*found, fieldType(map.declared, name));
}

const TypePtr* declaredField(const Type& object, std::string_view name) {
  auto found = object.fields.find(std::string(name));
  if (found == object.fields.end()) found = object.fields.find("__" + std::string(name) + "__");
  if (found == object.fields.end()) found = object.fields.find(escapeField(name, object));
  return found == object.fields.end() || found->second == nullptr ? nullptr : &found->second;
}

std::size_t codePoints(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char byte) {
    return (static_cast<unsigned char>(byte) & 0xc0) != 0x80;
  }));
}

std::string_view typeNameOf(const Item& item) {
  switch (item.kind) {
    case Kind::Error:
      return "error";
    case Kind::Null:
      return "null_type";
    case Kind::Bool:
      return "bool";
    case Kind::Int:
      return "int";
    case Kind::Uint:
      return "uint";
    case Kind::Double:
      return "double";
    case Kind::String:
      return "string";
    case Kind::Bytes:
      return "bytes";
    case Kind::Duration:
      return "google.protobuf.Duration";
    case Kind::Timestamp:
      return "google.protobuf.Timestamp";
    case Kind::List:
      return "list";
    case Kind::Map:
      return "map";
    case Kind::Type:
      return "type";
    case Kind::Optional:
      return "optional_type";
    case Kind::Quantity:
      return "kubernetes.Quantity";
    case Kind::Ip:
      return "net.IP";
    case Kind::Cidr:
      return "net.CIDR";
    case Kind::Url:
      return "kubernetes.URL";
    case Kind::Format:
      return "kubernetes.NamedFormat";
    case Kind::Semver:
      return "kubernetes.Semver";
  }
  return "dyn";
}

std::optional<int> compareNumbers(const Item& a, const Item& b) {
  if (a.kind == Kind::Double || b.kind == Kind::Double) {
    // A long double holds every integer of 64 bits.
    const auto wide = [](const Item& item) -> long double {
      if (item.kind == Kind::Double) return static_cast<long double>(item.real);
      return item.kind == Kind::Uint ? static_cast<long double>(item.asNatural())
                                     : static_cast<long double>(item.number);
    };
    const long double left = wide(a), right = wide(b);
    if (std::isnan(left) || std::isnan(right)) return std::nullopt;
    return order(left, right);
  }
  const bool aHuge = a.kind == Kind::Uint && a.number < 0;
  const bool bHuge = b.kind == Kind::Uint && b.number < 0;
  if (aHuge != bHuge) return aHuge ? 1 : -1;
  return order(a.number, b.number);  // of two huge ones the bits compare the same way
}

std::string printKey(const Item& key) {
  switch (key.kind) {
    case Kind::Int:
      return std::to_string(key.number);
    case Kind::Uint:
      return std::to_string(key.asNatural());
    case Kind::Double:
      return printDouble(key.real);
    case Kind::Bool:
      return key.number != 0 ? "true" : "false";
    case Kind::Null:
      return "null";
    default:
      return std::string(key.view());
  }
}

bool equal(const Item& a, const Item& b, std::uint64_t& work) {
  if (++work > kMaxWork) return false;
  if (a.isNumber() && b.isNumber()) return compareNumbers(a, b) == 0;
  if (a.kind != b.kind) return false;
  switch (a.kind) {
    case Kind::Null:
      return true;
    case Kind::Bool:
    case Kind::Duration:
      return a.number == b.number;
    case Kind::Timestamp:
      return a.number == b.number && a.nanos == b.nanos;
    case Kind::List:
      return equalLists(a, b, work);
    case Kind::Map:
      return equalMaps(a, b, work);
    case Kind::Optional: {
      const Item *left = a.held(), *right = b.held();
      if (left == nullptr || right == nullptr) return left == right;
      return equal(*left, *right, work);
    }
    case Kind::Quantity:
      return compareQuantities(a.as<Quantity>(), b.as<Quantity>()) == 0;
    case Kind::Ip:
      return a.as<Ip>() == b.as<Ip>();
    case Kind::Cidr:
      return a.as<Cidr>() == b.as<Cidr>();
    case Kind::Url:
      return a.as<Url>() == b.as<Url>();
    case Kind::Semver:
      return compareSemver(a.as<Semver>(), b.as<Semver>()) == 0;
    case Kind::Error:
      return false;
    default:
      work += a.json.size() / 64;
      return a.view() == b.view();
  }
}

std::optional<int> compare(const Item& a, const Item& b) {
  if (a.isNumber() && b.isNumber()) return compareNumbers(a, b);
  if (a.kind != b.kind) return std::nullopt;
  switch (a.kind) {
    case Kind::Bool:
    case Kind::Duration:
      return order(a.number, b.number);
    case Kind::Timestamp:
      return a.number != b.number ? order(a.number, b.number) : order(a.nanos, b.nanos);
    case Kind::String:
    case Kind::Bytes:
      return order(a.view().compare(b.view()), 0);
    default:
      return std::nullopt;
  }
}

Result<Value> toValue(const Item& item) {
  switch (item.kind) {
    case Kind::Error:
      return fail(Code::Invalid, std::string(item.view()));
    case Kind::Null:
      return Value();
    case Kind::Bool:
      return Value(item.number != 0);
    case Kind::Int:
      return Value(item.number);
    case Kind::Uint:
      if (item.number < 0) return Value(static_cast<double>(item.asNatural()));
      return Value(item.number);
    case Kind::Double:
      return Value(item.real);
    case Kind::String:
    case Kind::Type:
    case Kind::Format:
      return item.json;
    case Kind::Bytes:
      return Value(text::encodeBase64(item.view()));
    case Kind::Duration:
      return Value(printDuration(item.number));
    case Kind::Timestamp:
      return Value(printTimestamp(item));
    case Kind::Optional:
      return item.held() == nullptr ? Value() : toValue(*item.held());
    case Kind::Quantity:
      return Value(item.as<Quantity>().text);
    case Kind::Ip:
      return Value(printIp(item.as<Ip>()));
    case Kind::Cidr:
      return Value(printCidr(item.as<Cidr>()));
    case Kind::Url:
      return Value(item.as<Url>().text);
    case Kind::Semver:
      return Value(printSemver(item.as<Semver>()));
    case Kind::List: {
      if (item.block == nullptr) return item.json;
      std::vector<Value> out;
      for (const Item& one : item.as<ListBlock>().items) {
        ASSIGN_OR_RETURN(Value value, toValue(one));
        out.push_back(std::move(value));
      }
      return Value::fromItems(out);
    }
    case Kind::Map: {
      if (item.block == nullptr) return item.json;
      std::vector<Member> out;
      for (const auto& [key, one] : item.as<MapBlock>().entries) {
        ASSIGN_OR_RETURN(Value value, toValue(one));
        out.emplace_back(printKey(key), std::move(value));
      }
      return Value::fromMembers(out);
    }
  }
  return Value();
}

}  // namespace iop::cel::internal
