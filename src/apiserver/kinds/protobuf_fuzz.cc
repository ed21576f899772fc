// Any bytes: an error, or an object that prints as JSON which is read as the same value.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "apiserver/kinds/protobuf.h"
#include "text/json.h"

using iop::Result;
using iop::Value;
using iop::apiserver::kinds::parseProtobuf;
using iop::text::parseJson;
using iop::text::printJson;

constexpr iop::text::JsonParseOptions kDoubles{.numbers = iop::text::JsonNumbers::Double};

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string body(reinterpret_cast<const char*>(data), size);
  // Most inputs get the envelope of a kind that has all there is, so that they reach its fields.
  static constexpr std::string_view kPrefixes[] = {
      {"", 0},
      {"k8s\0\x0a\x09\x0a\x02v1\x12\x03Pod", 15},
      {"k8s\0\x0a\x33\x0a\x17"
       "apiextensions.k8s.io/v1\x12\x18"
       "CustomResourceDefinition",
       57},
  };
  for (const std::string_view prefix : kPrefixes) {
    std::string text(prefix);
    if (!prefix.empty()) {
      text += '\x12';
      std::size_t left = size;
      for (; left >= 0x80; left >>= 7) text += static_cast<char>((left & 0x7F) | 0x80);
      text += static_cast<char>(left);
    }
    text += body;
    const Result<Value> object = parseProtobuf(text);
    if (!object) {
      ASSERT(!object.error().message.empty());
      continue;
    }
    ASSERT(object->isObject());
    const std::string printed = printJson(*object);
    const Result<Value> again = parseJson(printed, kDoubles);
    ASSERT(again.has_value());
    ASSERT(printJson(*again) == printJson(*parseJson(printJson(*again), kDoubles)));
  }
  return 0;
}
