#pragma once

// What is to be done for a DeferredResource: a pure function, as for plugs and sockets.
//
//   DeferredPlan plan = decideDeferred(snapshot);
//   while (!plan.needs.empty()) { fetch(plan.needs, snapshot); plan = decideDeferred(snapshot); }
//
// Its life: the finalizer; a wait for `spec.timeout` seconds since its creation and for all of
// `spec.waitFor`; the apply of `spec.resource` with its own service account. What was applied is
// named in the status, by which it is removed when the DeferredResource is deleted or names another
// object. Once applied, it is applied again only when the spec changes.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "operator/api/names.h"
#include "operator/coupling/snapshot.h"
#include "value/value.h"

namespace iop::operators::coupling {

struct DeferredSnapshot {
  Value object;
  std::map<InputRef, Result<Value>> contents;
  std::map<GroupVersionKind, Result<kube::api::Resource>> resources;
  base::Time now;
};

struct DeferredPlan {
  enum class Step {
    Rest,          // nothing until something changes, or `requeueAfter` is over
    AddFinalizer,  // then decide again
    Apply,         // `resource` and `object`, after `stale` was removed
    Remove,        // `stale`, then the finalizer
  };
  Needs needs;  // if not empty, nothing else is set
  Step step = Step::Rest;
  kube::api::Resource resource;
  Value object;
  // What was applied before and is to go; no kind: nothing.
  kube::api::ObjectRef stale;
  std::string user;
  // What the conditions say where there is nothing to do but to wait.
  api::DeferredReason reason = api::DeferredReason::Pending;
  std::string message;
  std::optional<base::Duration> requeueAfter;
  std::vector<InputRef> watched;  // changes of them wake the DeferredResource
};

DeferredPlan decideDeferred(const DeferredSnapshot& snapshot);

// status.ownerReferences: what was applied.
Value printOwned(const kube::api::ObjectRef& object);

}  // namespace iop::operators::coupling
