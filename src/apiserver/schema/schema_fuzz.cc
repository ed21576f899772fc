// Any schema and any object, one behind the other in a JSON array: whatever is accepted as a schema
// prunes, completes and judges the object, and doing it again changes nothing.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "apiserver/schema/schema.h"
#include "text/json.h"

using iop::Result;
using iop::Value;
namespace schema = iop::apiserver::schema;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Result<Value> both = iop::text::parseJson(text);
  if (!both || both->size() < 2) return 0;
  schema::FieldErrors errors;
  std::vector<std::string> warnings;
  const schema::DocumentPtr document =
      schema::parseCrdSchema(both->at(0), "schema", errors, warnings);
  ASSERT((document == nullptr) == !errors.empty());
  for (const schema::FieldError& error : errors) ASSERT(!error.print().empty());
  if (document == nullptr) return 0;
  Value object = both->at(1);
  static_cast<void>(schema::prune(object, document->root()));
  ASSERT(schema::prune(object, document->root()).empty());
  schema::applyDefaults(object, document->root());
  Value again = object;
  schema::applyDefaults(again, document->root());
  ASSERT(again == object);
  for (const schema::FieldError& error : schema::validate(object, document->root(), nullptr))
    ASSERT(!error.print().empty());
  const Value old = both->at(2);
  static_cast<void>(schema::validate(object, document->root(), old.isNull() ? &object : &old));
  return 0;
}
