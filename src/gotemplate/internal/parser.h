#pragma once

// From source to parse tree (text/template/parse's grammar and messages).
//
//   ASSIGN_OR_RETURN(std::shared_ptr<const Program> program, parseProgram("{% .a %}", {}));
//
// Pure, safe on any thread. Memory is linear in the source; nesting is bounded (template.h).

#include <memory>
#include <string_view>

#include "base/result.h"
#include "gotemplate/internal/nodes.h"
#include "gotemplate/template.h"

namespace iop::gotemplate::internal {

Result<std::shared_ptr<const Program>> parseProgram(std::string_view text,
                                                    const ParseOptions& options);

}  // namespace iop::gotemplate::internal
