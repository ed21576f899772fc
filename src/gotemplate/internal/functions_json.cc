// sprig's JSON functions.

#include <string>

#include "gotemplate/internal/bind.h"
#include "gotemplate/internal/json.h"
#include "text/json.h"

namespace iop::gotemplate::internal {
namespace {

constexpr AnyJsonOptions kPlain = {};
constexpr AnyJsonOptions kPretty = {.isIndented = true};
constexpr AnyJsonOptions kRaw = {.escapesHtml = false};

std::string textOrNothing(Result<std::string> result) {
  return result ? *std::move(result) : std::string();
}

std::string toJson(Runtime& runtime, Any value) {
  return textOrNothing(printAnyJson(runtime, value, kPlain));
}
std::string toPrettyJson(Runtime& runtime, Any value) {
  return textOrNothing(printAnyJson(runtime, value, kPretty));
}

Result<std::string> mustToJson(Runtime& runtime, Any value) {
  return printAnyJson(runtime, value, kPlain);
}
Result<std::string> mustToPrettyJson(Runtime& runtime, Any value) {
  return printAnyJson(runtime, value, kPretty);
}
Result<std::string> toRawJson(Runtime& runtime, Any value) {
  return printAnyJson(runtime, value, kRaw);
}

Result<Any> readJson(Runtime& runtime, std::string_view text, bool nullOutOfRange) {
  // A list of small elements takes 16 bytes for two of its text.
  runtime.checkValueBytes(text.size() * 2);
  ASSIGN_OR_RETURN(Value tree, text::parseJson(text, {.numbers = text::JsonNumbers::Double,
                                                      .nullOutOfRange = nullOutOfRange}));
  return runtime.makeTree(std::move(tree));
}
Result<Any> mustFromJson(Runtime& runtime, std::string_view text) {
  return readJson(runtime, text, false);
}
// Like sprig, without the error but with what Go has made of the text all the same.
Any fromJson(Runtime& runtime, std::string_view text) {
  const Result<Any> value = readJson(runtime, text, true);
  return value ? *value : Any::nil();
}

template <auto function>
constexpr Function entry(std::string_view name) {
  return bind<function>(name, "JSON");
}

constexpr Function kFunctions[] = {
    entry<&toJson>("toJson"),
    entry<&mustToJson>("mustToJson"),
    entry<&toPrettyJson>("toPrettyJson"),
    entry<&mustToPrettyJson>("mustToPrettyJson"),
    entry<&toRawJson>("toRawJson"),
    entry<&toRawJson>("mustToRawJson"),
    entry<&fromJson>("fromJson"),
    entry<&mustFromJson>("mustFromJson"),
};

}  // namespace

std::span<const Function> jsonFunctions() { return kFunctions; }

}  // namespace iop::gotemplate::internal
