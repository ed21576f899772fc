#include "cel/internal/checker.h"

#include <algorithm>
#include <map>
#include <optional>

#include "cel/internal/format.h"
#include "cel/internal/functions.h"

namespace iop::cel::internal {
namespace {

constexpr TypeKind kSortable[] = {TypeKind::Bool,     TypeKind::Int,       TypeKind::Uint,
                                  TypeKind::Double,   TypeKind::String,    TypeKind::Bytes,
                                  TypeKind::Duration, TypeKind::Timestamp, TypeKind::Dyn,
                                  TypeKind::Error,    TypeKind::Parameter};

class Checker {
 public:
  Checker(Ast& ast, const std::vector<Variable>& variables, Problems& problems,
          std::string& unsupported)
      : ast_(ast), problems_(problems), unsupported_(unsupported), known_(arena_) {
    for (const Variable& variable : variables) {
      std::string name = variable.name == "oldSelf" ? "selfType" : variable.name + "Type";
      const TypeRef type = variable.type == nullptr ? simple(TypeKind::Dyn)
                                                    : convert(*variable.type, std::move(name));
      scope_.push_back({variable.name, variable.isOptional ? arena_.optional(type) : type});
    }
    slots_ = scope_.size();
  }

  Checked run() {
    types_.resize(ast_.nodes.size(), nullptr);
    const TypeRef type = known_.resolve(visit(ast_.root), true);
    if (problems_.empty()) validateLiterals();
    if (problems_.empty()) validateFormats();
    return {printType(type), slots_};
  }

 private:
  struct Bound {
    std::string name;
    TypeRef type;
  };

  static TypeRef simple(TypeKind kind) { return TypeArena::simple(kind); }

  Node& node(NodeId id) { return ast_.nodes[id]; }

  // Fields of objects are converted when they are asked for.
  TypeRef convert(const Type& type, std::string name) {
    switch (type.kind) {
      case Type::Kind::Dyn:
        return simple(TypeKind::Dyn);
      case Type::Kind::Bool:
        return simple(TypeKind::Bool);
      case Type::Kind::Int:
        return simple(TypeKind::Int);
      case Type::Kind::Double:
        return simple(TypeKind::Double);
      case Type::Kind::String:
        return simple(TypeKind::String);
      case Type::Kind::Bytes:
        return simple(TypeKind::Bytes);
      case Type::Kind::Duration:
        return simple(TypeKind::Duration);
      case Type::Kind::Timestamp:
        return simple(TypeKind::Timestamp);
      case Type::Kind::List:
        if (type.element == nullptr) return arena_.list(simple(TypeKind::Dyn));
        return arena_.list(convert(*type.element, name + ".@idx"));
      case Type::Kind::Map:
        if (type.element == nullptr)
          return arena_.map(simple(TypeKind::String), simple(TypeKind::Dyn));
        return arena_.map(simple(TypeKind::String), convert(*type.element, name + ".@elem"));
      case Type::Kind::Object:
        break;
    }
    TypeRef& known = objects_[&type];
    if (known == nullptr) known = arena_.object(std::move(name), type);
    return known;
  }

  TypeRef complain(int offset, std::string message) {
    problems_.add(offset, std::move(message));
    return simple(TypeKind::Error);
  }
  TypeRef mismatch(int offset, TypeRef expected, TypeRef found) {
    return complain(offset, "expected type '" + printType(known_.resolve(expected, true)) +
                                "' but found '" + printType(known_.resolve(found, true)) + "'");
  }
  TypeRef undeclared(int offset, const std::string& name) {
    return complain(offset, "undeclared reference to '" + name + "' (in container '')");
  }
  TypeRef noOverload(int offset, const std::string& function, std::vector<TypeRef> arguments,
                     bool isMember) {
    std::string shown;
    std::size_t first = 0;
    if (isMember) {
      shown = printType(known_.resolve(arguments[0], true)) + ".";
      first = 1;
    }
    shown += '(';
    for (std::size_t i = first; i < arguments.size(); ++i) {
      if (i > first) shown += ", ";
      shown += printType(known_.resolve(arguments[i], true));
    }
    return complain(
        offset, "found no matching overload for '" + function + "' applied to '" + shown + ")'");
  }
  bool expectBool(NodeId id, TypeRef type) {
    if (known_.isAssignable(type, simple(TypeKind::Bool))) return true;
    mismatch(node(id).offset, simple(TypeKind::Bool), type);
    return false;
  }

