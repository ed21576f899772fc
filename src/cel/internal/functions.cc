#include "cel/internal/functions.h"

#include <map>

namespace iop::cel::internal {
namespace {

// Reads a signature of the tables.
class SignatureParser {
 public:
  SignatureParser(std::string_view text, TypeArena& arena) : text_(text), arena_(arena) {}

  Overload parse() {
    Overload out;
    out.isMember = text_.front() != '(';
    if (out.isMember) {
      out.parameters.push_back(type());
      expect(".");
    }
    expect("(");
    while (!accept(")")) {
      accept(", ");
      out.parameters.push_back(type());
    }
    expect(" -> ");
    out.result = type();
    for (const auto& [name, parameter] : generics_) out.generics.push_back(parameter);
    for (const TypeRef parameter : out.parameters) out.kinds.push_back(maskFor(parameter));
    return out;
  }

 private:
  bool accept(std::string_view word) {
    if (!text_.starts_with(word)) return false;
    text_.remove_prefix(word.size());
    return true;
  }
  void expect(std::string_view word) { ASSERT(accept(word)); }

  TypeRef type() {
    static constexpr std::pair<std::string_view, TypeKind> kSimple[] = {
        {"dyn", TypeKind::Dyn},
        {"bool", TypeKind::Bool},
        {"int", TypeKind::Int},
        {"uint", TypeKind::Uint},
        {"double", TypeKind::Double},
        {"string", TypeKind::String},
        {"bytes", TypeKind::Bytes},
        {"duration", TypeKind::Duration},
        {"timestamp", TypeKind::Timestamp}};
    static constexpr std::pair<std::string_view, std::string_view> kOpaque[] = {
        {"quantity", "kubernetes.Quantity"},
        {"ip", "net.IP"},
        {"cidr", "net.CIDR"},
        {"url", "kubernetes.URL"},
        {"format", "kubernetes.NamedFormat"},
        {"semver", "kubernetes.Semver"}};
    std::size_t size = 0;
    while (size < text_.size() && (text_[size] | 0x20) >= 'a' && (text_[size] | 0x20) <= 'z')
      ++size;
    const std::string_view name = text_.substr(0, size);
    text_.remove_prefix(size);
    if (size == 1) {
      TypeRef& known = generics_[name.front()];
      if (known == nullptr) known = arena_.parameter();
      return known;
    }
    for (const auto& [known, kind] : kSimple) {
      if (known == name) return TypeArena::simple(kind);
    }
    for (const auto& [known, full] : kOpaque) {
      if (known == name) return arena_.opaque(full);
    }
    std::vector<TypeRef> inner;
    expect("(");
    while (!accept(")")) {
      accept(", ");
      inner.push_back(type());
    }
    if (name == "list") return arena_.list(inner.at(0));
    if (name == "map") return arena_.map(inner.at(0), inner.at(1));
    if (name == "type") return arena_.typeOf(inner.at(0));
    ASSERT(name == "optional");
    return arena_.optional(inner.at(0));
  }

  static std::uint32_t maskFor(TypeRef type) {
    switch (type->kind) {
      case TypeKind::Bool:
        return maskOf(Kind::Bool);
      case TypeKind::Int:
        return maskOf(Kind::Int);
      case TypeKind::Uint:
        return maskOf(Kind::Uint);
      case TypeKind::Double:
        return maskOf(Kind::Double);
      case TypeKind::String:
        return maskOf(Kind::String);
      case TypeKind::Bytes:
        return maskOf(Kind::Bytes);
      case TypeKind::Duration:
        return maskOf(Kind::Duration);
      case TypeKind::Timestamp:
        return maskOf(Kind::Timestamp);
      case TypeKind::List:
        return maskOf(Kind::List);
      case TypeKind::Map:
        return maskOf(Kind::Map);
      case TypeKind::Type:
        return maskOf(Kind::Type);
      case TypeKind::Optional:
        return maskOf(Kind::Optional);
      case TypeKind::Opaque:
        break;
      default:
        return ~maskOf(Kind::Error);
    }
    if (type->name == "kubernetes.Quantity") return maskOf(Kind::Quantity);
    if (type->name == "net.IP") return maskOf(Kind::Ip);
    if (type->name == "net.CIDR") return maskOf(Kind::Cidr);
    if (type->name == "kubernetes.URL") return maskOf(Kind::Url);
    if (type->name == "kubernetes.NamedFormat") return maskOf(Kind::Format);
    return maskOf(Kind::Semver);
  }

  std::string_view text_;
  TypeArena& arena_;
  std::map<char, TypeRef> generics_;
};

struct Registry {
  TypeArena arena;
  std::map<std::string, Function, std::less<>> functions;

  Registry() {
    for (const auto table :
         {operatorFunctions(), conversionFunctions(), timeFunctions(), stringFunctions(),
          regexFunctions(), listFunctions(), setFunctions(), optionalFunctions(),
          quantityFunctions(), networkFunctions(), formatFunctions(), semverFunctions()}) {
      for (const Declaration& declaration : table) {
        Function& function = functions[std::string(declaration.name)];
        function.name = declaration.name;
        Overload overload = SignatureParser(declaration.signature, arena).parse();
        overload.run = declaration.run;
        overload.cost = declaration.cost;
        function.overloads.push_back(std::move(overload));
      }
    }
  }
};

}  // namespace

Item Budget::overrun() { return Item::error("operation cancelled: actual cost limit exceeded"); }

bool Overload::fits(std::span<const Item> arguments) const {
  if (arguments.size() != kinds.size()) return false;
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    if ((kinds[i] & maskOf(arguments[i].kind)) == 0) return false;
  }
  return true;
}

const Function* findFunction(std::string_view name) {
  static const Registry registry;
  const auto found = registry.functions.find(name);
  return found == registry.functions.end() ? nullptr : &found->second;
}

std::uint64_t tenth(std::uint64_t size) { return (size + 9) / 10; }

std::uint64_t sizeForCost(const Item& item) {
  switch (item.kind) {
    case Kind::String:
      return codePoints(item.view());
    case Kind::Bytes:
      return item.json.size();
    case Kind::List:
    case Kind::Map:
      return countOf(item);
    default:
      return 1;
  }
}

std::uint64_t costOfText(std::span<const Item> arguments) {
  return tenth(sizeForCost(arguments[0]));
}

std::uint64_t costOfElements(std::span<const Item> arguments) { return sizeForCost(arguments[0]); }

}  // namespace iop::cel::internal
