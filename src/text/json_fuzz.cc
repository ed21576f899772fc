// Any text: what is read prints as JSON that is read as the same value, in every style.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "text/json.h"

using iop::Result;
using iop::Value;
using iop::text::parseJson;
using iop::text::printApplyBody;
using iop::text::printJson;

constexpr iop::text::JsonParseOptions kDoubles{.numbers = iop::text::JsonNumbers::Double};

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const iop::text::DropPaths drop({"/a/b", "/*/c"});
  const Result<Value> kept = parseJson(text, {.drop = &drop});
  const Result<Value> value = parseJson(text);
  const Result<Value> doubles = parseJson(text, kDoubles);
  ASSERT(value.has_value() == doubles.has_value());
  if (!value) {
    ASSERT(!value.error().message.empty());
    return 0;
  }
  ASSERT(kept.has_value());
  // Compared as Doubles: a whole Double prints as an integer.
  for (const std::string& printed : {printJson(*value), printJson(*value, {.escapeHtml = false}),
                                     printJson(*value, {.indent = " "}), printApplyBody(*value)}) {
    ASSERT(parseJson(printed, kDoubles).value() == *doubles);
  }
  return 0;
}
