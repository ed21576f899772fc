#include "cli/manifests.h"

#include <algorithm>
#include <filesystem>
#include <istream>
#include <iterator>

#include "base/file.h"

namespace iop::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostBytes = 16u << 20;

bool isManifest(const fs::path& path) {
  const std::string extension = path.extension().string();
  return extension == ".yaml" || extension == ".yml" || extension == ".json";
}

Result<std::vector<std::string>> filesBelow(const std::string& folder) {
  std::vector<std::string> found;
  std::error_code error;
  for (fs::recursive_directory_iterator at(folder, error), end; !error && at != end;
       at.increment(error)) {
    if (at->is_regular_file(error) && isManifest(at->path())) found.push_back(at->path().string());
  }
  if (error) return fail(Code::BadRequest, "read '" + folder + "': " + error.message());
  if (found.empty())
    return fail(Code::BadRequest, "'" + folder + "' has no *.yaml, *.yml or *.json");
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace

Result<std::vector<ManifestFile>> readManifests(const std::vector<std::string>& paths,
                                                std::istream& in) {
  std::vector<ManifestFile> files;
  for (const std::string& path : paths) {
    if (path == "-") {
      files.push_back({path, std::string(std::istreambuf_iterator<char>(in), {})});
      continue;
    }
    std::vector<std::string> names{path};
    std::error_code error;
    if (fs::is_directory(path, error)) {
      ASSIGN_OR_RETURN(names, filesBelow(path));
    }
    for (std::string& name : names) {
      ASSIGN_OR_RETURN(std::string text, base::readFile(name));
      files.push_back({std::move(name), std::move(text)});
    }
  }
  for (const ManifestFile& file : files) {
    if (file.text.size() > kMostBytes)
      return fail(Code::BadRequest, file.path + ": a manifest of more than 16 MiB");
  }
  return files;
}

Result<std::vector<text::YamlDocument>> parseManifests(const ManifestFile& file) {
  ASSIGN_OR_RETURN(auto documents,
                   text::parseYamlDocuments(file.text).map_error(addContext(file.path)));
  for (const text::YamlDocument& document : documents) {
    if (!document.more) continue;
    return fail(Code::BadRequest, file.path + ":" + std::to_string(document.line) +
                                      ": more than one document stands here; separate them by "
                                      "lines with \"---\"");
  }
  return documents;
}

}  // namespace iop::cli
