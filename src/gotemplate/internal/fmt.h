#pragma once

// Go's package fmt for the values of templates.
//
//   appendValue(runtime, out, value);                        // %v
//   appendFormatted(runtime, out, "%05d|%q", arguments);     // 00042|"x"
//
// What is written is charged to the execution's budget; neither a width nor a value that contains
// itself can make more than Limits allows. %p of a list, map or pointer is treated as a bad verb:
// addresses are nobody's business.

#include <span>
#include <string>
#include <string_view>

#include "gotemplate/internal/any.h"
#include "gotemplate/internal/runtime.h"

namespace iop::gotemplate::internal {

// As fmt.Sprint, Sprintln and Sprintf write their arguments.
void appendValue(Runtime& runtime, std::string& out, const Any& value);
void appendPrint(Runtime& runtime, std::string& out, std::span<const Any> values);
void appendPrintLine(Runtime& runtime, std::string& out, std::span<const Any> values);
void appendFormatted(Runtime& runtime, std::string& out, std::string_view format,
                     std::span<const Any> arguments);

// One value by one verb without flags: 's' for %s.
std::string formatValue(Runtime& runtime, const Any& value, char verb);

}  // namespace iop::gotemplate::internal
