#pragma once

// What metadata of any object must be (apimachinery, pkg/api/validation/objectmeta.go).
//
//   FieldErrors errors = validateMetadata(object, Strategy::NameRule::Subdomain, true, old);
//
// Pure; thread-safe.

#include <string>
#include <string_view>
#include <vector>

#include "apiserver/kinds/strategy.h"
#include "value/value.h"

namespace iop::apiserver::kinds {

// Name and generateName by `rule`, namespace, generation, labels, annotations (256 KiB), finalizers
// and ownerReferences; managedFields are not judged. For an update (`old` not null) also what may
// not change: finalizers that are added to an object that is being deleted.
FieldErrors validateMetadata(const Value& object, Strategy::NameRule rule, bool namespaced,
                             const Value* old);

// What is wrong with a name; empty: nothing. `isPrefix` for a generateName, which may end with a
// dash.
std::vector<std::string> checkName(std::string_view name, Strategy::NameRule rule, bool isPrefix);

// Labels and annotations of metadata that is part of another object, as of a pod's template, below
// `path` ("spec.template").
FieldErrors validateTemplateMetadata(const Value& metadata, std::string_view path);

}  // namespace iop::apiserver::kinds
