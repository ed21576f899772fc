#pragma once

// The classes of characters that Go's expressions know by name (\p{Greek}, \pL), for RE2, which
// knows fewer names of them: Go 1.25 takes names in any case, ignores spaces, underscores and
// hyphens, and knows long names ("Letter") and Any, ASCII, Assigned, Cn and LC. Scripts whose names
// have an underscore it does not find.
//
//   std::string out;
//   appendUnicodeClass(out, "uppercase letter", false, false)   // out is "\p{Lu}"

#include <string>
#include <string_view>

namespace iop::gotemplate::internal {

// Appends the class as RE2 takes it, within the brackets of a class or outside of them. False, and
// nothing appended, where Go knows no such name. Thread-safe.
bool appendUnicodeClass(std::string& out, std::string_view name, bool isNegated, bool isInBrackets);

}  // namespace iop::gotemplate::internal
