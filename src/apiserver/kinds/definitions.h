#pragma once

// What is known of the built-in kinds: kubernetes.json.gz, which scripts/record-kubernetes-api
// records from a real kube-apiserver and the program carries inside.
//
//   for (const Value& entry : resources().items()) …    // {"name": "pods", "kind": "Pod", …}
//   const Value& pod = schemas()["io.k8s.api.core.v1.Pod"];
//
// Each part is read when it is asked for first, and stays until the program ends. Thread-safe.

#include "value/value.h"

namespace iop::apiserver::kinds {

// APIResource objects of discovery, with "servedGroup" and "servedVersion"; subresources, too.
const Value& resources();

// `components.schemas` of OpenAPI v3, by name.
const Value& schemas();

// "major", "minor" and "gitVersion".
const Value& serverVersion();

}  // namespace iop::apiserver::kinds
