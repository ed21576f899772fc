#include "apiserver/internal/selection.h"

#include <algorithm>

#include "kube/api/object.h"
#include "value/path.h"

namespace iop::apiserver {
namespace {

// The value of a selectable field of a custom resource (a simple JSONPath such as ".spec.color").
std::string customFieldValue(const Value& object, std::string_view label) {
  const Value* at = &object;
  while (!label.empty()) {
    const std::size_t dot = std::min(label.find('.'), label.size());
    at = &(*at)[label.substr(0, dot)];
    label.remove_prefix(std::min(dot + 1, label.size()));
  }
  if (at->isString()) return at->toString();
  if (at->isBool()) return at->asBool() ? "true" : "false";
  if (at->isInt()) return std::to_string(at->asInt());
  return {};
}

}  // namespace

Answer<Selection> Selection::of(const Kind& kind, const QueryParameters& query) {
  Selection out;
  out.kind_ = &kind;
  auto labels = LabelSelector::parse(findParameter(query, "labelSelector").value_or(""));
  if (!labels) return tl::unexpected(badRequest(labels.error().message));
  out.labels_ = std::move(*labels);
  auto fields = parseFieldSelector(findParameter(query, "fieldSelector").value_or(""));
  if (!fields) return tl::unexpected(badRequest(fields.error().message));
  const auto known = kinds::fieldLabelsOf(kind.resource.group, kind.resource.plural);
  for (FieldTerm& term : *fields) {
    const bool ofMetadata = term.label == "metadata.name" || term.label == "metadata.namespace";
    const bool ofCrd = std::find(kind.selectableFields.begin(), kind.selectableFields.end(),
                                 "." + term.label) != kind.selectableFields.end();
    if (!ofMetadata && !ofCrd && std::find(known.begin(), known.end(), term.label) == known.end()) {
      return tl::unexpected(badRequest(
          kind.custom || known.empty()
              ? (kind.custom ? "field label not supported: " + term.label
                             : "\"" + term.label +
                                   "\" is not a known field selector: only \"metadata.name\", "
                                   "\"metadata.namespace\"")
              : "field label not supported: " + term.label));
    }
    if (term.label == "metadata.name" && !term.negated) out.name_ = term.value;
  }
  out.fields_ = std::move(*fields);
  return out;
}

bool Selection::matches(const Value& object) const {
  for (const FieldTerm& term : fields_) {
    std::string value;
    if (term.label == "metadata.name") {
      value = kube::api::nameOf(object);
    } else if (term.label == "metadata.namespace") {
      value = kube::api::namespaceOf(object);
    } else if (kind_->custom) {
      value = customFieldValue(object, term.label);
    } else {
      value =
          kinds::fieldLabelValue(object, kind_->resource.group, kind_->resource.plural, term.label);
    }
    if ((value == term.value) == term.negated) return false;
  }
  return labels_.matches(object["metadata"]["labels"]);
}

}  // namespace iop::apiserver
