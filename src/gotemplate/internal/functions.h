#pragma once

// The table of the functions and methods that templates can call.
//
//   const Function* upper = findFunction("upper");
//   upper->invoke(runtime, arguments)          // arguments that are checked and converted already
//
// A function is described by the Go types of its parameters and its result. Counting, converting
// and checking of arguments, and what a nil becomes, follow from that (call.cc), so the functions
// themselves see what they declare. They are plain C++ functions; bind.h makes entries of this
// table of them. All tables are constant: safe on any thread.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "gotemplate/internal/any.h"
#include "gotemplate/internal/runtime.h"

namespace iop::gotemplate::internal {

// Go types of parameters.
enum class Param : std::uint8_t {
  Any,      // interface {}
  Reflect,  // reflect.Value: as it was reached, for functions of Go itself
  Bool,
  Int,
  Int64,
  Uint32,
  Float64,
  String,
  AnySlice,
  ByteSlice,
  AnyMap,
  Time,
  Duration,
  Location,
  SemverPointer,
  Certificate,
};

std::string_view typeName(Param param);
// True where nil can be passed.
bool canBeNil(Param param);

struct Function {
  enum class Special : std::uint8_t {
    None,
    And,  // "and" and "or" evaluate no more arguments than they need
    Or,
    Call,     // gets the text of its first argument as well
    Refused,  // `refusal` says why: at parsing for a function, at the call for a method
  };

  std::string_view name;
  std::span<const Param> params;  // of a variadic function the last one is that of the elements
  bool isVariadic = false;
  Special special = Special::None;
  Any (*invoke)(Runtime& runtime, std::span<const Any> arguments) = nullptr;
  std::string_view result;  // the type's name, for documentation
  std::string_view refusal;
  std::string_view group;
};

// Null if there is none.
const Function* findFunction(std::string_view name);
// All functions, sorted by name.
std::span<const Function* const> allFunctions();

// The method of that name of a value (of its static type, pointers included); null if there is
// none. Its first parameter is the receiver.
const Function* findMethod(Type receiver, std::string_view name);

// "(string, int) string", "(any, ...any) int64".
std::string printSignature(const Function& function);

// --- The tables, each in its file ---

std::span<const Function> builtinFunctions();
std::span<const Function> stringFunctions();
std::span<const Function> listFunctions();
std::span<const Function> dictFunctions();
std::span<const Function> numberFunctions();
std::span<const Function> logicFunctions();
std::span<const Function> jsonFunctions();
std::span<const Function> dateFunctions();
std::span<const Function> versionFunctions();
std::span<const Function> cryptoFunctions();
std::span<const Function> regexFunctions();
std::span<const Function> urlFunctions();

}  // namespace iop::gotemplate::internal
