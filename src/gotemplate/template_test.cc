#include "gotemplate/template.h"

#include <gtest/gtest.h>

#include <thread>

#include "text/json.h"

namespace iop::gotemplate {
namespace {

std::string answerOf(const std::string& text, const Value& data = {}) {
  const Result<std::string> output = render(text, data);
  return output ? *output : output.error().message;
}

// What random templates have shown (tests/templates), with Go's answers.
TEST(Template, AnswersAreThoseOfGo) {
  const struct {
    const char* text;
    const char* want;
  } cases[] = {
      {R"({% chunk -2 (list "x") %})", "[[x]]"},
      {R"({% chunk -2 (list "x" "y") %})", "[]"},
      {R"({% chunk -1 (list "x") %})",
       R"(template: :1:3: executing "" at <chunk -1 (list "x")>: error calling chunk: runtime error: makeslice: len out of range)"},
      {R"({% slice (regexFindAll "b" "abb" -1) 1 4 | len %})", "3"},
      {R"({% slice (regexSplit "," "a,b,c,d" -1) 0 6 | len %})", "6"},
      {R"({% slice (regexSplit "," "a,b,c,d" 2) 0 3 | len %})",
       R"(template: :1:3: executing "" at <slice (regexSplit "," "a,b,c,d" 2) 0 3>: error calling slice: reflect.Value.Slice: slice index out of bounds)"},
      {R"({% $a := toDate "2006 -07" "1999 +02" %}{% $b := toDate "2006 -07" "1999 +02" %}{% eq $a $b %} {% uniq (list $a $b) | len %})",
       "true 1"},
      {R"({% $a := toDate "2006 -0700" "1999 +0245" %}{% $b := toDate "2006 -0700" "1999 +0245" %}{% eq $a $b %} {% uniq (list $a $b) | len %})",
       "false 1"},
      {R"({% printf "%8f" (toDate "0" "") %})",
       "{%!f(uint64=       0) %!f(int64=       0) %!f(*time.Location=   <nil>)}"},
      {R"({% fromJson "[1,2.50,1e400]" %}|{% fromJson "[1,{\"a\":1e400},2]" | toJson %}|{% fromJson "1e400" %})",
       R"([1 2.5 <nil>]|[1,{"a":null},2]|<no value>)"},
      {R"({% fromJson "[1e400,x]" %})", "<no value>"},
      {R"({% mustFromJson "[1e400]" %})",
       R"(template: :1:3: executing "" at <mustFromJson "[1e400]">: error calling mustFromJson: json: cannot unmarshal number 1e400 into Go value of type float64)"},
      {R"({% range 2 %}[{% range 0 %}{% else %}{% break %}{% end %}x]{% end %})", "[x][x]"},
      {R"({% range 2 %}[{% range 0 %}{% else %}{% continue %}{% end %}x]{% end %})", "[["},
      {R"({% range 2 %}{% range 0 %}{% else %}{% if true %}{% break %}{% end %}y{% end %}x{% end %})",
       "xx"},
      {R"({% merge (dict "a" (semver "1.2.3")) (dict "a" (dict "x" 1)) | len %})", "0"},
      {R"({% mustMerge (dict "a" (semver "1.2.3")) (dict "a" (dict "x" 1)) %})",
       R"(template: :1:3: executing "" at <mustMerge (dict "a" (semver "1.2.3")) (dict "a" (dict "x" 1))>: error calling mustMerge: src and dst must be of same type)"},
      {R"({% merge (dict "a" (splitn "-" 2 "x-y")) (dict "a" (dict "z" 1)) %})",
       R"(template: :1:3: executing "" at <merge (dict "a" (splitn "-" 2 "x-y")) (dict "a" (dict "z" 1))>: error calling merge: reflect.Value.SetMapIndex: value of type interface {} is not assignable to type string)"},
      {R"({% slice (sortAlpha (list "b" nil "a")) 1 3 | len %})", "2"},
      {R"({% printf "%U" (toDate "0" "") %})", "{U+0000 U+0000 %!U(*time.Location=<nil>)}"},
  };
  for (const auto& c : cases) EXPECT_EQ(answerOf(c.text), c.want) << c.text;
}

TEST(Template, OneIsExecutedByManyThreadsAtOnce) {
  const Template parsed =
      Template::parse(R"({% range $i, $e := .items %}{% set $.made (print $i) $e %}{% end %})")
          .value();
  const Value data = text::parseJson(R"({"items": ["a", "b", "c"], "made": {}})",
                                     {.numbers = text::JsonNumbers::Double})
                         .value();
  const std::string want = parsed.execute(data).value();
  std::vector<std::jthread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 200; ++n) ASSERT_EQ(parsed.execute(data).value(), want);
    });
  }
  threads.clear();
  EXPECT_TRUE(data["made"].empty()) << "the data is nobody's to change";
}

TEST(Template, NamesTheFieldsOfItsData) {
  const Template parsed =
      Template::parse(
          "{% .a.b %}{% if eq .c (default .d $.e) %}{% .f %}{% else %}{% .g %}{% end %}\n"
          " {% with .h %}{% .no %}{% $.i %}{% else %}{% .j %}{% end %}"
          "{% range $x := .k %}{% $x.no %}{% .no %}{% end %}{% (.l).no %}"
          "{% define \"t\" %}{% .no %}{% end %}{% template \"t\" .m %}")
          .value();
  std::string names;
  for (const FieldUse& use : parsed.fields()) {
    for (const std::string& name : use.names) names += "." + name;
  }
  EXPECT_EQ(names, ".a.b.c.d.e.f.g.h.i.j.k.l.m");
  const std::vector<FieldUse> fields = Template::parse("{% .a %}\n  {% $.b %}").value().fields();
  ASSERT_EQ(fields.size(), 2u);
  EXPECT_EQ(fields[0].column, 3);
  EXPECT_EQ(fields[1].line, 2);
  EXPECT_EQ(fields[1].column, 5);
}

TEST(TemplateCache, KeepsTheLastUsedWithinItsBytes) {
  TemplateCache cache(64u << 10);
  const Value data = Value::object({{"a", "x"}});
  for (int i = 0; i < 2000; ++i) {
    EXPECT_EQ(cache.render("{% .a %}" + std::to_string(i), data).value(), "x" + std::to_string(i));
    EXPECT_LE(cache.bytes(), 64u << 10);
  }
  EXPECT_GT(cache.size(), 1u);
  EXPECT_LT(cache.size(), 2000u);
  const std::size_t before = cache.size();
  EXPECT_FALSE(cache.get("{% nosuch %}"));
  EXPECT_EQ(cache.size(), before);
}

}  // namespace
}  // namespace iop::gotemplate
