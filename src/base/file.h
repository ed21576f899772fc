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

// Writes a file that only its owner can read, whole or not at all (through a draft beside it).
// Makes the folder, if there is none. Error: BadRequest ("write '/x': permission denied").
Status writePrivateFile(const std::string& path, const std::string& text);

}  // namespace iop::base
