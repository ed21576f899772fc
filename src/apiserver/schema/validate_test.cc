#include "apiserver/schema/recorded_test.h"

namespace iop::apiserver::schema {
namespace {

using recorded::json;
using recorded::objectWith;
using recorded::print;
using recorded::schemaOf;
using recorded::strings;

std::vector<std::string> errorsOf(const Schema& schema, const Value& object,
                                  const Value* old = nullptr) {
  return print(validate(object, schema, old));
}

// Creates objects as the server does: prune, default, validate.
void expectRecorded(const std::string& file) {
  const Value rows = recorded::read(file);
  ASSERT_GT(rows.size(), 20U);
  for (const Value& row : rows.items()) {
    const DocumentPtr document = schemaOf(row["schema"]);
    if (document == nullptr) continue;
    for (const Value& entry : row["cases"].items()) {
      SCOPED_TRACE(text::printJson(row["schema"]) + " " + text::printJson(entry["value"]));
      Value object = objectWith(entry["value"]);
      std::vector<std::string> unknown = prune(object, document->root());
      for (std::string& path : unknown) {
        constexpr std::string_view kField = "spec.x";
        if (path.starts_with(kField)) path.erase(0, kField.size());
        if (path.starts_with(".")) path.erase(0, 1);
      }
      EXPECT_EQ(unknown, strings(entry["unknown"]));
      applyDefaults(object, document->root());
      EXPECT_EQ(errorsOf(document->root(), object), strings(entry["errors"]));
      const Value* result = entry.find("result");
      if (result == nullptr) continue;
      const Value* have = object["spec"].find("x");
      EXPECT_EQ(text::printJson(have == nullptr ? Value("<absent>") : *have),
                text::printJson(*result));
    }
  }
}

TEST(Validate, SaysWhatTheServerSays) { expectRecorded("objects.json"); }

TEST(Validate, RunsRulesAsTheServerDoes) { expectRecorded("object_rules.json"); }

TEST(Validate, WhatHasNotChangedIsNotJudgedAgain) {
  const DocumentPtr document = schemaOf(json(R"({"type":"object","required":["r"],"properties":{
      "a":{"type":"integer","maximum":3},"b":{"type":"string","maxLength":2},"r":{"type":"string"},
      "m":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["k"],
           "items":{"type":"object","required":["k"],"properties":{
             "k":{"type":"string"},"v":{"type":"integer","minimum":5}}}},
      "l":{"type":"array","items":{"type":"integer","minimum":5}}}})"));
  struct Case {
    const char* name;
    const char* old;
    const char* now;
    std::vector<std::string> errors;
  };
  const Case cases[] = {
      {"a bad value stays", R"({"a":9,"r":""})", R"({"a":9,"r":"x"})", {}},
      {"a bad value changes into another bad one",
       R"({"a":9,"r":""})",
       R"({"a":8,"r":""})",
       {"spec.x.a: Invalid value: 8: spec.x.a in body should be less than or equal to 3"}},
      {"what is missing is told of where something else has changed",
       R"({"a":1})",
       R"({"a":2})",
       {"spec.x.r: Required value"}},
      {"what is missing stays missing", R"({"a":9})", R"({"a":9})", {}},
      {"an item is known by its key",
       R"({"r":"","m":[{"k":"a","v":1},{"k":"b","v":2}]})",
       R"({"r":"","m":[{"k":"c","v":7},{"k":"b","v":2}]})",
       {}},
      {"an item with a new key is judged",
       R"({"r":"","m":[{"k":"a","v":1}]})",
       R"({"r":"","m":[{"k":"c","v":1}]})",
       {"spec.x.m[0].v: Invalid value: 1: spec.x.m[0].v in body should be greater than or equal to "
        "5"}},
      {"an item of a plain list is judged where the list has changed",
       R"({"r":"","l":[1]})",
       R"({"r":"","l":[1,6]})",
       {"spec.x.l[0]: Invalid value: 1: spec.x.l[0] in body should be greater than or equal to 5"}},
      {"a plain list that has not changed is not judged",
       R"({"r":"a","l":[1]})",
       R"({"r":"b","l":[1]})",
       {}},
      {"keys that were there twice may stay so",
       R"({"r":"a","m":[{"k":"a","v":7},{"k":"a","v":8}]})",
       R"({"r":"b","m":[{"k":"b","v":7},{"k":"b","v":8}]})",
       {}},
      {"keys must not become the same",
       R"({"r":"a","m":[{"k":"a","v":7}]})",
       R"({"r":"b","m":[{"k":"b","v":7},{"k":"b","v":8}]})",
       {"spec.x.m[1]: Duplicate value: {\"k\":\"b\"}"}},
  };
  for (const Case& test : cases) {
    const Value old = objectWith(json(test.old));
    EXPECT_EQ(errorsOf(document->root(), objectWith(json(test.now)), &old), test.errors)
        << test.name;
  }
}

TEST(Validate, TransitionRulesSeeTheOldValue) {
  const DocumentPtr document = schemaOf(json(R"({"type":"object","properties":{
      "a":{"type":"integer","x-kubernetes-validations":[
        {"rule":"self >= oldSelf","message":"must not shrink"},{"rule":"self != 3"}]},
      "m":{"type":"array","maxItems":9,"x-kubernetes-list-type":"map",
           "x-kubernetes-list-map-keys":["k"],
           "items":{"type":"object","required":["k"],"properties":{
             "k":{"type":"string"},
             "v":{"type":"integer","x-kubernetes-validations":[{"rule":"self == oldSelf"}]}}}}}})"));
  ASSERT_NE(document, nullptr);
  struct Case {
    const char* name;
    const char* old;
    const char* now;
    std::vector<std::string> errors;
  };
  const Case cases[] = {
      {"no old object", "", R"({"a":1,"m":[{"k":"a","v":1}]})", {}},
      {"no old value", R"({})", R"({"a":1})", {}},
      {"a smaller value",
       R"({"a":2})",
       R"({"a":1})",
       {"spec.x.a: Invalid value: 1: must not shrink"}},
      {"a rule that fails as before", R"({"a":3})", R"({"a":3})", {}},
      {"a rule that begins to fail",
       R"({"a":2})",
       R"({"a":3})",
       {"spec.x.a: Invalid value: 3: failed rule: self != 3"}},
      {"items are found by their keys",
       R"({"m":[{"k":"a","v":1},{"k":"b","v":2}]})",
       R"({"m":[{"k":"b","v":2},{"k":"a","v":3}]})",
       {"spec.x.m[1].v: Invalid value: 3: failed rule: self == oldSelf"}},
  };
  for (const Case& test : cases) {
    const bool creating = std::string_view(test.old).empty();
    const Value old = creating ? Value() : objectWith(json(test.old));
    EXPECT_EQ(errorsOf(document->root(), objectWith(json(test.now)), creating ? nullptr : &old),
              test.errors)
        << test.name;
  }
}

TEST(Validate, AnObjectAsDeepAsJsonMayBeIsWalked) {
  Value schema = json(R"({"type":"integer","maximum":3})");
  Value value = 7;
  for (int i = 0; i < 300; ++i) {
    schema = Value::object({{"type", "array"}, {"items", schema}});
    value = Value::array({value});
  }
  const DocumentPtr document = schemaOf(schema);
  ASSERT_NE(document, nullptr);
  EXPECT_EQ(validate(objectWith(value), document->root(), nullptr).size(), 1U);
}

}  // namespace
}  // namespace iop::apiserver::schema
