// What a real kube-apiserver made of objects (testdata/record.py), and what these strategies do.

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <set>

#include "apiserver/kinds/definitions.h"
#include "apiserver/kinds/metadata_rules.h"
#include "apiserver/kinds/strategy.h"
#include "text/diff.h"
#include "text/json.h"

namespace iop::apiserver::kinds {
namespace {

// A resource of a case: "apps/v1/deployments".
struct Where {
  std::string group, version, plural;
};

Where parseWhere(std::string_view text) {
  const std::size_t last = text.rfind('/'), first = text.find('/');
  Where out;
  out.plural = text.substr(last + 1);
  if (first != last) {
    out.group = text.substr(0, first);
    out.version = text.substr(first + 1, last - first - 1);
  } else {
    out.version = text.substr(0, first);
  }
  return out;
}

const Value& entryOf(const Where& where) {
  for (const Value& entry : resources().items()) {
    if (entry["servedGroup"].asString() == where.group &&
        entry["servedVersion"].asString() == where.version &&
        entry["name"].asString() == where.plural)
      return entry;
  }
  static const Value kNone;
  return kNone;
}

bool hasStatus(const Where& where) {
  Where status = where;
  status.plural += "/status";
  return !entryOf(status).isNull();
}

// {"$repeat": [text, count, rest]} stands for a long text.
Value expand(const Value& value) {
  if (value.isArray()) {
    Value out = Value::array();
    for (const Value& item : value.items()) out.push(expand(item));
    return out;
  }
  if (!value.isObject()) return value;
  if (const Value* repeat = value.find("$repeat")) {
    std::string out;
    for (std::int64_t i = 0; i < repeat->at(1).asInt(); ++i) out += repeat->at(0).asString();
    return out + repeat->at(2).toString();
  }
  Value out = Value::object();
  for (const Member& member : value.members()) out.set(member.key(), expand(member.value));
  return out;
}

const Value& resolve(const Value& schema) {
  const Value& ref = schema.contains("$ref") ? schema["$ref"] : schema["allOf"].at(0)["$ref"];
  if (!ref.isString()) return schema;
  const std::string_view text = ref.asString();
  return schemas()[text.substr(text.rfind('/') + 1)];
}

// The defaults of the OpenAPI document, which come before those of a strategy.
void applySchemaDefaults(Value& value, const Value& schema, int depth = 0) {
  if (depth > 30) return;
  const Value& resolved = resolve(schema);
  if (value.isArray()) {
    for (std::size_t i = 0; i < value.size(); ++i)
      applySchemaDefaults(value.editItem(i), resolved["items"], depth + 1);
  }
  if (!value.isObject()) return;
  for (const Member& property : resolved["properties"].members()) {
    const Value* standard = property.value.find("default");
    if (standard != nullptr && value[property.key()].isNull()) value.set(property.key(), *standard);
    if (value.contains(property.key()))
      applySchemaDefaults(value.edit(property.key()), property.value, depth + 1);
  }
}

const Value& schemaOf(const Where& where) {
  const std::string_view kind = entryOf(where)["kind"].asString();
  for (const Member& schema : schemas().members()) {
    for (const Value& gvk : schema.value["x-kubernetes-group-version-kind"].items()) {
      if (gvk["group"].asString() == where.group && gvk["version"].asString() == where.version &&
          gvk["kind"].asString() == kind && schema.key().ends_with("." + std::string(kind)))
        return schema.value;
    }
  }
  static const Value kNone;
  return kNone;
}

// What is not the strategy's: what is allocated, and what admission plugins and the server add.
void dropForeign(Value& object, const Where& where) {
  Value& metadata = object.edit("metadata");
  for (const char* field : {"uid", "creationTimestamp"}) metadata.erase(field);
  if (where.plural.starts_with("persistentvolume")) {
    metadata.erase("finalizers");
    if (object["status"].isObject()) object.edit("status").erase("lastPhaseTransitionTime");
  }
  if (where.plural != "services" || !object["spec"].isObject()) return;
  Value& spec = object.edit("spec");
  for (const char* field : {"clusterIP", "clusterIPs"}) {
    if (spec["clusterIP"].asString() != "None" || field == std::string_view("clusterIPs"))
      spec.erase(field);
  }
  for (const char* field : {"ipFamilies", "ipFamilyPolicy", "healthCheckNodePort"})
    spec.erase(field);
  for (std::size_t i = 0; i < spec["ports"].size(); ++i)
    spec.edit("ports").editItem(i).erase("nodePort");
}

struct Outcome {
  Value object;
  std::multiset<std::string> problems;
};

void defaultAll(Value& object, const Where& where, const Strategy& strategy) {
  applySchemaDefaults(object, schemaOf(where));
  if (strategy.applyDefaults != nullptr) strategy.applyDefaults(object);
}

std::string printProblem(std::string_view reason, std::string_view field, std::string_view text) {
  // Differences of Go's structs follow after the first line.
  return std::string(reason) + " | " + std::string(field) + " | " +
         std::string(text.substr(0, text.find('\n')));
}

Outcome run(const Value& testCase) {
  const Where where = parseWhere(testCase["resource"].asString());
  const Strategy& strategy = strategyOf(where.group, where.plural);
  Outcome out;
  Value& object = out.object;
  object = expand(testCase["in"]);
  defaultAll(object, where, strategy);
  Value& metadata = object.edit("metadata");
  metadata.set("uid", "u");
  const bool isUpdate = testCase.contains("old");
  const Value old = expand(testCase["old"]);
  if (isUpdate) {
    if (hasStatus(where)) object.erase("status");
    if (hasStatus(where) && old.contains("status")) object.set("status", old["status"]);
    if (strategy.hasGeneration)
      object.edit("metadata").set("generation", old["metadata"]["generation"]);
    if (strategy.prepareForUpdate != nullptr) strategy.prepareForUpdate(object, old);
    if (strategy.hasGeneration && object["spec"] != old["spec"])
      object.edit("metadata").set("generation", old["metadata"]["generation"].asInt() + 1);
  } else {
    if (strategy.hasGeneration) metadata.set("generation", 1);
    if (strategy.prepareForCreate != nullptr) strategy.prepareForCreate(object);
  }
  FieldErrors errors = validateMetadata(
      object, strategy.nameRule, entryOf(where)["namespaced"].asBool(), isUpdate ? &old : nullptr);
  const auto add = [&](FieldErrors more) {
    std::move(more.begin(), more.end(), std::back_inserter(errors));
  };
  if (strategy.validate != nullptr) add(strategy.validate(object));
  if (isUpdate && strategy.validateUpdate != nullptr) add(strategy.validateUpdate(object, old));
  for (const schema::FieldError& error : errors)
    out.problems.insert(printProblem(error.reason(), error.field, error.printBody()));
  dropForeign(object, where);
  return out;
}

// Values that the API server prints as Go's internal structs are not compared.
bool showsStructs(std::string_view message) {
  static constexpr std::string_view kSigns[] = {"\"Containers\":", "\"Spec\":{", "\"Served\":"};
  return std::any_of(std::begin(kSigns), std::end(kSigns), [&](std::string_view sign) {
    return message.find(sign) != std::string_view::npos;
  });
}

std::string joinLines(const std::multiset<std::string>& lines) {
  std::string out;
  for (const std::string& line : lines) out += line + "\n";
  return out;
}

void compareProblems(const Value& causes, std::multiset<std::string> actual) {
  std::multiset<std::string> expected;
  for (const Value& cause : causes.items()) {
    const std::string_view message = cause.at(2).asString();
    const std::string wanted =
        printProblem(cause.at(0).asString(), cause.at(1).asString(), message);
    if (showsStructs(message)) {
      // Field and reason, and the words at the end.
      const std::string begin =
          cause.at(0).toString() + " | " + cause.at(1).toString() + " | Invalid value: ";
      const std::string end(message.substr(message.rfind(": ")));
      const auto found = std::find_if(actual.begin(), actual.end(), [&](const std::string& each) {
        return each.starts_with(begin) && each.ends_with(end);
      });
      if (found != actual.end()) {
        actual.erase(found);
        continue;
      }
    }
    expected.insert(wanted);
  }
  EXPECT_EQ(joinLines(expected), joinLines(actual));
}

class Golden : public testing::TestWithParam<std::string> {};

TEST_P(Golden, EveryCaseIsAsTheApiServerDoesIt) {
  std::ifstream file(std::string(IOP_SOURCE_DIR "/src/apiserver/kinds/testdata/") + GetParam() +
                     ".out.jsonl");
  std::string line;
  int count = 0;
  while (std::getline(file, line)) {
    const auto testCase = text::parseJson(line);
    ASSERT_TRUE(testCase) << testCase.error().message;
    SCOPED_TRACE((*testCase)["resource"].toString() + ": " + (*testCase)["case"].toString());
    ++count;
    const Outcome outcome = run(*testCase);
    if (testCase->contains("causes")) {
      compareProblems((*testCase)["causes"], outcome.problems);
      continue;
    }
    if (!testCase->contains("out")) {
      ADD_FAILURE() << "neither refused nor accepted: " << (*testCase)["message"].asString();
      continue;
    }
    EXPECT_EQ("", joinLines(outcome.problems));
    Value expected = expand((*testCase)["out"]);
    dropForeign(expected, parseWhere((*testCase)["resource"].asString()));
    EXPECT_EQ("", text::diffAsYaml(expected, outcome.object));
  }
  EXPECT_GT(count, 10);
}

// Every place of a tree: `visit` gets the tree with each of some other values of the same type in
// that place, and with null.
template <typename Visit>
void forEachMutation(const std::function<Value(Value)>& wrap, const Value& at, const Visit& visit) {
  visit(wrap(Value()));
  if (at.isString()) {
    for (const char* text : {"", "x", "-", "*", "/", "%", "\xff\xfe", "1.2.3.4/99"})
      visit(wrap(text));
  } else if (at.isInt()) {
    for (const std::int64_t number : {std::int64_t{0}, std::int64_t{-1}, INT64_MAX, INT64_MIN})
      visit(wrap(number));
  } else if (at.isArray()) {
    for (const Value& list :
         {Value::array(), Value::array({Value()}), Value::array({Value(), Value()})})
      visit(wrap(list));
  } else if (at.isObject()) {
    visit(wrap(Value::object()));
  }
  for (const Member& member : at.members()) {
    if (member.key() == "apiVersion" || member.key() == "kind") continue;
    forEachMutation(
        [&](Value changed) {
          Value copy = at;
          copy.set(member.key(), std::move(changed));
          return wrap(std::move(copy));
        },
        member.value, visit);
  }
  for (std::size_t i = 0; i < at.size() && at.isArray(); ++i) {
    forEachMutation(
        [&](Value changed) {
          Value copy = at;
          copy.editItem(i) = std::move(changed);
          return wrap(std::move(copy));
        },
        at.at(i), visit);
  }
}

TEST_P(Golden, StrangeValuesDoNoHarm) {
  std::ifstream file(std::string(IOP_SOURCE_DIR "/src/apiserver/kinds/testdata/") + GetParam() +
                     ".out.jsonl");
  std::string line;
  std::size_t count = 0;
  while (std::getline(file, line)) {
    const auto testCase = text::parseJson(line);
    ASSERT_TRUE(testCase);
    // One good object of each form is enough.
    if (!testCase->contains("out") || line.find("$repeat") != std::string::npos) continue;
    const Where where = parseWhere((*testCase)["resource"].asString());
    const Strategy& strategy = strategyOf(where.group, where.plural);
    const Value object = (*testCase)["out"], old = object;
    forEachMutation([](Value changed) { return changed; }, object,
                    [&](Value changed) {
                      if (!changed.isObject()) return;
                      ++count;
                      Value updated = changed;
                      if (strategy.applyDefaults != nullptr) strategy.applyDefaults(changed);
                      if (strategy.prepareForCreate != nullptr) strategy.prepareForCreate(changed);
                      if (strategy.prepareForUpdate != nullptr)
                        strategy.prepareForUpdate(updated, old);
                      if (strategy.validate != nullptr) strategy.validate(changed);
                      if (strategy.validateUpdate != nullptr)
                        strategy.validateUpdate(updated, changed);
                      validateMetadata(changed, strategy.nameRule, true, &old);
                    });
  }
  EXPECT_GT(count, 100U);
}

INSTANTIATE_TEST_SUITE_P(All, Golden,
                         testing::Values("admission", "apps", "batch", "config", "crd", "events",
                                         "metadata", "networking", "pod", "policy", "rbac",
                                         "service", "storage"),
                         [](const testing::TestParamInfo<std::string>& each) {
                           return each.param;
                         });

}  // namespace
}  // namespace iop::apiserver::kinds