  TypeRef visit(NodeId id) { return types_[id] = typeOf(id); }

  TypeRef typeOf(NodeId id) {
    switch (node(id).kind) {
      case NodeKind::Literal:
        node(id).isConstant = true;
        return literal(node(id).literal);
      case NodeKind::Identifier:
        return identifier(id);
      case NodeKind::Select:
        return select(id);
      case NodeKind::Has:
        field(id, visit(node(id).children[0]));
        return simple(TypeKind::Bool);
      case NodeKind::Call:
        return call(id);
      case NodeKind::List:
        return list(id);
      case NodeKind::Map:
        return map(id);
      case NodeKind::Struct: {
        if (node(id).text.starts_with("google.protobuf."))
          unsupported_ = "messages (" + node(id).text + "{…})";
        return undeclared(node(id).offset, node(id).text);
      }
      case NodeKind::And:
      case NodeKind::Or:
        return junction(id);
      case NodeKind::Conditional: {
        std::vector<TypeRef> types;
        for (const NodeId child : node(id).children) types.push_back(visit(child));
        return conditional(node(id).offset, types[0], types[1], types[2]);
      }
      case NodeKind::Loop:
        return loop(id);
    }
    return simple(TypeKind::Error);
  }

  static TypeRef literal(const Item& item) {
    switch (item.kind) {
      case Kind::Null:
        return simple(TypeKind::Null);
      case Kind::Bool:
        return simple(TypeKind::Bool);
      case Kind::Int:
        return simple(TypeKind::Int);
      case Kind::Uint:
        return simple(TypeKind::Uint);
      case Kind::Double:
        return simple(TypeKind::Double);
      case Kind::Bytes:
        return simple(TypeKind::Bytes);
      default:
        return simple(TypeKind::String);
    }
  }

  TypeRef junction(NodeId id) {
    bool isGood = true;
    const std::vector<NodeId> children = node(id).children;
    for (const NodeId child : children) {
      const TypeRef type = visit(child);
      isGood = expectBool(child, type) && isGood;
    }
    return simple(isGood ? TypeKind::Bool : TypeKind::Error);
  }

  TypeRef conditional(int offset, TypeRef condition, TypeRef yes, TypeRef no) {
    const TypeRef result = arena_.parameter();
    const TypeRef given[] = {condition, yes, no};
    const TypeRef wanted[] = {simple(TypeKind::Bool), result, result};
    if (!known_.areAssignable(given, wanted))
      return noOverload(offset, "_?_:_", {condition, yes, no}, false);
    return known_.resolve(result, false);
  }

  // The names of types are values.
  TypeRef typeNamed(std::string_view name) {
    static constexpr std::pair<std::string_view, TypeKind> kTypes[] = {
        {"bool", TypeKind::Bool},
        {"int", TypeKind::Int},
        {"uint", TypeKind::Uint},
        {"double", TypeKind::Double},
        {"string", TypeKind::String},
        {"bytes", TypeKind::Bytes},
        {"null_type", TypeKind::Null},
        {"google.protobuf.Duration", TypeKind::Duration},
        {"google.protobuf.Timestamp", TypeKind::Timestamp}};
    for (const auto& [known, kind] : kTypes) {
      if (known == name) return arena_.typeOf(simple(kind));
    }
    const TypeRef dyn = simple(TypeKind::Dyn);
    if (name == "list") return arena_.typeOf(arena_.list(dyn));
    if (name == "map") return arena_.typeOf(arena_.map(dyn, dyn));
    if (name == "optional_type") return arena_.typeOf(arena_.optional(dyn));
    if (name == "type") return arena_.typeOf(simple(TypeKind::Type));
    if (name == "net.IP" || name == "net.CIDR") return arena_.typeOf(arena_.opaque(name));
    return nullptr;
  }

