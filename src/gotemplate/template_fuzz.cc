// Any text as a template, and what follows a zero byte as its data (JSON): it is parsed and
// executed within bounds, and fails with words.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "gotemplate/template.h"
#include "text/json.h"

using iop::Result;
using iop::Value;
using iop::gotemplate::Limits;
using iop::gotemplate::MissingKey;
using iop::gotemplate::Template;

namespace {

// Small, so that an input takes no more than milliseconds.
const Limits kLimits{.steps = 50'000,
                     .outputBytes = 1u << 16,
                     .templateDepth = 100,
                     .valueDepth = 100,
                     .valueBytes = 1u << 16,
                     .memoryBytes = 4u << 20,
                     .wallTime = std::chrono::seconds(5)};

const Value& everydayData() {
  static const Value data =
      iop::text::parseJson(
          R"({"a":"x","b":[1,"y",null],"c":{"d":true,"e":2.5},"name":"n","list":["q","p"]})",
          {.numbers = iop::text::JsonNumbers::Double})
          .value();
  return data;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(bytes), size);
  const std::size_t zero = input.find('\0');
  Value data = everydayData();
  if (zero != std::string_view::npos) {
    if (Result<Value> given = iop::text::parseJson(input.substr(zero + 1),
                                                   {.numbers = iop::text::JsonNumbers::Double})) {
      data = std::move(*given);
    }
  }
  const Value before = data;
  const MissingKey missingKey = static_cast<MissingKey>(size % 3);
  const Result<Template> parsed =
      Template::parse(input.substr(0, zero), {.missingKey = missingKey});
  if (!parsed) {
    ASSERT(!parsed.error().message.empty());
    return 0;
  }
  const Result<std::string> output = parsed->execute(data, kLimits);
  ASSERT(output ? output->size() <= kLimits.outputBytes : !output.error().message.empty());
  ASSERT(data == before);  // a template never changes what it is given
  return 0;
}
