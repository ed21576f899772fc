#pragma once

// Values of templates as JSON (encoding/json's Marshal).
//
//   Result<std::string> text = printAnyJson(runtime, value, {.escapesHtml = true});
//
// Errors are Go's: "json: unsupported type: complex128", "json: unsupported value: NaN", "json:
// unsupported value: encountered a cycle via map[string]interface {}".

#include <string>

#include "base/result.h"
#include "gotemplate/internal/any.h"
#include "gotemplate/internal/runtime.h"

namespace iop::gotemplate::internal {

struct AnyJsonOptions {
  bool escapesHtml = true;
  bool isIndented = false;  // by two spaces
};

Result<std::string> printAnyJson(Runtime& runtime, const Any& value, const AnyJsonOptions& options);

}  // namespace iop::gotemplate::internal