  TypeRef typeValue(NodeId id, const std::string& name) {
    const TypeRef type = typeNamed(name);
    if (type == nullptr) return nullptr;
    Node& here = node(id);
    here.kind = NodeKind::Literal;
    here.literal = Item::typeNamed(name);
    here.isConstant = true;
    here.children.clear();
    return type;
  }

  TypeRef identifier(NodeId id) {
    Node& here = node(id);
    for (std::size_t i = scope_.size(); i-- > 0;) {
      if (scope_[i].name != here.text) continue;
      here.slot = static_cast<int>(i);
      return scope_[i].type;
    }
    if (const TypeRef type = typeValue(id, here.text)) return type;
    return undeclared(here.offset, here.text);
  }

  bool isVariable(std::string_view name) const {
    return std::any_of(scope_.begin(), scope_.end(),
                       [&](const Bound& bound) { return bound.name == name; });
  }

  // "a.b.c" where the node is just that and `a` is no variable.
  std::optional<std::string> qualifiedName(NodeId id) {
    std::string out;
    const Node* at = &node(id);
    for (; at->kind == NodeKind::Select && !at->isOptional; at = &node(at->children[0]))
      out = "." + at->text + out;
    if (at->kind != NodeKind::Identifier || isVariable(at->text)) return std::nullopt;
    return at->text + out;
  }

  TypeRef select(NodeId id) {
    if (const auto name = qualifiedName(id)) {
      if (const TypeRef type = typeValue(id, *name)) return type;
    }
    return field(id, visit(node(id).children[0]));
  }

  TypeRef field(NodeId id, TypeRef given) {
    TypeRef target = known_.resolve(given, false);
    const bool isOptional = target->kind == TypeKind::Optional;
    if (isOptional) target = known_.resolve(target->parameters[0], false);
    const Node& here = node(id);
    TypeRef result = simple(TypeKind::Dyn);
    if (target->kind == TypeKind::Map) {
      result = target->parameters[1];
    } else if (target->kind == TypeKind::Object) {
      // What only the JSON is called so, CEL cannot name.
      const bool isName = here.text.find_first_of(".-/ ") == std::string::npos;
      const TypePtr* found = isName ? declaredField(*target->declared, here.text) : nullptr;
      if (found == nullptr) {
        complain(here.offset, "undefined field '" + here.text + "'");
        result = simple(TypeKind::Error);
      } else {
        result = convert(**found, target->name + "." + here.text);
      }
    } else if (!isDynOrError(target) && target->kind != TypeKind::Parameter) {
      complain(here.offset, "type '" + printType(known_.resolve(target, true)) +
                                "' does not support field selection");
    }
    return isOptional || here.isOptional ? arena_.optional(result) : result;
  }

  TypeRef call(NodeId id) {
    // format.byte(): a function with a dot in its name, not one of a variable.
    if (node(id).isMember) {
      if (const auto name = qualifiedName(node(id).children[0])) {
        const std::string full = *name + "." + node(id).text;
        if (findFunction(full) != nullptr) {
          node(id).text = full;
          node(id).isMember = false;
          node(id).children.erase(node(id).children.begin());
        }
      }
    }
    const Function* function = findFunction(node(id).text);
    std::vector<TypeRef> types;
    if (function == nullptr) undeclared(node(id).offset, node(id).text);
    const bool isFormat = node(id).isMember && node(id).text == "format";
    mixing_ += isFormat;
    for (const NodeId child : node(id).children) types.push_back(visit(child));
    mixing_ -= isFormat;
    if (function == nullptr) return simple(TypeKind::Error);
    const TypeRef result = resolve(id, *function, types);
    fold(id);
    return result;
  }

