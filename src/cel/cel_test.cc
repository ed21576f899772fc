#include "cel/cel.h"

#include <gtest/gtest.h>

namespace iop::cel {
namespace {

TEST(Cel, AnExpressionOfLiteralsHasAValue) {
  const auto program = Program::compile("1 + 2 == 3", {});
  ASSERT_TRUE(program.has_value());
  EXPECT_EQ(program->evaluate({}, {}).value(), Value(true));
}

}  // namespace
}  // namespace iop::cel
