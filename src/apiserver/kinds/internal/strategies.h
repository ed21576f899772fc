#pragma once

// The strategies of all kinds, by the files that define them.

#include "apiserver/kinds/strategy.h"

namespace iop::apiserver::kinds::internal {

// core_config.cc
extern const Strategy kConfigMaps, kSecrets, kServiceAccounts, kNamespaces, kResourceQuotas,
    kLimitRanges;
// core_service.cc
extern const Strategy kServices;
// core_endpoints.cc
extern const Strategy kEndpoints, kEndpointSlices;
// core_pod.cc
extern const Strategy kPods, kPodTemplates;
// apps.cc
extern const Strategy kDeployments, kReplicaSets, kStatefulSets, kDaemonSets, kControllerRevisions,
    kReplicationControllers;
// batch.cc
extern const Strategy kJobs, kCronJobs;
// networking.cc
extern const Strategy kIngresses, kIngressClasses, kNetworkPolicies;
// rbac.cc
extern const Strategy kRoles, kClusterRoles, kRoleBindings, kClusterRoleBindings;
// policy_autoscaling.cc
extern const Strategy kPodDisruptionBudgets, kHorizontalPodAutoscalers;
// storage_scheduling.cc
extern const Strategy kPersistentVolumes, kPersistentVolumeClaims, kStorageClasses,
    kPriorityClasses;
// events_leases.cc
extern const Strategy kEvents, kLeases;
// admission.cc
extern const Strategy kValidatingAdmissionPolicies, kValidatingAdmissionPolicyBindings;
// crd.cc
extern const Strategy kCustomResourceDefinitions;

}  // namespace iop::apiserver::kinds::internal
