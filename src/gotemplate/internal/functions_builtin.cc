// The functions of text/template itself. "slice" is not here: sprig has its own.

#include <string>

#include "gotemplate/internal/bind.h"
#include "gotemplate/internal/compare.h"
#include "gotemplate/internal/convert.h"
#include "gotemplate/internal/encoding.h"
#include "gotemplate/internal/fmt.h"

namespace iop::gotemplate::internal {
namespace {

bool notTrue(Runtime& runtime, Reflected value) { return !isTrue(runtime, value.value); }

// --- Elements ---

std::size_t indexIn(const Any& index, std::size_t size) {
  switch (kindOf(index.type)) {
    case Kind::Int:
    case Kind::Int64:
    case Kind::Uint8:
    case Kind::Uint64:
      break;
    case Kind::Invalid:
      failFunction("cannot index slice/array with nil");
    default:
      failFunction("cannot index slice/array with type " + std::string(typeName(index.type)));
  }
  if (index.integer < 0 || index.unsignedInteger > size) {
    failFunction("index out of range: " + std::to_string(index.integer));
  }
  return static_cast<std::size_t>(index.integer);
}

Any elementOf(Runtime& runtime, const Any& item, const Any& index) {
  if (item.isSlice()) {
    const SliceView list(item);
    const std::size_t at = indexIn(index, list.size());
    if (at == list.size()) failFunction("reflect: slice index out of range");
    return list[at];
  }
  if (item.isString()) {
    const std::size_t at = indexIn(index, item.size);
    if (at == item.size) failFunction("reflect: string index out of range");
    return Any::byte(static_cast<unsigned char>(item.text[at]));
  }
  if (!item.isMap()) {
    // Go looks through pointers.
    const Type type = item.type == Type::SemverPointer ? Type::Semver : item.type;
    failFunction("can't index item of type " + std::string(type == Type::Location
                                                               ? std::string_view("time.Location")
                                                               : typeName(type)));
  }
  if (index.isNil()) failFunction("value is nil; should be of type string");
  if (!index.isString()) {
    failFunction("value has type " + std::string(typeName(index.type)) + "; should be string");
  }
  bool found = false;
  const Any element = runtime.find(item, index.asText(), found);
  if (found) return element;
  return item.type == Type::StringMap ? Any::string("") : Any::nil().asInterface();
}

Reflected index(Runtime& runtime, Reflected collection, Rest<Reflected> indexes) {
  Any item = collection.value.unwrapped();
  if (item.isNil()) failFunction("index of untyped nil");
  for (std::size_t i = 0; i < indexes.size(); ++i) {
    if (item.isNil()) failFunction("index of nil pointer");
    item = elementOf(runtime, item, indexes[i].value.unwrapped());
  }
  return {item};
}

std::size_t length(Runtime& runtime, Reflected value) {
  const Any& item = value.value;
  if (item.isInvalid()) failFunction("reflect: call of reflect.Value.Type on zero Value");
  if (item.isNil()) failFunction("len of nil pointer");
  if (!item.isString() && !item.isSlice() && !item.isMap()) {
    if (kindOf(item.type) == Kind::Pointer) {
      if (item.isTypedNil()) failFunction("len of nil pointer");
      failFunction("len of type " + std::string(typeName(item.type).substr(1)));
    }
    failFunction("len of type " + std::string(typeName(item.type)));
  }
  return lengthOf(runtime, item);
}

Any call(std::string_view callee, Reflected function, Rest<Reflected>) {
  if (function.value.isNil()) failFunction("call of nil");
  failFunction("non-function " + std::string(callee) + " of type " +
               std::string(typeName(function.value.type)));
}

// --- Comparison ---

bool equal(Runtime& runtime, Reflected first, Rest<Reflected> others) {
  if (others.empty()) failFunction("missing argument for comparison");
  for (std::size_t i = 0; i < others.size(); ++i) {
    if (areEqual(runtime, first.value, others[i].value)) return true;
  }
  return false;
}
bool notEqual(Runtime& runtime, Reflected a, Reflected b) {
  return !areEqual(runtime, a.value, b.value);
}
bool less(Runtime& runtime, Reflected a, Reflected b) { return isLess(runtime, a.value, b.value); }
bool lessOrEqual(Runtime& runtime, Reflected a, Reflected b) {
  return isLess(runtime, a.value, b.value) || areEqual(runtime, a.value, b.value);
}
bool greater(Runtime& runtime, Reflected a, Reflected b) { return !lessOrEqual(runtime, a, b); }
bool greaterOrEqual(Runtime& runtime, Reflected a, Reflected b) {
  return !isLess(runtime, a.value, b.value);
}

// --- Text ---

std::vector<Any> copyOf(Rest<Any> values) {
  std::vector<Any> out;
  out.reserve(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) out.push_back(values[i]);
  return out;
}

std::string print(Runtime& runtime, Rest<Any> values) {
  std::string out;
  appendPrint(runtime, out, copyOf(values));
  return out;
}
std::string printLine(Runtime& runtime, Rest<Any> values) {
  std::string out;
  appendPrintLine(runtime, out, copyOf(values));
  return out;
}
std::string printFormatted(Runtime& runtime, std::string_view format, Rest<Any> values) {
  std::string out;
  appendFormatted(runtime, out, format, copyOf(values));
  return out;
}

// What the escaping functions escape: their arguments as {% %} prints them.
std::string joined(Runtime& runtime, Rest<Any> values) {
  std::vector<Any> printable = copyOf(values);
  for (Any& value : printable) {
    if (value.isNil()) value = Any::string("<no value>");
  }
  std::string out;
  appendPrint(runtime, out, printable);
  return out;
}
std::string html(Runtime& runtime, Rest<Any> values) { return escapeHtml(joined(runtime, values)); }
std::string js(Runtime& runtime, Rest<Any> values) { return escapeJs(joined(runtime, values)); }
std::string urlQuery(Runtime& runtime, Rest<Any> values) {
  return escapeUrlQuery(joined(runtime, values));
}

// --- Table ---

template <auto function>
constexpr Function entry(std::string_view name) {
  return bind<function>(name, "builtin");
}

// "and" and "or" are evaluated by the call itself and only borrow a signature.
Any firstOf(Reflected first, Rest<Reflected>) { return first.value; }
constexpr Function shortCircuit(std::string_view name, Function::Special special) {
  Function out = entry<&firstOf>(name);
  out.special = special;
  return out;
}

// The callee's text is no parameter of the template's function.
constexpr Function callEntry() {
  Function out = entry<&call>("call");
  out.params = out.params.subspan(1);
  out.special = Function::Special::Call;
  return out;
}

constexpr Function kFunctions[] = {
    shortCircuit("and", Function::Special::And),
    shortCircuit("or", Function::Special::Or),
    callEntry(),
    entry<&notTrue>("not"),
    entry<&index>("index"),
    entry<&length>("len"),
    entry<&equal>("eq"),
    entry<&notEqual>("ne"),
    entry<&less>("lt"),
    entry<&lessOrEqual>("le"),
    entry<&greater>("gt"),
    entry<&greaterOrEqual>("ge"),
    entry<&print>("print"),
    entry<&printLine>("println"),
    entry<&printFormatted>("printf"),
    entry<&html>("html"),
    entry<&js>("js"),
    entry<&urlQuery>("urlquery"),
};

}  // namespace

std::span<const Function> builtinFunctions() { return kFunctions; }

}  // namespace iop::gotemplate::internal
