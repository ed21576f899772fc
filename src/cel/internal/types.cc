#include "cel/internal/types.h"

#include <array>

namespace iop::cel::internal {
namespace {

// `a` says no more than `b` does.
bool isAtMostAsSpecific(TypeRef a, TypeRef b) {
  if (a->kind == TypeKind::Dyn || a->kind == TypeKind::Parameter) return true;
  if (b->kind == TypeKind::Dyn || b->kind == TypeKind::Parameter) return false;
  if (a->kind != b->kind || a->name != b->name || a->parameters.size() != b->parameters.size())
    return false;
  for (std::size_t i = 0; i < a->parameters.size(); ++i) {
    if (!isAtMostAsSpecific(a->parameters[i], b->parameters[i])) return false;
  }
  return true;
}

bool takesNull(TypeKind kind) {
  return kind == TypeKind::Null || kind == TypeKind::Opaque || kind == TypeKind::Object ||
         kind == TypeKind::Duration || kind == TypeKind::Timestamp || kind == TypeKind::Optional;
}

std::string_view nameOf(TypeKind kind) {
  switch (kind) {
    case TypeKind::Dyn:
    case TypeKind::Parameter:
      return "dyn";
    case TypeKind::Error:
      return "!error!";
    case TypeKind::Null:
      return "null";
    case TypeKind::Bool:
      return "bool";
    case TypeKind::Int:
      return "int";
    case TypeKind::Uint:
      return "uint";
    case TypeKind::Double:
      return "double";
    case TypeKind::String:
      return "string";
    case TypeKind::Bytes:
      return "bytes";
    case TypeKind::Duration:
      return "duration";
    case TypeKind::Timestamp:
      return "timestamp";
    case TypeKind::List:
      return "list";
    case TypeKind::Map:
      return "map";
    case TypeKind::Type:
      return "type";
    case TypeKind::Optional:
      return "optional_type";
    case TypeKind::Opaque:
    case TypeKind::Object:
      return "";
  }
  return "";
}

}  // namespace

TypeRef TypeArena::simple(TypeKind kind) {
  static const std::array<StaticType, static_cast<std::size_t>(TypeKind::Parameter) + 1> types =
      [] {
        std::array<StaticType, static_cast<std::size_t>(TypeKind::Parameter) + 1> out;
        for (std::size_t i = 0; i < out.size(); ++i) out[i].kind = static_cast<TypeKind>(i);
        return out;
      }();
  return &types[static_cast<std::size_t>(kind)];
}

TypeRef TypeArena::replace(TypeRef type, const std::map<TypeRef, TypeRef>& fresh) {
  if (type->kind == TypeKind::Parameter) {
    const auto found = fresh.find(type);
    return found == fresh.end() ? type : found->second;
  }
  if (type->parameters.empty()) return type;
  StaticType out = *type;
  bool changed = false;
  for (TypeRef& parameter : out.parameters) {
    const TypeRef replaced = replace(parameter, fresh);
    changed = changed || replaced != parameter;
    parameter = replaced;
  }
  return changed ? make(std::move(out)) : type;
}

bool sameType(TypeRef a, TypeRef b) {
  if (a == b) return true;
  if (a->kind != b->kind || a->kind == TypeKind::Parameter || a->name != b->name ||
      a->parameters.size() != b->parameters.size())
    return false;
  for (std::size_t i = 0; i < a->parameters.size(); ++i) {
    if (!sameType(a->parameters[i], b->parameters[i])) return false;
  }
  return true;
}

TypeRef Substitution::general(TypeRef a, TypeRef b) { return isAtMostAsSpecific(a, b) ? a : b; }

bool Substitution::isAssignable(TypeRef given, TypeRef wanted) {
  const std::size_t before = changes_.size();
  if (unify(given, wanted)) return true;
  undo(before);
  return false;
}

bool Substitution::areAssignable(std::span<const TypeRef> given, std::span<const TypeRef> wanted) {
  if (given.size() != wanted.size()) return false;
  const std::size_t before = changes_.size();
  for (std::size_t i = 0; i < given.size(); ++i) {
    if (unify(given[i], wanted[i])) continue;
    undo(before);
    return false;
  }
  return true;
}

TypeRef Substitution::resolve(TypeRef type, bool isFinal) {
  if (type->kind == TypeKind::Parameter) {
    const auto found = known_.find(type);
    if (found != known_.end()) return resolve(found->second, isFinal);
    return isFinal ? TypeArena::simple(TypeKind::Dyn) : type;
  }
  if (type->parameters.empty()) return type;
  StaticType out = *type;
  bool changed = false;
  for (TypeRef& parameter : out.parameters) {
    const TypeRef resolved = resolve(parameter, isFinal);
    changed = changed || resolved != parameter;
    parameter = resolved;
  }
  return changed ? arena_.make(std::move(out)) : type;
}

bool Substitution::unify(TypeRef given, TypeRef wanted) {
  if (wanted->kind == TypeKind::Parameter) {
    const Bound bound = bind(given, wanted);
    if (bound != Bound::Unknown) return bound == Bound::Yes;
  }
  if (given->kind == TypeKind::Parameter) return bind(wanted, given) == Bound::Yes;
  if (isDynOrError(given) || isDynOrError(wanted)) return true;
  if (given->kind == TypeKind::Null) return takesNull(wanted->kind);
  if (wanted->kind == TypeKind::Null) return takesNull(given->kind);
  if (given->kind != wanted->kind || given->name != wanted->name ||
      given->parameters.size() != wanted->parameters.size())
    return false;
  if (given->kind == TypeKind::Type) return true;
  for (std::size_t i = 0; i < given->parameters.size(); ++i) {
    if (!unify(given->parameters[i], wanted->parameters[i])) return false;
  }
  return true;
}

Substitution::Bound Substitution::bind(TypeRef type, TypeRef parameter) {
  if (type == parameter) return Bound::Yes;
  const auto found = known_.find(parameter);
  if (found != known_.end()) {
    const TypeRef before = found->second;
    if (before == type) return Bound::Yes;
    if (!unify(type, before)) return Bound::No;
    const TypeRef after = general(type, before);
    if (after != before && !mentions(parameter, after)) set(parameter, after);
    return Bound::Yes;
  }
  if (mentions(parameter, type)) return Bound::Unknown;
  set(parameter, type);
  return Bound::Yes;
}

bool Substitution::mentions(TypeRef parameter, TypeRef within) const {
  if (parameter == within) return true;
  if (within->kind == TypeKind::Parameter) {
    const auto found = known_.find(within);
    return found != known_.end() && mentions(parameter, found->second);
  }
  for (const TypeRef inner : within->parameters) {
    if (mentions(parameter, inner)) return true;
  }
  return false;
}

void Substitution::set(TypeRef parameter, TypeRef type) {
  TypeRef& place = known_[parameter];
  changes_.push_back({parameter, place});
  place = type;
}

void Substitution::undo(std::size_t size) {
  while (changes_.size() > size) {
    const Change& change = changes_.back();
    if (change.before == nullptr) {
      known_.erase(change.parameter);
    } else {
      known_[change.parameter] = change.before;
    }
    changes_.pop_back();
  }
}

std::string printType(TypeRef type) {
  std::string out = type->name.empty() ? std::string(nameOf(type->kind)) : type->name;
  if (type->parameters.empty()) return out;
  out += '(';
  for (std::size_t i = 0; i < type->parameters.size(); ++i) {
    if (i > 0) out += ", ";
    out += printType(type->parameters[i]);
  }
  return out + ")";
}

}  // namespace iop::cel::internal
