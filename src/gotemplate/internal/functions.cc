#include "gotemplate/internal/functions.h"

#include <algorithm>
#include <unordered_map>
#include <vector>

namespace iop::gotemplate::internal {
namespace {

struct Table {
  std::vector<const Function*> sorted;
  std::unordered_map<std::string_view, const Function*> byName;

  void add(std::span<const Function> functions) {
    for (const Function& function : functions) {
      // sprig's functions come later and take the place of Go's ("slice").
      byName[function.name] = &function;
    }
  }

  Table() {
    for (std::span<const Function> functions :
         {builtinFunctions(), stringFunctions(), listFunctions(), dictFunctions(),
          numberFunctions(), logicFunctions(), jsonFunctions(), dateFunctions(), versionFunctions(),
          cryptoFunctions(), regexFunctions(), urlFunctions()}) {
      add(functions);
    }
    for (const auto& [name, function] : byName) sorted.push_back(function);
    std::ranges::sort(sorted, {}, &Function::name);
  }
};

const Table& table() {
  static const Table all;
  return all;
}

// The names of documentation: "any" for "interface {}".
std::string_view shortName(Param param) {
  switch (param) {
    case Param::Any:
    case Param::Reflect:
      return "any";
    case Param::AnySlice:
      return "[]any";
    case Param::AnyMap:
      return "map[string]any";
    default:
      return typeName(param);
  }
}

}  // namespace

std::string_view typeName(Param param) {
  switch (param) {
    case Param::Any:
      return "interface {}";
    case Param::Reflect:
      return "reflect.Value";
    case Param::Bool:
      return "bool";
    case Param::Int:
      return "int";
    case Param::Int64:
      return "int64";
    case Param::Uint32:
      return "uint32";
    case Param::Float64:
      return "float64";
    case Param::String:
      return "string";
    case Param::AnySlice:
      return "[]interface {}";
    case Param::ByteSlice:
      return "[]uint8";
    case Param::AnyMap:
      return "map[string]interface {}";
    case Param::Time:
      return "time.Time";
    case Param::Duration:
      return "time.Duration";
    case Param::Location:
      return "*time.Location";
    case Param::SemverPointer:
      return "*semver.Version";
    case Param::Certificate:
      return "sprig.certificate";
  }
  return "";
}

bool canBeNil(Param param) {
  switch (param) {
    case Param::Any:
    case Param::Reflect:
    case Param::AnySlice:
    case Param::ByteSlice:
    case Param::AnyMap:
    case Param::Location:
    case Param::SemverPointer:
      return true;
    default:
      return false;
  }
}

const Function* findFunction(std::string_view name) {
  const auto found = table().byName.find(name);
  return found == table().byName.end() ? nullptr : found->second;
}

std::span<const Function* const> allFunctions() { return table().sorted; }

std::string printSignature(const Function& function) {
  std::string out = "(";
  for (std::size_t i = 0; i < function.params.size(); ++i) {
    if (i > 0) out += ", ";
    if (function.isVariadic && i + 1 == function.params.size()) out += "...";
    out += shortName(function.params[i]);
  }
  out += ")";
  if (!function.result.empty()) out += " " + std::string(function.result);
  return out;
}

}  // namespace iop::gotemplate::internal
