#pragma once

// Manifests from files, as commands with -f read them.
//
//   ASSIGN_OR_RETURN(const std::vector<ManifestFile> files, readManifests({"deploy/", "-"}, in));

#include <iosfwd>
#include <string>
#include <vector>

#include "base/result.h"
#include "text/yaml.h"

namespace iop::cli {

struct ManifestFile {
  std::string path;  // "-" for the input
  std::string text;
};

// The files of these paths, in their order; of a folder all *.yaml, *.yml and *.json in it and
// below, sorted; "-" is the input. Errors: BadRequest for what cannot be read, for a folder without
// any, and for a file of more than 16 MiB.
Result<std::vector<ManifestFile>> readManifests(const std::vector<std::string>& paths,
                                                std::istream& in);

// The objects of a file. Errors are put as "PATH: …".
Result<std::vector<text::YamlDocument>> parseManifests(const ManifestFile& file);

}  // namespace iop::cli
