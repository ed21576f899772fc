#pragma once

// `integration-operator template`: Go templates from the command line.
//
//   TemplateFlags flags;
//   flags.file = "job.yaml.tmpl";
//   flags.dataFile = "values.yaml";
//   return runTemplate(flags, {std::cin, std::cout, std::cerr});
//
// With `jsonl` each line of the input, {"template", "data", "name"?, "missingkey"?}, is answered in
// order by one line, {"output"} or {"error"} ({"output_b64"} or {"error_b64"} where the text is not
// UTF-8). A line that is none is answered with an error, too, and the next one is read.

#include <string>
#include <string_view>

#include "cli/streams.h"

namespace iop::cli {

struct TemplateFlags {
  bool jsonl = false;
  // The template to render without `jsonl`; "-" is the input.
  std::string file;
  // JSON or YAML; empty: the root is nil. "-" is the input.
  std::string dataFile;
  std::string left = "{%";
  std::string right = "%}";
  std::string missingKey =
      "default";  // default, invalid, zero or error; of jsonl, if a line has none
};

// Returns the exit status: 0 success, 1 where a template fails, 2 for flags that do not fit.
int runTemplate(const TemplateFlags& flags, const Streams& streams);

// The line of the template that an error of Go's form ("template: NAME:LINE:COLUMN: …") is about,
// and a caret below the column where there is one. Empty where the error names no line of the text.
std::string excerptOf(std::string_view text, std::string_view name, std::string_view error);

}  // namespace iop::cli
