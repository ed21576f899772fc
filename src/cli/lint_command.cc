#include "cli/lint_command.h"

#include <map>
#include <ostream>

#include "cli/manifests.h"
#include "kube/api/object.h"
#include "operator/coupling/lint.h"

namespace iop::cli {
namespace {

using operators::coupling::Finding;

struct Origin {
  std::size_t file;
  int line;          // of the document
  std::string path;  // of the object in it: "items[3]." in a List
};

struct Objects {
  std::vector<ManifestFile> files;
  std::vector<Value> objects;
  std::vector<Origin> origins;  // of each object

  void add(const Value& object, const Origin& origin) {
    if (object["kind"].asString() != "List") {
      objects.push_back(object);
      origins.push_back(origin);
      return;
    }
    for (std::size_t i = 0; i < object["items"].size(); ++i) {
      add(object["items"].at(i),
          {origin.file, origin.line, origin.path + "items[" + std::to_string(i) + "]."});
    }
  }
};

Result<Objects> readObjects(const LintFlags& flags, std::istream& in) {
  Objects all;
  ASSIGN_OR_RETURN(all.files, readManifests(flags.files, in));
  for (std::size_t i = 0; i < all.files.size(); ++i) {
    ASSIGN_OR_RETURN(const std::vector<text::YamlDocument> documents, parseManifests(all.files[i]));
    for (const text::YamlDocument& document : documents)
      all.add(document.value, {i, document.line, {}});
  }
  return all;
}

}  // namespace

int runLint(const LintFlags& flags, const Streams& streams) {
  const Result<Objects> all = readObjects(flags, streams.in);
  if (!all) {
    streams.err << all.error().message << "\n";
    return 2;
  }
  std::map<std::pair<std::size_t, int>, text::YamlPlaces> places;  // by file and document
  const std::vector<Finding> findings = operators::coupling::lint(all->objects);
  for (const Finding& finding : findings) {
    const Origin& origin = all->origins[finding.object];
    const ManifestFile& file = all->files[origin.file];
    auto at = places.find({origin.file, origin.line});
    if (at == places.end()) {
      Result<text::YamlPlaces> read = text::YamlPlaces::of(file.text, origin.line);
      ASSERT(read);  // the same text was read before
      at = places.emplace(std::pair(origin.file, origin.line), std::move(*read)).first;
    }
    const std::string path = origin.path + finding.path;
    const text::YamlPlace place = finding.lines > 0 || finding.bytes > 0
                                      ? at->second.find(path, finding.lines, finding.bytes)
                                      : at->second.find(path);
    const Value& object = all->objects[finding.object];
    streams.out << file.path << ":" << place.line << ":" << place.column << ": "
                << object["kind"].asString() << " " << kube::api::keyOf(object).print() << ": "
                << path << ": " << finding.message << "\n";
  }
  streams.out << std::flush;
  return findings.empty() && streams.out.good() ? 0 : 1;
}

}  // namespace iop::cli
