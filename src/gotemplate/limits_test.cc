// The bounds of an execution: each ends it with an error that names it, and hostile templates meet
// one. What they cost is measured in template_bench.

#include <gtest/gtest.h>

#include "gotemplate/hostile_templates.h"
#include "gotemplate/template.h"
#include "value/value.h"

namespace iop::gotemplate {
namespace {

std::string errorOf(const std::string& text, const Limits& limits = {}) {
  const Result<std::string> output = render(text, Value::object(), limits);
  return output ? "no error" : output.error().message;
}

TEST(Limits, EachIsSettableAndNamedByItsError) {
  const struct {
    const char* text;
    Limits limits;
    const char* error;
  } cases[] = {
      {"{% range until 200 %}x{% end %}", {.steps = 100}, "exceeded the limit of 100 steps"},
      {"0123456789{% 1 %}", {.outputBytes = 9}, "exceeded the limit of 9 bytes of output"},
      {R"({% define "a" %}{% template "a" %}{% end %}{% template "a" %})",
       {.templateDepth = 7},
       "exceeded maximum template depth (7)"},
      {R"({% dict "a" (dict "b" (dict "c" 1)) | toJson %})",
       {.valueDepth = 2},
       "exceeded the limit of 2 levels of nested values"},
      {R"({% repeat 11 "x" %})",
       {.valueBytes = 10},
       "exceeded the limit of 10 bytes for one value"},
      {R"({% $l := list %}{% range until 1000 %}{% $l = append $l (repeat 1000 "x") %}{% end %})",
       {.memoryBytes = 100'000},
       "exceeded the limit of 100000 bytes of memory"},
      {"{% range until 100000 %}{% range until 100000 %}{% end %}{% end %}",
       {.steps = 1u << 30, .wallTime = std::chrono::milliseconds(1)},
       "exceeded the limit of 1 ms of wall time"},
  };
  for (const auto& c : cases) {
    EXPECT_NE(errorOf(c.text, c.limits).find(c.error), std::string::npos)
        << c.text << "\n"
        << errorOf(c.text, c.limits);
    EXPECT_EQ(render(c.text, Value::object(), c.limits).error().code,
              c.limits.wallTime.count() == 1                         ? Code::Timeout
              : std::string(c.error).starts_with("exceeded maximum") ? Code::Invalid
                                                                     : Code::RequestEntityTooLarge)
        << c.text;
  }
}

TEST(Limits, HostileTemplatesMeetOne) {
  for (const HostileTemplate& hostile : hostileTemplates()) {
    const std::string error = errorOf(hostile.text);
    if (hostile.bound.empty()) {
      EXPECT_EQ(error, "no error") << hostile.name;
    } else {
      EXPECT_NE(error.find(hostile.bound), std::string::npos)
          << hostile.name << ": " << error.substr(0, 300);
    }
  }
}

}  // namespace
}  // namespace iop::gotemplate
