#include "operator/api/crds.h"

#include "operator/api/crds_data.h"
#include "text/yaml.h"

namespace iop::operators::api {

const std::vector<Value>& crds() {
  static const std::vector<Value> parsed = [] {
    std::vector<Value> out;
    for (const std::string_view yaml : kCrdTexts) {
      Result<Value> crd = text::parseYaml(yaml);
      ASSERT(crd);
      out.push_back(std::move(*crd));
    }
    return out;
  }();
  return parsed;
}

const Value* findCrdSchema(std::string_view kind) {
  for (const Value& crd : crds()) {
    if (crd["spec"]["names"]["kind"].asString() == kind)
      return &crd["spec"]["versions"].at(0)["schema"]["openAPIV3Schema"];
  }
  return nullptr;
}

}  // namespace iop::operators::api
