#include <zlib.h>

#include "apiserver/schema/recorded_test.h"

namespace iop::apiserver::schema {
namespace {

using recorded::json;

// kinds/kubernetes.json.gz, unpacked.
const Value& schemas() {
  static const Value kSchemas = [] {
    const std::string path =
        std::string(IOP_SOURCE_DIR) + "/src/apiserver/kinds/kubernetes.json.gz";
    const gzFile file = gzopen(path.c_str(), "rb");
    std::string text;
    char buffer[65536];
    for (int read = gzread(file, buffer, sizeof buffer); read > 0;
         read = gzread(file, buffer, sizeof buffer))
      text.append(buffer, static_cast<std::size_t>(read));
    gzclose(file);
    return text::parseJson(text).value()["schemas"];
  }();
  return kSchemas;
}

const Schema& builtIn(const std::string& name) {
  static std::map<std::string, DocumentPtr> documents;
  DocumentPtr& document = documents[name];
  if (document == nullptr) document = parseOpenApiSchema(schemas(), name).value();
  return document->root();
}

constexpr char kDeployment[] = "io.k8s.api.apps.v1.Deployment";
constexpr char kService[] = "io.k8s.api.core.v1.Service";
constexpr char kPod[] = "io.k8s.api.core.v1.Pod";
constexpr char kCrd[] =
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition";

TEST(OpenApiSchema, AllBuiltInKindsAreRead) {
  for (const Member& member : schemas().members())
    EXPECT_TRUE(parseOpenApiSchema(schemas(), member.key())) << member.key();
}

TEST(OpenApiSchema, AnUnknownNameIsNotFound) {
  const auto missing = parseOpenApiSchema(schemas(), "io.k8s.Nothing");
  ASSERT_FALSE(missing);
  EXPECT_TRUE(missing.error().isNotFound());
}

TEST(OpenApiSchema, ListsAndPatchesAreMarked) {
  const Schema* spec = builtIn(kDeployment).find("spec");
  EXPECT_TRUE(spec->find("strategy")->patchRetainKeys);
  EXPECT_NE(spec->find("strategy")->find("rollingUpdate"), nullptr);
  const Schema* containers = spec->find("template")->find("spec")->find("containers");
  EXPECT_EQ(containers->listType, Schema::ListType::Map);
  EXPECT_EQ(containers->listMapKeys, std::vector<std::string>{"name"});
  EXPECT_TRUE(containers->patchMerge);
  EXPECT_EQ(containers->patchMergeKey, "name");
  EXPECT_TRUE(spec->find("selector")->atomicMap);
  EXPECT_EQ(containers->items->definition, "io.k8s.api.core.v1.Container");
}

TEST(OpenApiSchema, SchemasOfSchemasAreCircles) {
  const Schema* props =
      builtIn(kCrd).find("spec")->find("versions")->items->find("schema")->find("openAPIV3Schema");
  const Schema* inner = props->find("properties")->additionalProperties->find("properties");
  ASSERT_NE(inner, nullptr);
  EXPECT_EQ(inner, inner->additionalProperties->find("properties"));
}

struct Change {
  const char* name;
  const char* kind;
  const char* before;
  const char* after;
};

TEST(OpenApiSchema, OnlyTrueDefaultsAreWritten) {
  const Change cases[] = {
      {"zero values of Go stay away", kDeployment, R"({"spec":{}})", R"({"spec":{}})"},
      {"a port gets its protocol", kService, R"({"spec":{"ports":[{"port":80}]}})",
       R"({"spec":{"ports":[{"port":80,"protocol":"TCP"}]}})"},
      {"false where it is a default", kPod,
       R"({"spec":{"volumes":[{"azureDisk":{"diskName":"a","diskURI":"b"},"name":"v"}]}})",
       R"({"spec":{"volumes":[{"azureDisk":{"cachingMode":"ReadWrite","diskName":"a","diskURI":"b",)"
       R"("fsType":"ext4","kind":"Shared","readOnly":false},"name":"v"}]}})"},
      {"nulls go", kDeployment, R"({"spec":{"replicas":null,"template":{"spec":null}}})",
       R"({"spec":{"template":{}}})"},
      {"a null in a map is empty", kPod, R"({"metadata":{"labels":{"a":null}}})",
       R"({"metadata":{"labels":{"a":""}}})"},
      {"any JSON keeps its nulls", kCrd,
       R"({"spec":{"versions":[{"schema":{"openAPIV3Schema":{"default":null}}}]}})",
       R"({"spec":{"versions":[{"schema":{"openAPIV3Schema":{"default":null}}}]}})"},
  };
  for (const Change& test : cases) {
    Value object = json(test.before);
    applyDefaults(object, builtIn(test.kind));
    EXPECT_EQ(text::printJson(object), test.after) << test.name;
  }
}

TEST(OpenApiSchema, UnknownFieldsAreDroppedAndNamed) {
  struct Case {
    const char* kind;
    const char* before;
    const char* after;
    std::vector<std::string> unknown;
  };
  const Case cases[] = {
      {kPod,
       R"({"spec":{"b":1,"containers":[{"a":1,"name":"x"}]},"z":2})",
       R"({"spec":{"containers":[{"name":"x"}]}})",
       {"spec.b", "spec.containers[0].a", "z"}},
      {kPod,
       R"({"metadata":{"foo":1,"labels":{"a":"b"}}})",
       R"({"metadata":{"labels":{"a":"b"}}})",
       {"metadata.foo"}},
      {kPod,
       R"({"metadata":{"managedFields":[{"fieldsV1":{"f:a":{}}}]}})",
       R"({"metadata":{"managedFields":[{"fieldsV1":{"f:a":{}}}]}})",
       {}},
      {kCrd,
       R"({"spec":{"versions":[{"schema":{"openAPIV3Schema":{"items":{"foo":1,"type":"string"},)"
       R"("enum":[{"a":1}],"additionalProperties":true}}}]}})",
       R"({"spec":{"versions":[{"schema":{"openAPIV3Schema":{"additionalProperties":true,)"
       R"("enum":[{"a":1}],"items":{"type":"string"}}}}]}})",
       {"spec.versions[0].schema.openAPIV3Schema.items.foo"}},
  };
  for (const Case& test : cases) {
    Value object = json(test.before);
    EXPECT_EQ(prune(object, builtIn(test.kind)), test.unknown);
    EXPECT_EQ(text::printJson(object), text::printJson(json(test.after)));
  }
}

TEST(TypeMismatch, HasTheWordsOfTheServer) {
  const Value rows = recorded::read("decoder.json");
  ASSERT_GT(rows.size(), 300U);
  for (const Value& row : rows.items())
    EXPECT_EQ(
        findTypeMismatch(row["object"], builtIn(row["root"].toString()), row["kind"].asString())
            .value_or(""),
        row["error"].asString())
        << text::printJson(row["object"]);
}

TEST(TypeMismatch, MetadataOfCustomKindsIsJudgedAlone) {
  const DocumentPtr document = recorded::schemaOf(json(R"({"type":"string"})"));
  const auto find = [&](std::string_view metadata) {
    return findTypeMismatch(json(metadata), *document->root().find("metadata"), "ObjectMeta")
        .value_or("");
  };
  EXPECT_EQ(find(R"({"labels":{"a":1}})"),
            "json: cannot unmarshal number into Go struct field ObjectMeta.labels of type string");
  EXPECT_EQ(find(R"({"labels":"x"})"),
            "json: cannot unmarshal string into Go struct field ObjectMeta.labels of type "
            "map[string]string");
  EXPECT_EQ(find(R"({"name":5})"),
            "json: cannot unmarshal number into Go struct field ObjectMeta.name of type string");
  EXPECT_EQ(find(R"({"name":"a","labels":{"a":"b"}})"), "");
}

TEST(TypeMismatch, NumbersTimesAndQuantitiesHaveTheirOwnWords) {
  struct Case {
    const char* object;
    const char* error;  // "" for none
  };
  const std::string quantity =
      "quantities must match the regular expression "
      "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
  const auto spec = [](std::string_view text) {
    return json(R"({"spec":)" + std::string(text) + "}");
  };
  const std::pair<const char*, const char*> integers[] = {
      {R"({"replicas":1.5})", "number 1.5"},
      {R"({"replicas":3000000000})", "number 3000000000"},
      {R"({"replicas":1.0})", "number 1.0"},
      {R"({"replicas":-3000000000})", "number -3000000000"},
      {R"({"replicas":"x"})", "string"},
      {R"({"replicas":[]})", "array"},
      {R"({"replicas":-1})", ""},
      {R"({"replicas":null})", ""},
  };
  for (const auto& [object, what] : integers) {
    const std::string expected =
        *what == 0 ? ""
                   : "json: cannot unmarshal " + std::string(what) +
                         " into Go struct field DeploymentSpec.spec.replicas of type int32";
    EXPECT_EQ(findTypeMismatch(spec(object), builtIn(kDeployment), "Deployment").value_or(""),
              expected);
  }
  const auto cpu = [&](const std::string& value) {
    const Value pod = spec(R"({"containers":[{"resources":{"requests":{"cpu":)" + value + "}}}]}");
    return findTypeMismatch(pod, builtIn(kPod), "Pod").value_or("");
  };
  for (const char* bad : {"1Kib", "", "1..2", "1.2.3", "1e3m", "0x10", "1_000", "1e2Ki", "1e 3"})
    EXPECT_EQ(cpu('"' + std::string(bad) + '"'), quantity) << bad;
  for (const char* bad : {"1K", "1e", "1i", "1mm", "12e"})
    EXPECT_EQ(cpu('"' + std::string(bad) + '"'), "unable to parse quantity's suffix") << bad;
  for (const char* good : {"\"1\"", "\"1.5\"", "\"500m\"", "\"1e3\"", "\"1Ki\"", "\"1 \"", "\".5\"",
                           "\"5.\"", "\"m\"", "\"1E\"", "\"1e-3\"", "\"+\"", "5", "0.5"})
    EXPECT_EQ(cpu(good), "") << good;
  EXPECT_EQ(cpu("true"), quantity);

  const auto time = [&](const std::string& text) {
    Value meta = Value::object({{"deletionTimestamp", text}});
    return findTypeMismatch(Value::object({{"metadata", meta}}), builtIn(kPod), "Pod").value_or("");
  };
  const std::string layout = "\" as \"2006-01-02T15:04:05Z07:00\": cannot parse ";
  const std::pair<const char*, std::string> times[] = {
      {"x", layout + R"("x" as "2006")"},
      {"", layout + R"("" as "2006")"},
      {"2020", layout + R"("" as "-")"},
      {"2020-01-02T03:04:05", layout + R"("" as "Z07:00")"},
      {"2020-01-02 03:04:05Z", layout + R"(" 03:04:05Z" as "T")"},
      {"2020-13-02T03:04:05Z", "\": month out of range"},
      {"2020-02-30T03:04:05Z", "\": day out of range"},
      {"2020-01-02T25:04:05Z", "\": hour out of range"},
      {"2020-01-02T03:04:60Z", "\": second out of range"},
      {"2020-01-02T03:04:05+25:00", "\": time zone offset hour out of range"},
      {"2020-01-02T03:04:05Zx", "\": extra text: \"x\""},
      {"2020-1-02T03:04:05Z", layout + R"("1-02T03:04:05Z" as "01")"},
  };
  for (const auto& [text, error] : times)
    EXPECT_EQ(time(text), "parsing time \"" + std::string(text) + error);
  for (const char* good : {"2020-01-02T03:04:05Z", "2020-01-02T3:04:05Z", "2020-01-02T03:04:05,5Z",
                           "2020-01-02T03:04:05+24:00"})
    EXPECT_EQ(time(good), "") << good;
}

}  // namespace
}  // namespace iop::apiserver::schema
