#pragma once

// What differs between two trees, for people: the lines of their YAML, in the style of diff -u.
//
//   diffAsYaml(expected, actual)
//     --- expected
//     +++ actual
//     @@ -1,3 +1,3 @@
//      metadata:
//     -  name: web-0
//     +  name: web-1
//        namespace: app
//
// For test failures and `--diff` output. An Int and a Double of the same value print alike, so the
// text may be only its header where == says no. Beyond 2,000 differing lines all lines are shown.
// Pure; thread-safe.

#include <string>
#include <string_view>

#include "value/value.h"

namespace iop::text {

struct DiffOptions {
  std::string_view from = "expected";
  std::string_view to = "actual";
  int context = 3;  // equal lines around each difference
};

// Empty where both are equal.
std::string diffAsYaml(const Value& from, const Value& to, const DiffOptions& options = {});
// The same for two texts.
std::string diffLines(std::string_view from, std::string_view to, const DiffOptions& options = {});

}  // namespace iop::text
