#pragma once

// Pods and their templates, which all workload kinds share (pkg/apis/core/v1/defaults.go,
// pkg/apis/core/validation/validation.go). Pure.

#include <string_view>

#include "apiserver/kinds/internal/checks.h"
#include "value/value.h"

namespace iop::apiserver::kinds::internal {

// Of a pod's spec; `isTemplate` for those within another object.
void applyPodSpecDefaults(Value& spec, bool isTemplate);
// Of a template ("spec.template"): its metadata and spec are made if absent.
void applyPodTemplateDefaults(Value& podTemplate);
// Of a PersistentVolumeClaim's spec, also in templates.
void applyClaimSpecDefaults(Value& spec);

void checkPodSpec(Errors& errors, const Path& path, const Value& spec);
void checkPodTemplate(Errors& errors, const Path& path, const Value& podTemplate);
// The spec's volumes; `checkPodSpec` calls it.
void checkVolumes(Errors& errors, const Path& path, const Value& volumes);
void checkContainers(Errors& errors, const Path& path, const Value& spec);
// Affinity, tolerations, topology: where pods go.
void checkScheduling(Errors& errors, const Path& path, const Value& spec);
void checkClaimSpec(Errors& errors, const Path& path, const Value& spec);
// One entry of a map of resources.
void checkContainerResourceName(Errors& errors, const Path& path, std::string_view name);
void checkResourceName(Errors& errors, const Path& path, std::string_view name);

// "Guaranteed", "Burstable" or "BestEffort".
std::string_view qosClassOf(const Value& spec);

}  // namespace iop::apiserver::kinds::internal
