// docs/template-functions.md is written from the table of functions; `make golden` writes it anew.

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include "gotemplate/template.h"

namespace iop::gotemplate {
namespace {

// The result is what stands behind the parenthesis that closes the first one.
std::size_t endOfParameters(std::string_view signature) {
  int depth = 0;
  for (std::size_t i = 0; i < signature.size(); ++i) {
    if (signature[i] == '(') ++depth;
    if (signature[i] == ')' && --depth == 0) return i + 1;
  }
  return signature.size();
}

std::string printReference() {
  std::string out =
      "# Functions of templates\n\n"
      "Written from the table of functions (`make golden`). `...` stands for any number of such\n"
      "arguments. See [templates.md](templates.md) for the language.\n\n"
      "| function | group | parameters | result |\n| --- | --- | --- | --- |\n";
  for (const FunctionInfo& function : listFunctions()) {
    const std::string_view signature = function.signature;
    const std::size_t end = endOfParameters(signature);
    std::string_view result = signature.substr(end);
    if (result.starts_with(' ')) result.remove_prefix(1);
    out += "| `" + std::string(function.name) + "` | " + std::string(function.group) + " | `" +
           std::string(signature.substr(0, end)) + "` | `" + std::string(result) + "` |\n";
  }
  return out;
}

TEST(ReferenceTest, IsThatOfTheTable) {
  const std::string path = std::string(IOP_SOURCE_DIR) + "/docs/template-functions.md";
  const std::string want = printReference();
  if (std::getenv("IOP_GOLDEN") != nullptr) {
    std::ofstream(path) << want;
    return;
  }
  std::ostringstream written;
  written << std::ifstream(path).rdbuf();
  EXPECT_EQ(written.str(), want) << path << " is not current: make golden";
}

TEST(ReferenceTest, EachFunctionHasAGroupAndAResult) {
  const std::vector<FunctionInfo> functions = listFunctions();
  EXPECT_GT(functions.size(), 100u);
  for (const FunctionInfo& function : functions) {
    EXPECT_FALSE(function.group.empty()) << function.name;
    EXPECT_LT(endOfParameters(function.signature), function.signature.size()) << function.name;
  }
}

}  // namespace
}  // namespace iop::gotemplate
