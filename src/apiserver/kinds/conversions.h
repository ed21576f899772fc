#pragma once

// Built-in objects that the API serves in two versions, each as the other (Kubernetes'
// pkg/apis/*/v1/conversion.go). What one of them cannot say is kept in annotations, as there.
//
//   Value event = toEventsEvent(stored);       // events.k8s.io/v1
//   Value stored = toCoreEvent(event);         // v1
//
// An object of the wanted version is returned as it is. Pure; thread-safe.

#include "value/value.h"

namespace iop::apiserver::kinds {

// events.k8s.io/v1 Event of a v1 Event, and back. Nothing is lost.
Value toEventsEvent(const Value& coreEvent);
Value toCoreEvent(const Value& eventsEvent);

// autoscaling/v1 HorizontalPodAutoscaler of an autoscaling/v2 one, and back. Other metrics than the
// utilization of the CPU, behavior and conditions are annotations in v1.
Value toAutoscalingV1(const Value& autoscaler);
Value toAutoscalingV2(const Value& autoscaler);

}  // namespace iop::apiserver::kinds
