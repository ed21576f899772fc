#include "cli/template_command.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "text/json.h"

namespace iop::cli {
namespace {

struct Outcome {
  int status = 0;
  std::string out;
  std::string err;
};

Outcome runWith(const TemplateFlags& flags, const std::string& input) {
  std::istringstream in(input);
  std::ostringstream out;
  std::ostringstream err;
  const int status = runTemplate(flags, {in, out, err});
  return {status, out.str(), err.str()};
}

TemplateFlags lines() {
  TemplateFlags flags;
  flags.jsonl = true;
  return flags;
}

std::string write(const std::string& name, const std::string& text) {
  const std::string path = ::testing::TempDir() + "/" + name;
  std::ofstream(path) << text;
  return path;
}

TEST(TemplateCommandTest, AnswersTheRecordedLinesAsGoDid) {
  setenv("TZ", "UTC", 1);  // as it was when they were recorded
  const char* shared = std::getenv("IOP_SHARED");
  const std::string path =
      (shared != nullptr ? shared : std::string(IOP_SOURCE_DIR) + "/../shared") +
      "/templates/vectors.jsonl";
  std::ifstream file(path);
  if (!file) GTEST_SKIP() << "NOT RUN: there is no " << path << "; set IOP_SHARED";
  std::ostringstream all;
  all << file.rdbuf();
  const Outcome run = runWith(lines(), all.str());
  EXPECT_EQ(run.status, 0);
  std::istringstream vectors(all.str());
  std::istringstream answers(run.out);
  int count = 0;
  int failures = 0;
  std::string answer;
  for (std::string vector; std::getline(vectors, vector); ++count) {
    ASSERT_TRUE(std::getline(answers, answer)) << "no answer to " << vector;
    const Value want = text::parseJson(vector).value();
    const Value got = text::parseJson(answer).value();
    for (const char* key : {"output", "output_b64", "error", "error_b64"}) {
      if (want[key] != got[key] && ++failures < 20) ADD_FAILURE() << vector << "\n  " << answer;
    }
  }
  EXPECT_FALSE(std::getline(answers, answer)) << answer;
  EXPECT_GT(count, 0);
  EXPECT_EQ(failures, 0) << "of " << count;
}

TEST(TemplateCommandTest, EachLineHasItsAnswer) {
  const struct {
    const char* what;
    const char* line;
    const char* answer;
  } cases[] = {
      {"an output", R"({"template":"{% .a %}","data":{"a":"<x>"}})", R"({"output":"<x>"})"},
      {"numbers are floats", R"({"template":"{% printf \"%T\" .a %}","data":{"a":1}})",
       R"({"output":"float64"})"},
      {"the name is in errors", R"({"template":"{% x","name":"n"})",
       R"({"error":"template: n:1: function \"x\" not defined"})"},
      {"missingkey", R"({"template":"{% .a %}","data":{},"missingkey":"error"})",
       R"({"error":"template: :1:3: executing \"\" at <.a>: map has no entry for key \"a\""})"},
      {"not UTF-8", R"({"template":"{% \"/w==\" | b64dec %}"})", R"({"output_b64":"/w=="})"},
      {"no JSON", "{", R"({"error":"unexpected end of JSON input"})"},
      {"an empty line", "", R"({"error":"unexpected end of JSON input"})"},
      {"no object", "[]", R"({"error":"the line is no object with a \"template\""})"},
      {"no template", "{}", R"({"error":"the line is no object with a \"template\""})"},
      {"a template that is no string", R"({"template":1})",
       R"({"error":"\"template\" is not a string"})"},
      {"an unknown missingkey", R"({"template":"","missingkey":"x"})",
       R"({"error":"missingkey is default, invalid, zero or error, not \"x\""})"},
  };
  std::string input;
  std::string want;
  for (const auto& c : cases) {
    EXPECT_EQ(runWith(lines(), c.line + std::string("\n")).out, c.answer + std::string("\n"))
        << c.what;
    input += c.line + std::string("\n");
    want += c.answer + std::string("\n");
  }
  EXPECT_EQ(runWith(lines(), input).out, want) << "all in one run, in order";
}

TEST(TemplateCommandTest, DelimitersCanBeOthers) {
  TemplateFlags flags = lines();
  flags.left = "{{";
  flags.right = "}}";
  EXPECT_EQ(runWith(flags, R"({"template":"{{ 1 }}{% 1 %}"})").out, "{\"output\":\"1{% 1 %}\"}\n");
}

TEST(TemplateCommandTest, AFileIsRenderedWithItsData) {
  TemplateFlags flags;
  flags.file = write("hello.tmpl", "Hello {% .name %}!\n");
  EXPECT_EQ(runWith(flags, "").out, "Hello <no value>!\n");
  flags.dataFile = write("data.yaml", "name: YAML\n");
  EXPECT_EQ(runWith(flags, "").out, "Hello YAML!\n");
  flags.dataFile = write("data.json", R"({"name": "JSON"})");
  EXPECT_EQ(runWith(flags, "").out, "Hello JSON!\n");
  flags.file = "-";
  EXPECT_EQ(runWith(flags, "{% .name %}").out, "JSON");
}

TEST(TemplateCommandTest, AnErrorShowsItsLine) {
  TemplateFlags flags;
  flags.file = write("bad.tmpl", "first\n\té {% fail \"no\" %}\n");
  const Outcome run = runWith(flags, "");
  EXPECT_EQ(run.status, 1);
  EXPECT_EQ(run.out, "");
  EXPECT_EQ(run.err,
            "template: bad.tmpl:2:7: executing \"bad.tmpl\" at <fail \"no\">: error calling fail: "
            "no\n  \té {% fail \"no\" %}\n  \t     ^\n");
  flags.file = write("unparsed.tmpl", "first\n{% x %}\n");
  EXPECT_EQ(runWith(flags, "").err,
            "template: unparsed.tmpl:2: function \"x\" not defined\n  {% x %}\n");
}

TEST(TemplateCommandTest, WhatCannotBeReadFails) {
  TemplateFlags flags;
  flags.file = ::testing::TempDir() + "/none";
  EXPECT_EQ(runWith(flags, "").status, 1);
  EXPECT_NE(runWith(flags, "").err, "");
  flags.file = "-";
  flags.dataFile = write("bad.yaml", "a: [");
  EXPECT_EQ(runWith(flags, "").status, 1);
  EXPECT_NE(runWith(flags, "").err.find("bad.yaml: yaml: "), std::string::npos);
}

TEST(TemplateCommandTest, FlagsThatDoNotFitAreUsageErrors) {
  EXPECT_EQ(runWith({}, "").status, 2);
  TemplateFlags both = lines();
  both.file = "-";
  EXPECT_EQ(runWith(both, "").status, 2);
  TemplateFlags data = lines();
  data.dataFile = "x";
  EXPECT_EQ(runWith(data, "").status, 2);
  TemplateFlags twice;
  twice.file = twice.dataFile = "-";
  EXPECT_EQ(runWith(twice, "").status, 2);
  TemplateFlags key = lines();
  key.missingKey = "x";
  EXPECT_EQ(runWith(key, "").status, 2);
}

}  // namespace
}  // namespace iop::cli
