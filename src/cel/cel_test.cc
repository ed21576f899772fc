#include "cel/cel.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/file.h"
#include "text/json.h"

namespace iop::cel {
namespace {

using Kind = Type::Kind;

TypePtr makeType(Kind kind, TypePtr element = nullptr) {
  return std::make_shared<const Type>(Type{kind, std::move(element), {}});
}

TypePtr makeObject(std::map<std::string, TypePtr> fields) {
  Type out;
  out.kind = Kind::Object;
  out.fields = std::move(fields);
  return std::make_shared<const Type>(std::move(out));
}

Value json(std::string_view text) { return text::parseJson(text).value(); }

// What an expression gives, as JSON, or its error.
std::string run(std::string_view expression, const std::vector<Variable>& variables = {},
                const std::vector<Binding>& bindings = {}, const Limits& limits = {}) {
  const auto program = Program::compile(expression, variables);
  if (!program) return "compile: " + program.error().message;
  const auto value = program->evaluate(bindings, limits);
  return value ? text::printJson(*value) : "error: " + value.error().message;
}

std::string repeat(std::string_view text, int count) {
  std::string out;
  for (int i = 0; i < count; ++i) out += text;
  return out;
}

TEST(Cel, TheExampleOfTheHeaderWorks) {
  const auto program = Program::compile("self.min <= self.max", {{"self", nullptr}});
  ASSERT_TRUE(program.has_value());
  const auto answer =
      program->evaluate({{"self", json(R"({"min": 1, "max": 2})"), nullptr}}, {.cost = 1'000'000});
  EXPECT_EQ(answer.value(), Value(true));
}

TEST(Cel, AProblemIsShownWithItsLineAndAMark) {
  EXPECT_EQ(run("true &&\n  1 + 'a' == 2"),
            "compile: ERROR: <input>:2:5: found no matching overload for '_+_' applied to '(int, "
            "string)'\n |   1 + 'a' == 2\n | ....^");
}

TEST(Cel, ColumnsAreCodePointsAndWideOnesHaveWideMarks) {
  EXPECT_EQ(run("'日本' + zz"),
            "compile: ERROR: <input>:1:8: undeclared reference to 'zz' (in container '')\n"
            " | '日本' + zz\n | .．．....^");
}

TEST(Cel, AllProblemsAreShownInTheOrderOfTheirPlaces) {
  const std::string problems = run("b(a) + a");
  const std::size_t first = problems.find("1:2: undeclared reference to 'b'");
  const std::size_t second = problems.find("1:3: undeclared reference to 'a'");
  const std::size_t third = problems.find("1:8: undeclared reference to 'a'");
  EXPECT_LT(first, second);
  EXPECT_LT(second, third);
  EXPECT_NE(third, std::string::npos) << problems;
}

TEST(Cel, CodesTellProblemsFromLimitsAndFromWhatIsNotSupported) {
  EXPECT_EQ(Program::compile("1 +", {}).error().code, Code::Invalid);
  EXPECT_EQ(Program::compile("google.protobuf.Duration{seconds: 1}", {}).error().code,
            Code::MethodNotAllowed);
  const auto program = Program::compile("[1, 2, 3].map(x, 1 / (x - x))", {}).value();
  EXPECT_EQ(program.evaluate({}, {}).error().code, Code::Invalid);
  EXPECT_EQ(program.evaluate({}, {.cost = 3}).error().code, Code::RequestEntityTooLarge);
}

TEST(Cel, WhatAnEvaluationCostsIsReported) {
  const auto program = Program::compile("self.all(x, x > 0)", {{"self", nullptr}}).value();
  std::uint64_t spent = 0;
  ASSERT_TRUE(program.evaluate({{"self", json("[1, 2, 3]"), nullptr}}, {}, &spent).has_value());
  EXPECT_EQ(spent, 17U);  // as cel-go counts
}

TEST(Cel, ALimitIsNotAbsorbedByAnOr) {
  EXPECT_EQ(run("x.all(y, y > 0) || true", {{"x", nullptr}}, {{"x", json("[1, 2, 3, 4]"), nullptr}},
                {.cost = 10}),
            "error: operation cancelled: actual cost limit exceeded");
}

TEST(Cel, ANameThatIsNotBoundIsAnErrorWhereItIsRead) {
  EXPECT_EQ(run("x == 1", {{"x", nullptr}}), "error: no such attribute(s): x");
  EXPECT_EQ(run("true || x == 1", {{"x", nullptr}}), "true");
}

TEST(Cel, UsesTellsWhatIsReadAndNotWhatALoopCallsTheSame) {
  const std::vector<Variable> variables = {{"self", nullptr}, {"oldSelf", nullptr}};
  EXPECT_TRUE(Program::compile("self.a == oldSelf.a", variables)->uses("oldSelf"));
  EXPECT_FALSE(Program::compile("self.a == 1", variables)->uses("oldSelf"));
  EXPECT_FALSE(Program::compile("self.all(oldSelf, oldSelf > 1)", variables)->uses("oldSelf"));
}

TEST(Cel, TheTypeOfTheResultIsKnown) {
  EXPECT_EQ(Program::compile("1 == 1", {})->resultType(), "bool");
  EXPECT_EQ(Program::compile("x.y", {{"x", nullptr}})->resultType(), "dyn");
  EXPECT_EQ(Program::compile("['a'].map(x, x.size())", {})->resultType(), "list(int)");
}

TEST(Cel, AnOptionalVariableIsAnOptional) {
  const std::vector<Variable> variables = {{"oldSelf", makeType(Kind::Int), true}};
  const std::string expression = "oldSelf.orValue(7) + 1";
  EXPECT_EQ(run(expression, variables, {{"oldSelf", 1, nullptr}}), "2");
  EXPECT_EQ(run(expression, variables, {{"oldSelf", Value(), nullptr, true}}), "8");
  EXPECT_NE(run("oldSelf + 1", variables).find("'(optional_type(int), int)'"), std::string::npos);
}

TEST(Cel, TextsOfADeclaredFormatBecomeTimesAndDurations) {
  const std::vector<Variable> variables = {
      {"self", makeObject({{"at", makeType(Kind::Timestamp)}, {"for", makeType(Kind::Duration)}})}};
  const Value self = json(R"({"at": "2026-01-02T03:04:05Z", "for": "1h"})");
  EXPECT_EQ(run("(self.at + self.for).getHours()", variables, {{"self", self, nullptr}}), "4");
}

TEST(Cel, EscapedNamesSelectFieldsThatCelCannotSay) {
  const TypePtr number = makeType(Kind::Int);
  const std::vector<Variable> variables = {
      {"self", makeObject({{"a__dash__b", number}, {"__if__", number}, {"c__dot__d", number}})}};
  const std::string expression = "[self.a__dash__b, self.__if__, self.if, self.c__dot__d]";
  EXPECT_EQ(
      run(expression, variables, {{"self", json(R"({"a-b": 1, "if": 2, "c.d": 3})"), nullptr}}),
      "[1,2,2,3]");
}

TEST(Cel, ASetComparesAndGrowsWithoutOrder) {
  Type set;
  set.kind = Kind::List;
  set.element = makeType(Kind::Int);
  set.listKind = Type::ListKind::Set;
  const std::vector<Variable> variables = {{"self", std::make_shared<const Type>(set)}};
  const std::vector<Binding> bindings = {{"self", json("[1, 2, 3]"), nullptr}};
  EXPECT_EQ(run("self == [3, 1, 2]", variables, bindings), "true");
  EXPECT_EQ(run("[3, 1, 2] == self", variables, bindings), "false");
  EXPECT_EQ(run("self + [3, 4]", variables, bindings), "[1,2,3,4]");
}

TEST(Cel, AListThatIsAMapMergesByItsKeys) {
  Type map;
  map.kind = Kind::List;
  map.element = makeObject({{"k", makeType(Kind::String)}, {"v", makeType(Kind::Int)}});
  map.listKind = Type::ListKind::Map;
  map.keys = {"k"};
  const std::vector<Variable> variables = {{"self", std::make_shared<const Type>(map)},
                                           {"more", std::make_shared<const Type>(map)}};
  EXPECT_EQ(run("self + more", variables,
                {{"self", json(R"([{"k": "a", "v": 1}, {"k": "b", "v": 2}])"), nullptr},
                 {"more", json(R"([{"k": "b", "v": 3}, {"k": "c", "v": 4}])"), nullptr}}),
            R"([{"k":"a","v":1},{"k":"b","v":3},{"k":"c","v":4}])");
}

TEST(Cel, ObjectsComparedWithAnythingElseAreAnErrorButNotWithNull) {
  const std::vector<Binding> bindings = {{"x", json(R"({"a": 1})"), nullptr}};
  EXPECT_EQ(run("x == 1", {{"x", nullptr}}, bindings), "error: no such overload");
  EXPECT_EQ(run("x != null", {{"x", nullptr}}, bindings), "true");
}

TEST(Cel, ProgramsCanBeCopiedAndRunAgain) {
  const auto program = Program::compile("x + 1", {{"x", nullptr}}).value();
  const Program copy = program;
  EXPECT_EQ(copy.evaluate({{"x", 1, nullptr}}, {}).value(), Value(2));
  EXPECT_EQ(program.evaluate({{"x", 2, nullptr}}, {}).value(), Value(3));
}

TEST(CelLimits, DeepExpressionsAreRefusedWhereCelGoRefusesThem) {
  EXPECT_EQ(run(repeat("(", 249) + "1" + repeat(")", 249)), "1");
  EXPECT_EQ(run(repeat("(", 250) + "1" + repeat(")", 250)),
            "compile: ERROR: <input>:-1:0: expression recursion limit exceeded: 250");
  EXPECT_EQ(run(repeat("1+", 250) + "1"), "251");
  EXPECT_EQ(run(repeat("1+", 251) + "1"),
            "compile: ERROR: <input>:-1:0: max recursion depth exceeded");
  EXPECT_EQ(run(repeat("true && ", 5000) + "false"), "false");
  EXPECT_EQ(run(repeat("!", 50'000) + "true"), "true");
  EXPECT_EQ(run("'" + repeat("a", 100'000) + "'"),
            "compile: ERROR: <input>:-1:0: expression code point size exceeds limit: size: 100002, "
            "limit 100000");
}

TEST(CelLimits, WhatWouldTakeMuchTimeOrMemoryIsStopped) {
  const std::string text = "'" + repeat("a", 5000) + "'";
  const std::string expressions[] = {
      "lists.range(1000).all(x, lists.range(1000).all(y, lists.range(1000).all(z, z >= 0)))",
      "[['a']]" + repeat(".map(x, x + x)", 30),
      "['aaaaaaaaaaaaaaaa']" + repeat(".map(x, x + x)", 30),
      text + ".replace('', " + text + ").replace('a', " + text + ")",
      text + ".split('').map(x, " + text + ".split(''))",
      "sets.contains(lists.range(100000), lists.range(100000))",
      "lists.range(10000).map(x, '%.1000f'.format([1e300]))",
  };
  for (const std::string& expression : expressions) {
    const auto program = Program::compile(expression, {});
    ASSERT_TRUE(program.has_value()) << program.error().message;
    const auto value = program->evaluate({}, {});
    ASSERT_FALSE(value.has_value()) << expression.substr(0, 60);
    EXPECT_EQ(value.error().code, Code::RequestEntityTooLarge) << expression.substr(0, 60);
  }
}

// What cel-go answers in the environment of Kubernetes 1.37.

TypePtr typeOfSchema(const Value& schema) {
  static const std::map<std::string, Kind, std::less<>> kinds = {
      {"integer", Kind::Int}, {"number", Kind::Double}, {"boolean", Kind::Bool}};
  static const std::map<std::string, Kind, std::less<>> formats = {{"date-time", Kind::Timestamp},
                                                                   {"date", Kind::Timestamp},
                                                                   {"duration", Kind::Duration},
                                                                   {"byte", Kind::Bytes}};
  static const std::map<std::string, std::string, std::less<>> escapes = {
      {"a-b", "a__dash__b"},
      {"namespace", "__namespace__"},
      {"c.d", "c__dot__d"},
      {"e__f", "e__underscores__f"},
      {"g/h", "g__slash__h"}};
  const std::string_view name = schema["type"].asString();
  Type out;
  if (schema["x-kubernetes-int-or-string"].asBool()) return std::make_shared<const Type>(out);
  if (const auto kind = kinds.find(name); kind != kinds.end()) return makeType(kind->second);
  if (name == "string") {
    const auto format = formats.find(schema["format"].asString());
    return makeType(format == formats.end() ? Kind::String : format->second);
  }
  if (name == "array") {
    out.kind = Kind::List;
    out.element = typeOfSchema(schema["items"]);
    const std::string_view kind = schema["x-kubernetes-list-type"].asString();
    if (kind == "set") out.listKind = Type::ListKind::Set;
    if (kind == "map") out.listKind = Type::ListKind::Map;
    for (const Value& key : schema["x-kubernetes-list-map-keys"].items())
      out.keys.push_back(key.toString());
  } else if (schema.contains("additionalProperties")) {
    out.kind = Kind::Map;
    out.element = typeOfSchema(schema["additionalProperties"]);
  } else {
    out.kind = Kind::Object;
    for (const Member& member : schema["properties"].members()) {
      const auto escaped = escapes.find(member.key());
      out.fields[escaped == escapes.end() ? std::string(member.key()) : escaped->second] =
          typeOfSchema(member.value);
    }
  }
  return std::make_shared<const Type>(std::move(out));
}

// Without the lines that show the expression.
std::string withoutMarks(std::string_view problems) {
  std::string out;
  while (!problems.empty()) {
    const std::size_t end = std::min(problems.find('\n'), problems.size());
    const std::string_view line = problems.substr(0, end);
    problems.remove_prefix(std::min(end + 1, problems.size()));
    if (line.starts_with(" | ")) continue;
    if (!out.empty()) out += '\n';
    out += line;
  }
  return out;
}

// 1 and 1.0 are one number once they have been JSON.
std::string printed(const Value& value) {
  const std::string text = text::printJson(value);
  return text::printJson(text::parseJson(text, {.numbers = text::JsonNumbers::Double}).value());
}

TEST(CelRecorded, ExpressionsAnswerAsInKubernetes) {
  const auto file = base::readFile(std::string(IOP_SOURCE_DIR) + "/src/cel/testdata/recorded.json");
  ASSERT_TRUE(file.has_value());
  const Value recorded = json(*file);
  const TypePtr type = typeOfSchema(recorded["schema"]);
  const std::vector<Variable> variables = {{"self", type}, {"object", nullptr}};
  const std::vector<Binding> bindings = {{"self", recorded["self"], nullptr},
                                         {"object", recorded["object"], nullptr}};
  ASSERT_GT(recorded["cases"].size(), 1000U);
  for (const Value& one : recorded["cases"].items()) {
    const std::string expression = one["expression"].toString();
    const auto program = Program::compile(expression, variables);
    if (one.contains("problem")) {
      ASSERT_FALSE(program.has_value()) << expression;
      EXPECT_EQ(withoutMarks(program.error().message), one["problem"].asString()) << expression;
      continue;
    }
    ASSERT_TRUE(program.has_value()) << expression << "\n" << program.error().message;
    const auto value = program->evaluate(bindings, {});
    if (one.contains("error")) {
      ASSERT_FALSE(value.has_value()) << expression;
      EXPECT_EQ(value.error().message, one["error"].asString()) << expression;
    } else {
      ASSERT_TRUE(value.has_value()) << expression << "\n" << value.error().message;
      EXPECT_EQ(printed(*value), printed(one["value"])) << expression;
    }
  }
}

}  // namespace
}  // namespace iop::cel
