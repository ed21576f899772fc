#include "operator/coupling/schema.h"

#include <gtest/gtest.h>

#include "text/yaml.h"

namespace iop::operators::coupling {
namespace {

using api::Side;

// What becomes of a plug's config {value: text} under the rules; empty if it is taken as it is.
std::string judge(const std::string& rules, const std::string& text) {
  const auto schema = Schema::parse(
      text::parseYaml("{config: {plug: {value: {" + rules + "}}}}").value(), "spec.interface");
  if (!schema) return schema.error().message;
  const Value values = Value::object({{"value", text}});
  const auto valid = schema->validate(Schema::Part::Config, Side::Plug, values);
  if (!valid) return valid.error().message;
  return *valid == values ? "" : "changed";
}

TEST(Schema, ATypeIsThatOfWhatJsonWritesSo) {
  struct Type {
    std::string name;
    std::vector<std::string> good, bad;
  };
  const std::vector<Type> types = {
      {"string", {"x", "5", "true", " "}, {}},
      {"integer",
       {"0", "-7", "5432"},
       {"5.0", "1e3", "05", "+5", "0x10", " 5", "5 ", "\n5", "5\n", "\t5", "true", "\"5\"", "x",
        "5,0", "--5", "-"}},
      {"number",
       {"0", "-7", "1.5", "-0.25", "1e3", "2.5E-3"},
       {".5", "1.", "01", "+1", "NaN", "Infinity", "1,5", "1e", " 1", "1\n", "true", "\"1\""}},
      {"boolean",
       {"true", "false"},
       {"True", "FALSE", "yes", "on", "0", "1", " true", "true\n", "\"true\""}}};
  for (const Type& type : types) {
    for (const std::string& text : type.good) {
      EXPECT_EQ(judge("type: " + type.name, text), "") << type.name << " takes '" << text << "'";
    }
    for (const std::string& text : type.bad) {
      EXPECT_EQ(judge("type: " + type.name, text), "plug config property 'value' must be of type " +
                                                       type.name + ", but is \"" + text + "\"");
    }
  }
}

TEST(Schema, APatternMayMatchAnywhereUnlessItIsAnchored) {
  EXPECT_EQ(judge("pattern: b", "abc"), "");
  EXPECT_EQ(judge("pattern: '^b'", "abc"),
            "plug config property 'value' must match ^b, but is \"abc\"");
  EXPECT_EQ(judge("pattern: 'b$'", "abc"),
            "plug config property 'value' must match b$, but is \"abc\"");
  EXPECT_EQ(judge("pattern: d", "abc"),
            "plug config property 'value' must match d, but is \"abc\"");
}

}  // namespace
}  // namespace iop::operators::coupling
