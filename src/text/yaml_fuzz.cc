// Any text: what is read prints as YAML and as JSON that are read as the same value.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "text/json.h"
#include "text/yaml.h"

using iop::Result;
using iop::Value;
using iop::text::printJson;
using iop::text::printYaml;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static_cast<void>(iop::text::parseYamlDocuments(text, iop::text::DuplicateKeys::Reject));
  const Result<Value> value = iop::text::parseYaml(text);
  if (!value) {
    ASSERT(!value.error().message.empty());
    return 0;
  }
  ASSERT(iop::text::parseYaml(printYaml(*value)).value() == *value);
  ASSERT(iop::text::parseJson(printJson(*value)).value() == *value);
  return 0;
}
