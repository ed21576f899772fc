#pragma once

// A plan: what is to be done for a plug or a socket, as data. It prints as YAML (printPlan), which
// is what the golden tests compare and what a dry run shows.
//
// Flow: the actions are done in order; each leaves its mark in the status (`mark`), which is
// written where a WriteStatus action says so, and at the end if it differs from what is stored. The
// first failure ends it: what was marked so far and the failure are recorded by reportFailure(). A
// plan with `again` asks for another decision on the resulting status.

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "operator/api/names.h"
#include "operator/api/spec.h"
#include "operator/coupling/lookup.h"
#include "operator/coupling/mask.h"
#include "operator/coupling/render.h"
#include "operator/coupling/snapshot.h"
#include "value/value.h"

namespace iop::operators::coupling {

struct AddFinalizer {};
struct RemoveFinalizer {};

// Deletes the plug itself, as ourselves: it is decoupled as any plug that is being deleted.
struct DeleteSelf {};

// The status as it is at this point is stored before anything else happens.
struct WriteStatus {};

// The end of the plan if the socket has gone, or has begun to, since the decision was made. Comes
// after the status says that the plug is attached: from then on the socket waits for it.
struct ConfirmSocket {};

// POST of an event to a side's apparatus.
struct Call {
  api::Side side;
  api::Event event;
  std::string url;
  Value body;
  std::string idempotencyKey;
};

// One object of a resource action: apply, delete or recreate it as `user`.
struct Effect {
  RenderedObject rendered;
  std::string user;
  bool inInventory = false;  // the UID that the API server gives goes into status.resources
  std::optional<api::Event> event = {};  // whose action it is; nothing: a result resource
};

// Removal of an object that the coupling made and that is not wanted any more.
struct Prune {
  api::InventoryEntry entry;
  std::string user;
};

// A Kubernetes event on one of the objects.
struct Notice {
  api::Side side;
  bool warning = false;
  std::string reason;
  std::string message;
};

// A change of the status at hand (conditions, progress, inventory).
struct Mark {
  enum class Kind {
    Created,    // the object's own `created` was delivered
    Delivered,  // `side` has taken the event
    Replace,    // everything; UIDs in the inventory which were learnt on the way stay
    Forget,     // the UID of `entry`: the object is about to be replaced by one with another UID
  };
  Kind kind;
  api::Side side = api::Side::Plug;
  Value status = {};
  api::InventoryEntry entry = {};
};

struct Action {
  std::variant<AddFinalizer, RemoveFinalizer, DeleteSelf, WriteStatus, ConfirmSocket, Call, Effect,
               Prune, Notice, Mark>
      what;
  // Whose doing it is: a failure is told with this side's name, and on both objects if it is the
  // socket.
  api::Side side = api::Side::Plug;
  // What is being attempted, for messages: "deliver coupled to the plug".
  std::string attempt;
};

struct Plan {
  Needs needs;  // if not empty, nothing else is set
  std::vector<Action> actions;
  // A failure of an action that time does not heal is told in a warning and does not end the plan
  // (teardown); with `force`, any failure.
  bool tolerant = false;
  bool force = false;
  // Decide again at once, on the status that this plan leaves.
  bool again = false;
  // What kept the decision from being made, to be retried with a back-off once the actions (a
  // condition) are done.
  std::optional<Error> failure;
  std::optional<base::Duration> requeueAfter;
  // Objects other than the plug and socket that this decision read: changes of them wake the plug.
  std::vector<InputRef> watched;
  Masker masker;
  // Digest of the payload that is delivered once the plan has succeeded; in memory only. Empty: it
  // is not known any more.
  std::optional<std::string> payload;
  // To be remembered once the plan has succeeded; without `delivered` that is then.
  std::optional<Pace> pace;
  // The plug begins to take a place under the socket's limit.
  bool takesPlace = false;
};

std::string printPlan(const Plan& plan);

}  // namespace iop::operators::coupling