  TypeRef resolve(NodeId id, const Function& function, const std::vector<TypeRef>& types) {
    Node& here = node(id);
    TypeRef result = nullptr;
    for (const Overload& overload : function.overloads) {
      if (overload.isMember != here.isMember) continue;
      std::map<TypeRef, TypeRef> fresh;
      for (const TypeRef generic : overload.generics) fresh[generic] = arena_.parameter();
      std::vector<TypeRef> wanted;
      for (const TypeRef parameter : overload.parameters)
        wanted.push_back(arena_.replace(parameter, fresh));
      if (!known_.areAssignable(types, wanted)) continue;
      here.overloads.push_back(&overload);
      const TypeRef given = known_.resolve(arena_.replace(overload.result, fresh), false);
      if (result == nullptr) {
        result = given;
      } else if (result->kind != TypeKind::Dyn && !sameType(result, given)) {
        result = simple(TypeKind::Dyn);
      }
    }
    if (result != nullptr) return result;
    return noOverload(here.offset, here.text, types, here.isMember);
  }

  // Conversions of literals are made once, as is the search of one literal in another.
  void fold(NodeId id) {
    static constexpr std::string_view kConversions[] = {
        "bool", "bytes", "double", "int", "string", "uint", "duration", "timestamp", "dyn", "type"};
    const Node& here = node(id);
    const bool isConversion = here.children.size() == 1 && !here.isMember &&
                              std::find(std::begin(kConversions), std::end(kConversions),
                                        here.text) != std::end(kConversions);
    node(id).isConstant = (isConversion || here.text == "@in") && areConstant(here.children);
  }

  bool areConstant(const std::vector<NodeId>& ids) {
    return std::all_of(ids.begin(), ids.end(), [&](NodeId id) { return node(id).isConstant; });
  }

  // The type of what is behind a "?".
  TypeRef unwrap(NodeId id, TypeRef type) {
    const TypeRef inner = arena_.parameter();
    const TypeRef resolved = known_.resolve(type, false);
    if (resolved->kind == TypeKind::Optional) return resolved->parameters[0];
    if (known_.isAssignable(type, arena_.optional(inner))) return known_.resolve(inner, false);
    return mismatch(node(id).offset, arena_.optional(type), type);
  }

  // The type of all elements.
  TypeRef join(TypeRef before, TypeRef type) {
    if (before == nullptr) return type;
    if (known_.isAssignable(before, type)) return Substitution::general(before, type);
    return simple(TypeKind::Dyn);
  }

  TypeRef list(NodeId id) {
    TypeRef joined = nullptr;
    Elements elements;
    const std::size_t count = node(id).children.size();
    for (std::size_t i = 0; i < count; ++i) {
      const NodeId child = node(id).children[i];
      TypeRef type = visit(child);
      if (node(id).optionals[i]) type = unwrap(child, type);
      elements.push_back({node(child).offset, type});
      joined = join(joined, type);
    }
    node(id).isConstant = areConstant(node(id).children);
    if (mixing_ == 0) literals_.push_back(std::move(elements));
    return arena_.list(joined == nullptr ? arena_.parameter() : joined);
  }

  TypeRef map(NodeId id) {
    TypeRef keys = nullptr, values = nullptr;
    Elements keyElements, valueElements;
    const std::size_t count = node(id).children.size();
    for (std::size_t i = 0; i + 1 < count; i += 2) {
      const NodeId key = node(id).children[i], value = node(id).children[i + 1];
      const TypeRef keyType = visit(key);
      TypeRef valueType = visit(value);
      if (node(id).optionals[i / 2]) valueType = unwrap(value, valueType);
      keyElements.push_back({node(key).offset, keyType});
      valueElements.push_back({node(value).offset, valueType});
      keys = join(keys, keyType);
      values = join(values, valueType);
    }
    node(id).isConstant = areConstant(node(id).children);
    if (mixing_ == 0) {
      literals_.push_back(std::move(keyElements));
      literals_.push_back(std::move(valueElements));
    }
    if (keys == nullptr) return arena_.map(arena_.parameter(), arena_.parameter());
    return arena_.map(keys, values);
  }

