#include "cli/convert_command.h"

#include <ostream>

#include "cli/manifests.h"
#include "kube/api/object.h"
#include "operator/api/convert.h"

namespace iop::cli {
namespace {

std::string nameOf(const Value& object) {
  std::string name = object["kind"].toString();
  if (const std::string key = kube::api::keyOf(object).print(); !key.empty()) name += " " + key;
  return name;
}

struct Converted {
  std::string yaml;
  std::string left;
};

Result<Converted> convertAll(const ConvertFlags& flags, std::istream& in) {
  Converted out;
  ASSIGN_OR_RETURN(const std::vector<ManifestFile> files, readManifests(flags.files, in));
  for (const ManifestFile& file : files) {
    ASSIGN_OR_RETURN(const std::vector<text::YamlDocument> documents, parseManifests(file));
    for (const text::YamlDocument& document : documents) {
      const operators::api::Conversion conversion = operators::api::convert(document.value);
      if (!out.yaml.empty()) out.yaml += "---\n";
      text::appendYaml(out.yaml, conversion.object);
      for (const std::string& left : conversion.left) {
        out.left += file.path + ":" + std::to_string(document.line) + ": " +
                    nameOf(document.value) + ": " + left + "\n";
      }
    }
  }
  return out;
}

}  // namespace

int runConvert(const ConvertFlags& flags, const Streams& streams) {
  const Result<Converted> converted = convertAll(flags, streams.in);
  if (!converted) {
    streams.err << converted.error().message << "\n";
    return 2;
  }
  streams.out << converted->yaml << std::flush;
  streams.err << converted->left;
  return converted->left.empty() && streams.out.good() ? 0 : 1;
}

}  // namespace iop::cli
