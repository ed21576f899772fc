#pragma once

// What is known about values before an expression runs: cel-go's types and how they are unified.

#include <cstdint>
#include <deque>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cel/cel.h"

namespace iop::cel::internal {

enum class TypeKind : std::uint8_t {
  Dyn,
  Error,  // of what has been complained about already
  Null,
  Bool,
  Int,
  Uint,
  Double,
  String,
  Bytes,
  Duration,
  Timestamp,
  List,       // of parameters[0]
  Map,        // from parameters[0] to parameters[1]
  Type,       // the type of parameters[0]
  Optional,   // of parameters[0]
  Opaque,     // by name: kubernetes.Quantity, net.IP, …
  Object,     // by name: an object of a schema
  Parameter,  // stands for a type that is not known yet
};

struct StaticType;
using TypeRef = const StaticType*;

struct StaticType {
  TypeKind kind = TypeKind::Dyn;
  std::string name = {};
  std::vector<TypeRef> parameters = {};
  const Type* declared = nullptr;  // Object
};

// Makes types and owns them.
class TypeArena {
 public:
  static TypeRef simple(TypeKind kind);
  TypeRef list(TypeRef element) { return make({TypeKind::List, {}, {element}}); }
  TypeRef map(TypeRef key, TypeRef value) { return make({TypeKind::Map, {}, {key, value}}); }
  TypeRef typeOf(TypeRef type) { return make({TypeKind::Type, {}, {type}}); }
  TypeRef optional(TypeRef type) { return make({TypeKind::Optional, {}, {type}}); }
  TypeRef opaque(std::string_view name) { return make({TypeKind::Opaque, std::string(name), {}}); }
  TypeRef object(std::string name, const Type& declared) {
    return make({TypeKind::Object, std::move(name), {}, &declared});
  }
  TypeRef parameter() { return make({TypeKind::Parameter, {}, {}}); }
  TypeRef make(StaticType type) { return &types_.emplace_back(std::move(type)); }

  // A copy with each parameter of `fresh` replaced by its type.
  TypeRef replace(TypeRef type, const std::map<TypeRef, TypeRef>& fresh);

 private:
  std::deque<StaticType> types_;
};

// What parameters have turned out to stand for.
class Substitution {
 public:
  explicit Substitution(TypeArena& arena) : arena_(arena) {}

  // Whether a value of the one type can be given where the other is wanted; learns from it what
  // parameters stand for, and forgets that again where it cannot.
  bool isAssignable(TypeRef given, TypeRef wanted);
  bool areAssignable(std::span<const TypeRef> given, std::span<const TypeRef> wanted);
  // The type with what is known put in; `isFinal`: what is still open is dyn.
  TypeRef resolve(TypeRef type, bool isFinal);
  // The more general one of two.
  static TypeRef general(TypeRef a, TypeRef b);

 private:
  bool unify(TypeRef given, TypeRef wanted);
  enum class Bound { Yes, No, Unknown };
  Bound bind(TypeRef type, TypeRef parameter);
  bool mentions(TypeRef parameter, TypeRef within) const;
  void set(TypeRef parameter, TypeRef type);
  void undo(std::size_t size);

  TypeArena& arena_;
  std::map<TypeRef, TypeRef> known_;
  struct Change {
    TypeRef parameter;
    TypeRef before;  // null: it was not known
  };
  std::vector<Change> changes_;
};

bool sameType(TypeRef a, TypeRef b);
inline bool isDynOrError(TypeRef type) {
  return type->kind == TypeKind::Dyn || type->kind == TypeKind::Error;
}
// As cel-go names it in errors: "list(int)", "duration", "null".
std::string printType(TypeRef type);

}  // namespace iop::cel::internal
