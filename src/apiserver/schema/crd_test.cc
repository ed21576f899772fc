#include <algorithm>

#include "apiserver/schema/recorded_test.h"

namespace iop::apiserver::schema {
namespace {

using recorded::json;
using recorded::print;
using recorded::strings;

constexpr char kPath[] = "spec.validation.openAPIV3Schema";

struct Parsed {
  DocumentPtr document;
  FieldErrors errors;
  std::vector<std::string> warnings;
};

Parsed parse(const Value& source) {
  Parsed out;
  out.document = parseCrdSchema(source, kPath, out.errors, out.warnings);
  return out;
}

void expectRecorded(const std::string& file) {
  const Value rows = recorded::read(file);
  ASSERT_GT(rows.size(), 20U);
  for (const Value& row : rows.items()) {
    const Parsed parsed = parse(row["schema"]);
    EXPECT_EQ(print(parsed.errors), strings(row["errors"])) << text::printJson(row["schema"]);
    EXPECT_EQ(parsed.document == nullptr, !row["errors"].empty());
  }
}

TEST(CrdSchema, RefusesWhatTheServerRefusesInItsWords) { expectRecorded("crds.json"); }

TEST(CrdSchema, CompilesRulesAsTheServerDoes) { expectRecorded("crd_rules.json"); }

TEST(CrdSchema, KnowsMetadataOfTheRootAndOfEmbeddedResources) {
  const Parsed parsed = parse(json(R"({"type":"object","properties":{
      "metadata":{"type":"object","properties":{"name":{"type":"string","maxLength":5}}},
      "spec":{"type":"object","x-kubernetes-embedded-resource":true,
              "x-kubernetes-preserve-unknown-fields":true}}})"));
  ASSERT_NE(parsed.document, nullptr);
  const Schema& root = parsed.document->root();
  const Schema* meta = root.find("metadata");
  ASSERT_NE(meta, nullptr);
  EXPECT_NE(meta->find("name")->validations, nullptr);
  EXPECT_EQ(meta->find("ownerReferences")->listMapKeys, std::vector<std::string>{"uid"});
  EXPECT_EQ(meta->find("nonsense"), nullptr);
  EXPECT_NE(root.find("spec")->find("metadata")->find("labels"), nullptr);
  EXPECT_EQ(root.find("apiVersion")->type, Schema::Type::String);
}

TEST(CrdSchema, ADeepSchemaIsReadToItsEnd) {
  Value schema = json(R"({"type":"string"})");
  for (int i = 0; i < 300; ++i)
    schema = Value::object({{"type", "object"}, {"properties", Value::object({{"a", schema}})}});
  const Parsed parsed = parse(schema);
  EXPECT_EQ(print(parsed.errors), std::vector<std::string>());
  ASSERT_NE(parsed.document, nullptr);
}

}  // namespace
}  // namespace iop::apiserver::schema