  // All elements of a literal must be of one type, not just of types that fit. Told only where
  // nothing else is wrong.
  void validateLiterals() {
    for (const Elements& elements : literals_) {
      for (const Element& element : elements) {
        const TypeRef wanted = known_.resolve(elements.front().type, true);
        const TypeRef found = known_.resolve(element.type, true);
        if (!sameType(wanted, found)) mismatch(element.offset, wanted, found);
      }
    }
  }

  // Formats that are literals, with the arguments where those are a literal list.
  void validateFormats() {
    for (const Node& here : ast_.nodes) {
      if (here.kind != NodeKind::Call || !here.isMember || here.text != "format") continue;
      const Node& format = node(here.children[0]);
      const Node& list = node(here.children[1]);
      if (format.kind != NodeKind::Literal || list.kind != NodeKind::List) continue;
      std::vector<std::string> types;
      for (const NodeId child : list.children)
        types.push_back(printType(known_.resolve(types_[child], true)));
      if (const auto problem = checkFormat(format.literal.view(), types)) {
        const int offset =
            problem->argument ? node(list.children[*problem->argument]).offset : here.offset;
        complain(offset, problem->message);
      }
    }
  }

  // What a loop's variables are.
  std::vector<TypeRef> variablesOf(NodeId id, TypeRef range) {
    const bool isPair = node(id).names.size() == 2;
    TypeRef first = simple(TypeKind::Dyn), second = simple(TypeKind::Dyn);
    if (range->kind == TypeKind::List) {
      first = isPair ? simple(TypeKind::Int) : range->parameters[0];
      second = range->parameters[0];
    } else if (range->kind == TypeKind::Map) {
      first = range->parameters[0];
      second = range->parameters[1];
    } else if (range->kind != TypeKind::Dyn && range->kind != TypeKind::Parameter) {
      const int offset =
          node(id).loop == LoopKind::SortBy ? node(id).offset : node(node(id).children[0]).offset;
      if (range->kind != TypeKind::Error) {
        complain(offset, "expression of type '" + printType(known_.resolve(range, true)) +
                             "' cannot be range of a comprehension (must be list, map, or "
                             "dynamic)");
      }
      first = second = simple(TypeKind::Error);
    }
    return isPair ? std::vector<TypeRef>{first, second} : std::vector<TypeRef>{first};
  }

  TypeRef loop(NodeId id) {
    const LoopKind kind = node(id).loop;
    const TypeRef range = known_.resolve(visit(node(id).children[0]), false);
    if (kind == LoopKind::OptionalMap || kind == LoopKind::OptionalFlatMap)
      return optionalLoop(id, range);
    const std::vector<TypeRef> variables = variablesOf(id, range);
    const std::vector<TypeRef> bodies = inScope(id, variables);
    return resultOf(id, range, variables, bodies);
  }

  std::vector<TypeRef> inScope(NodeId id, const std::vector<TypeRef>& variables) {
    const std::size_t before = scope_.size();
    node(id).slot = static_cast<int>(before);
    for (std::size_t i = 0; i < variables.size(); ++i)
      scope_.push_back({node(id).names[i], variables[i]});
    slots_ = std::max(slots_, scope_.size());
    std::vector<TypeRef> out;
    const std::vector<NodeId> children = node(id).children;
    for (std::size_t i = 1; i < children.size(); ++i) out.push_back(visit(children[i]));
    scope_.resize(before);
    return out;
  }

