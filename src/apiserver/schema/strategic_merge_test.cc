// Against patches that were sent to a kube-apiserver 1.37.2 (testdata/strategic_merge.json), and
// cases made by hand.

#include "apiserver/schema/strategic_merge.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "text/json.h"

namespace iop::apiserver::schema {
namespace {

Value json(std::string_view text) {
  Result<Value> value = text::parseJson(text);
  EXPECT_TRUE(value.has_value()) << text;
  return value.value_or(Value());
}

Value readTestData(const std::string& name) {
  std::ifstream file(IOP_SOURCE_DIR "/src/apiserver/schema/testdata/" + name);
  return json(std::string(std::istreambuf_iterator<char>(file), {}));
}

DocumentPtr schemaOf(const std::string& definition) {
  static const Value schemas = readTestData("managed_fields.json")["schemas"];
  Result<DocumentPtr> document = parseOpenApiSchema(schemas, definition);
  EXPECT_TRUE(document.has_value()) << definition;
  return document.value_or(nullptr);
}

// What the API server's decoding adds (defaults) and drops (unknown fields, directives among them).
constexpr std::string_view kDefaulted[] = {
    "apiVersion", "defaultMode", "imagePullPolicy",        "protocol",
    "replicas",   "resources",   "terminationMessagePath", "terminationMessagePolicy",
    "type"};
constexpr std::string_view kDropped[] = {"foo"};

bool isIn(std::string_view name, const auto& names) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

bool isBlank(const Value& value) {
  return value.isNull() || ((value.isArray() || value.isObject()) && value.empty());
}

void expectDecodes(const Value& ours, const Value& real, const std::string& path) {
  if (ours.isObject() && real.isObject()) {
    for (const Member& member : ours.members()) {
      if (member.key().starts_with('$') || isIn(member.key(), kDropped)) continue;
      expectDecodes(member.value, real[member.key()], path + "." + std::string(member.key()));
    }
    for (const Member& member : real.members()) {
      if (isIn(member.key(), kDefaulted) || isBlank(member.value)) continue;
      EXPECT_TRUE(ours.contains(member.key())) << path << "." << member.key() << " is missing";
    }
  } else if (ours.isArray() && real.isArray()) {
    ASSERT_EQ(ours.size(), real.size()) << path;
    for (std::size_t i = 0; i < ours.size(); ++i)
      expectDecodes(ours.at(i), real.at(i), path + "[" + std::to_string(i) + "]");
  } else {
    EXPECT_TRUE(ours == real || (isBlank(ours) && isBlank(real)))
        << path << ": " << text::printJson(ours) << " is not " << text::printJson(real);
  }
}

TEST(StrategicMergeRecorded, IsThatOfTheApiServer) {
  const DocumentPtr deployment = schemaOf("io.k8s.api.apps.v1.Deployment");
  const DocumentPtr service = schemaOf("io.k8s.api.core.v1.Service");
  const Value cases = readTestData("strategic_merge.json");
  ASSERT_GT(cases.size(), 40U);
  for (const Value& recorded : cases.items()) {
    SCOPED_TRACE(text::printJson(recorded["patch"]));
    const Schema& schema =
        (recorded["kind"].asString() == "Service" ? service : deployment)->root();
    const Result<Value> patched =
        applyStrategicMergePatch(recorded["live"], recorded["patch"], schema);
    if (const Value* message = recorded.find("message")) {
      ASSERT_FALSE(patched.has_value()) << text::printJson(*patched);
      EXPECT_EQ(patched.error().message, message->asString());
      EXPECT_EQ(base::httpStatusOf(patched.error().code), recorded["code"].asInt());
    } else {
      ASSERT_TRUE(patched.has_value()) << patched.error().message;
      expectDecodes(*patched, recorded["result"], "");
    }
  }
}

struct PatchCase {
  const char* name;
  const char* target;
  const char* patch;
  const char* result;
};

TEST(StrategicMerge, MergesAndArrangesLists) {
  const PatchCase cases[] = {
      {"items of the patch in its order, others where the server had them",
       R"({"metadata":{"finalizers":["a","b","d"]}})", R"({"metadata":{"finalizers":["c","b"]}})",
       R"({"metadata":{"finalizers":["c","a","b","d"]}})"},
      {"an order for items that are there", R"({"metadata":{"finalizers":["a","b","c"]}})",
       R"({"metadata":{"$setElementOrder/finalizers":["c","a"]}})",
       R"({"metadata":{"finalizers":["b","c","a"]}})"},
      {"an order for nothing changes nothing", R"({"metadata":{}})",
       R"({"metadata":{"$setElementOrder/finalizers":["c","a"]}})", R"({"metadata":{}})"},
      {"deleting from a list that is not there", R"({"metadata":{}})",
       R"({"metadata":{"$deleteFromPrimitiveList/finalizers":["c"]}})", R"({"metadata":{}})"},
      {"a null deletes", R"({"metadata":{"labels":{"a":"1","b":"2"}}})",
       R"({"metadata":{"labels":{"a":null,"c":null}}})", R"({"metadata":{"labels":{"b":"2"}}})"},
      {"nulls and directives in what is new are dropped", R"({})",
       R"({"spec":{"template":{"metadata":{"labels":{"a":null,"b":"1"}},"spec":{"$patch":"replace"}}}})",
       R"({"spec":{"template":{"metadata":{"labels":{"b":"1"}}}}})"},
      {"the root replaced", R"({"kind":"A"})", R"({"$patch":"replace","kind":"B"})",
       R"({"kind":"B"})"},
      {"the root deleted", R"({"kind":"A"})", R"({"$patch":"delete","kind":"B"})", R"({})"},
      {"a list without a strategy is replaced",
       R"({"spec":{"template":{"spec":{"tolerations":[{"key":"a"}]}}}})",
       R"({"spec":{"template":{"spec":{"tolerations":[{"key":"b"}]}}}})",
       R"({"spec":{"template":{"spec":{"tolerations":[{"key":"b"}]}}}})"},
  };
  const DocumentPtr schema = schemaOf("io.k8s.api.apps.v1.Deployment");
  for (const PatchCase& test : cases) {
    const Result<Value> patched =
        applyStrategicMergePatch(json(test.target), json(test.patch), schema->root());
    ASSERT_TRUE(patched.has_value()) << test.name << ": " << patched.error().message;
    EXPECT_EQ(text::printJson(*patched), test.result) << test.name;
  }
}

TEST(StrategicMerge, RefusesWhatIsNestedTooDeeply) {
  std::string nested;
  for (int i = 0; i < 900; ++i) nested += R"({"a":)";
  nested += "1" + std::string(900, '}');
  const DocumentPtr schema = schemaOf("io.k8s.api.core.v1.ConfigMap");
  const Result<Value> patched =
      applyStrategicMergePatch(json(nested), json(nested), schema->root());
  ASSERT_FALSE(patched.has_value());
  EXPECT_EQ(patched.error().code, Code::Invalid);
}

}  // namespace
}  // namespace iop::apiserver::schema
