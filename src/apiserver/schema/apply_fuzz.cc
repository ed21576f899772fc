// Two objects, one a line: the first is made, the second applied to it. To apply the same again is
// no change, whatever they are; nor is it one to write an object as it is.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/schema/field_set.h"
#include "apiserver/schema/managed_fields.h"
#include "apiserver/schema/strategic_merge.h"
#include "text/json.h"

using iop::Result;
using iop::Value;
using iop::apiserver::schema::applyConfiguration;
using iop::apiserver::schema::applyStrategicMergePatch;
using iop::apiserver::schema::DocumentPtr;
using iop::apiserver::schema::FieldErrors;
using iop::apiserver::schema::FieldSet;
using iop::apiserver::schema::normalizeFieldSet;
using iop::apiserver::schema::parseCrdSchema;
using iop::apiserver::schema::Schema;
using iop::apiserver::schema::trackUpdate;
using iop::apiserver::schema::Write;

namespace {

constexpr std::string_view kSchema = R"({"type":"object","properties":{
  "s":{"type":"array","items":{"type":"string"},"x-kubernetes-list-type":"set"},
  "l":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["k","d"],
       "items":{"type":"object","required":["k"],"properties":{
         "k":{"type":"integer"},"d":{"type":"string","default":"x"},
         "m":{"type":"object","additionalProperties":{"type":"string"}}}}},
  "a":{"type":"object","x-kubernetes-map-type":"atomic","additionalProperties":{"type":"string"}},
  "p":{"type":"array","items":{"type":"string"}},
  "f":{"type":"object","x-kubernetes-preserve-unknown-fields":true},
  "i":{"x-kubernetes-int-or-string":true}}})";

const Schema& schema() {
  static const DocumentPtr document = [] {
    FieldErrors errors;
    std::vector<std::string> warnings;
    return parseCrdSchema(iop::text::parseJson(kSchema).value(), "schema", errors, warnings);
  }();
  ASSERT(document != nullptr);
  return document->root();
}

void checkWrites(const Value& object, const Value& config, const Schema* type) {
  Write write{.schema = type,
              .manager = "one",
              .apiVersion = "v1",
              .subresource = {},
              .now = "2026-01-01T00:00:00Z",
              .resetFields = {}};
  const Value live = trackUpdate({}, object, write);
  write.manager = "two";
  write.now = "2026-01-02T00:00:00Z";
  ASSERT(trackUpdate(live, live, write) == live);
  const auto first = applyConfiguration(live, config, write, true);
  if (!first) {
    ASSERT(!first.error().message.empty());
    return;
  }
  write.now = "2026-01-03T00:00:00Z";
  const auto second = applyConfiguration(*first, config, write, false);
  ASSERT(second.has_value());
  ASSERT(*second == *first);
  (void)applyConfiguration(*first, object, write, false);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t line = text.find('\n');
  if (line == std::string_view::npos) return 0;
  const Result<Value> object = iop::text::parseJson(text.substr(0, line));
  const Result<Value> config = iop::text::parseJson(text.substr(line + 1));
  if (!object || !config || !object->isObject() || !config->isObject()) return 0;
  // The API server gives every object its name before it looks at owners.
  if (!(*object)["metadata"].isObject() || !(*config)["metadata"].isObject()) return 0;
  checkWrites(*object, *config, nullptr);
  checkWrites(*object, *config, &schema());
  (void)applyStrategicMergePatch(*object, *config, schema());
  if (const std::optional<FieldSet> set = normalizeFieldSet(*config))
    ASSERT(normalizeFieldSet(*set) == *set);
  return 0;
}