  TypeRef resultOf(NodeId id, TypeRef range, const std::vector<TypeRef>& variables,
                   const std::vector<TypeRef>& bodies) {
    const int offset = node(id).offset;
    const TypeRef boolean = simple(TypeKind::Bool);
    switch (node(id).loop) {
      case LoopKind::All:
      case LoopKind::Exists:
        expectBool(node(id).children[1], bodies[0]);
        return boolean;
      case LoopKind::ExistsOne:
        conditional(offset, bodies[0], simple(TypeKind::Int), simple(TypeKind::Int));
        return boolean;
      case LoopKind::Map:
        return arena_.list(bodies[0]);
      case LoopKind::MapFiltered: {
        const TypeRef result = arena_.list(bodies[1]);
        conditional(offset, bodies[0], result, result);
        return result;
      }
      case LoopKind::Filter: {
        const TypeRef result = arena_.list(variables[0]);
        conditional(offset, bodies[0], result, result);
        return result;
      }
      case LoopKind::TransformMap: {
        const TypeRef result = arena_.map(variables[0], bodies.back());
        if (bodies.size() == 2) conditional(offset, bodies[0], result, result);
        return result;
      }
      case LoopKind::TransformMapEntry: {
        const TypeRef result = arena_.map(arena_.parameter(), arena_.parameter());
        if (!known_.isAssignable(bodies.back(), result))
          return noOverload(offset, "cel.@mapInsert", {result, bodies.back()}, false);
        if (bodies.size() == 2) conditional(offset, bodies[0], result, result);
        return known_.resolve(result, false);
      }
      case LoopKind::SortBy:
        return sorted(offset, range, bodies[0]);
      default:
        return simple(TypeKind::Error);
    }
  }

  TypeRef sorted(int offset, TypeRef range, TypeRef key) {
    const TypeRef plain = known_.resolve(key, false);
    const bool isList =
        range->kind == TypeKind::List || isDynOrError(range) || range->kind == TypeKind::Parameter;
    const bool isSortable =
        std::find(std::begin(kSortable), std::end(kSortable), plain->kind) != std::end(kSortable);
    if (!isList || !isSortable)
      return noOverload(offset, "@sortByAssociatedKeys", {range, arena_.list(plain)}, true);
    if (range->kind == TypeKind::List) return range;
    return plain->kind == TypeKind::Dyn ? plain : arena_.list(simple(TypeKind::Dyn));
  }

  TypeRef optionalLoop(NodeId id, TypeRef range) {
    const int offset = node(id).offset;
    const TypeRef inner = arena_.parameter();
    TypeRef element = simple(TypeKind::Error), condition = simple(TypeKind::Bool);
    if (known_.isAssignable(range, arena_.optional(inner))) {
      element = isDynOrError(range) ? range : known_.resolve(inner, false);
    } else {
      condition = noOverload(offset, "hasValue", {range}, true);
      noOverload(offset, "value", {range}, true);
    }
    const TypeRef body = inScope(id, {element})[0];
    if (node(id).loop == LoopKind::OptionalMap) return arena_.optional(body);
    const TypeRef none = arena_.optional(arena_.parameter());
    return conditional(offset, condition, body, none);
  }

  struct Element {
    int offset;
    TypeRef type;
  };
  using Elements = std::vector<Element>;

  Ast& ast_;
  Problems& problems_;
  std::string& unsupported_;
  TypeArena arena_;
  Substitution known_;
  std::map<const Type*, TypeRef> objects_;
  std::vector<TypeRef> types_;  // of the nodes
  std::vector<Bound> scope_;
  std::size_t slots_ = 0;
  int mixing_ = 0;  // in a call of format, where literals may hold anything
  std::vector<Elements> literals_;
};

}  // namespace

bool check(Ast& ast, const std::vector<Variable>& variables, Problems& problems, Checked& out,
           std::string& unsupported) {
  out = Checker(ast, variables, problems, unsupported).run();
  return problems.empty();
}

}  // namespace iop::cel::internal
