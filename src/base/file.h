#pragma once

// Whole files.
//
//   ASSIGN_OR_RETURN(std::string token, readFile("/var/run/secrets/token"));

#include <string>

#include "base/result.h"

namespace iop::base {

// Errors: NotFound where there is no such file, BadRequest where it cannot be read ("read '/x':
// permission denied").
Result<std::string> readFile(const std::string& path);

}  // namespace iop::base
