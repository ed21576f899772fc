#include "gotemplate/internal/decimal.h"

#include <gtest/gtest.h>

#include <limits>

namespace iop::gotemplate::internal {
namespace {

constexpr double kInfinite = std::numeric_limits<double>::infinity();

TEST(DecimalTest, ComputesInDecimals) {
  const struct {
    DecimalOperator op;
    std::vector<double> operands;
    double want;
  } cases[] = {
      {DecimalOperator::Add, {0.1, 0.2}, 0.3},
      {DecimalOperator::Add, {1e+308, 1e-308, -1e+308}, 1e-308},
      {DecimalOperator::Add, {1.5}, 1.5},
      {DecimalOperator::Subtract, {0.3, 0.1}, 0.2},
      {DecimalOperator::Subtract, {1.0, 1.0}, 0.0},
      {DecimalOperator::Multiply, {1.1, 1.1}, 1.21},
      {DecimalOperator::Multiply, {1e+200, 1e+200}, kInfinite},
      {DecimalOperator::Multiply, {1e-200, 1e-200}, 0.0},
      {DecimalOperator::Divide, {1.0, 3.0}, 0.3333333333333333},
      {DecimalOperator::Divide, {2.0, 3.0}, 0.6666666666666667},
      {DecimalOperator::Divide, {-2.0, 3.0}, -0.6666666666666667},
      {DecimalOperator::Divide, {10.0, 4.0, 2.0}, 1.25},
      {DecimalOperator::Divide, {1e-17, 1.0}, 0.0},
      {DecimalOperator::Divide, {5e-17, 1.0}, 1e-16},
      {DecimalOperator::Divide, {1.0, 1e-300}, 1e+300},
      {DecimalOperator::Multiply, {0.0, -5.0}, 0.0},
  };
  for (const auto& c : cases) {
    const std::span<const double> rest = std::span(c.operands).subspan(1);
    EXPECT_EQ(foldDecimals(c.op, c.operands[0], rest).value(), c.want) << c.operands[0];
  }
}

TEST(DecimalTest, RefusesWhatIsNoDecimal) {
  EXPECT_EQ(foldDecimals(DecimalOperator::Divide, 1, {0}).error().message, "decimal division by 0");
  EXPECT_EQ(foldDecimals(DecimalOperator::Add, kInfinite, {}).error().message,
            "Cannot create a Decimal from +Inf");
  EXPECT_EQ(foldDecimals(DecimalOperator::Add, 0, {-kInfinite}).error().message,
            "Cannot create a Decimal from -Inf");
  EXPECT_EQ(foldDecimals(DecimalOperator::Add, 0, {std::numeric_limits<double>::quiet_NaN()})
                .error()
                .message,
            "Cannot create a Decimal from NaN");
}

TEST(DecimalTest, RoundsAtAPlace) {
  const struct {
    double value;
    std::int64_t places;
    double threshold;
    double want;
  } cases[] = {
      {123.5555, 3, 0.5, 123.556},  {-1.5, 0, 0.5, -2.0}, {-123.5555, 2, 0.5, -123.56},
      {123.4999, 0, 0.3, 124.0},    {2.5, 0, 0.5, 3.0},   {1234.0, -2, 0.5, 1200.0},
      {1e+300, 10, 0.5, kInfinite}, {1.005, 2, 0.5, 1.0}, {0.1, 23, 0.5, 0.1},
      {5.0, 0, 0.0, 5.0},
  };
  for (const auto& c : cases) EXPECT_EQ(roundTo(c.value, c.places, c.threshold), c.want) << c.value;
}

}  // namespace
}  // namespace iop::gotemplate::internal
