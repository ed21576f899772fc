// Runs the recorded answers of real Go templates, ../shared/templates/vectors.jsonl of the
// project's workspace
// ($IOP_SHARED names another place).

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "gotemplate/internal/encoding.h"
#include "gotemplate/template.h"
#include "text/json.h"

namespace iop::gotemplate {
namespace {

// A difference is printed in full for so many vectors.
constexpr int kMostReports = 60;

std::string vectorsPath() {
  const char* shared = std::getenv("IOP_SHARED");
  const std::string root = shared != nullptr ? shared : std::string(IOP_SOURCE_DIR) + "/../shared";
  return root + "/templates/vectors.jsonl";
}

struct Answer {
  bool isError = false;
  std::string text;

  friend bool operator==(const Answer&, const Answer&) = default;
};

Answer expectedOf(const Value& vector) {
  for (const char* key : {"output", "error"}) {
    const bool isError = std::string_view(key) == "error";
    if (const Value* text = vector.find(key); text != nullptr) return {isError, text->toString()};
    if (const Value* text = vector.find(std::string(key) + "_b64"); text != nullptr) {
      return {isError, internal::decodeBase64(text->asString()).value()};
    }
  }
  ADD_FAILURE() << "vector " << vector["id"].asInt() << " has neither output nor error";
  return {};
}

MissingKey missingKeyOf(const Value& vector) {
  const std::string_view option = vector["missingkey"].asString();
  if (option == "zero") return MissingKey::Zero;
  if (option == "error") return MissingKey::Error;
  return MissingKey::Default;
}

Answer actualOf(const Value& vector) {
  ParseOptions options;
  options.name = vector["name"].asString();
  options.missingKey = missingKeyOf(vector);
  const Result<Template> parsed = Template::parse(vector["template"].asString(), options);
  if (!parsed) return {true, parsed.error().message};
  const Result<std::string> output = parsed->execute(vector["data"]);
  if (!output) return {true, output.error().message};
  return {false, *output};
}

std::string quoted(std::string_view text) {
  std::string out;
  text::appendJsonString(out, text, false);
  return out;
}

TEST(Vectors, AnswersAreThoseOfRealGo) {
  // The recorded answers were given in UTC.
  setenv("TZ", "UTC", 1);
  std::ifstream file(vectorsPath());
  if (!file)
    GTEST_SKIP() << "NOT RUN: there is no " << vectorsPath()
                 << "; set IOP_SHARED to the folder of shared files";
  int count = 0;
  int reports = 0;
  std::map<std::string, std::pair<int, int>, std::less<>> groups;  // passed, failed
  for (std::string line; std::getline(file, line);) {
    const Result<Value> vector = text::parseJson(line, {.numbers = text::JsonNumbers::Double});
    ASSERT_TRUE(vector) << vector.error().message << ": " << line;
    ++count;
    const Answer expected = expectedOf(*vector);
    const Answer actual = actualOf(*vector);
    auto& [passed, failed] = groups[(*vector)["group"].toString()];
    if (actual == expected) {
      ++passed;
      continue;
    }
    ++failed;
    if (++reports > kMostReports) continue;
    ADD_FAILURE() << (*vector)["group"].asString() << " #" << (*vector)["id"].asDouble() << ": "
                  << quoted((*vector)["template"].asString()) << "\n  expected "
                  << (expected.isError ? "error " : "") << quoted(expected.text) << "\n  got      "
                  << (actual.isError ? "error " : "") << quoted(actual.text);
  }
  int failures = 0;
  for (const auto& [group, result] : groups) {
    failures += result.second;
    if (result.second > 0)
      std::printf("%s: %d of %d differ\n", group.c_str(), result.second,
                  result.first + result.second);
  }
  EXPECT_GT(count, 0) << vectorsPath() << " is empty";
  EXPECT_EQ(failures, 0) << "of " << count << " vectors";
}

}  // namespace
}  // namespace iop::gotemplate
