#pragma once

// Carries out plans: a plain loop over their actions. No decision is made here.
//
// Flow: see coupling/plan.h. The object at hand always carries the status as it will be once it is
// written; `stored` is what the server has.
// Guarantees: every action is safe to repeat. The status is written only where it differs, with the
// resourceVersion as a precondition: a write that is based on an older state than the server's is
// refused with Conflict.
// Errors: those of the API server and the apparatuses, with words that name the object and what has
// to be granted.
//
// Thread-safe; one object must not be handled by two threads at once.

#include <functional>
#include <stop_token>
#include <string>
#include <thread>

#include "base/clock.h"
#include "kube/client/client.h"
#include "kube/runtime/events.h"
#include "operator/api/names.h"
#include "operator/control/apparatus_client.h"
#include "operator/control/world.h"
#include "operator/coupling/decide.h"

namespace iop::operators::control {

// A plug or a socket while a plan is carried out on it.
struct Subject {
  api::Side side;
  Value object;       // with the status at hand
  Value stored;       // as the server has it
  bool gone = false;  // the finalizer was removed
};

class Executor {
 public:
  // Told of the server's answers: to writes of plugs and sockets, and to applies of other objects.
  struct Observers {
    std::function<void(api::Side, const Value& object, bool gone)> written;
    std::function<void(const Value& object)> applied;
  };

  // All must outlive this.
  Executor(kube::client::Client& client, base::Clock& clock, kube::runtime::EventRecorder& events,
           ApparatusClient& apparatus, World& world, Observers observers);

  // Does what the plan says. On failure the error is of the action in `failed`, and the status at
  // hand has what was done before. `other` is the object on the other side, for events and names;
  // null if there is none.
  Status run(const coupling::Plan& plan, Subject& subject, const Value& other, std::stop_token stop,
             const coupling::Action** failed);

  // One object of a resource action, made or changed by server-side apply; the server's answer.
  Result<Value> apply(const kube::api::Resource& resource, const Value& object,
                      const std::string& user, std::stop_token stop);
  // The same by create, for kinds that cannot be changed.
  Result<Value> create(const kube::api::Resource& resource, const Value& object,
                       const std::string& user, std::stop_token stop);
  // Removes an object that was made before, if it is still the same one and ours.
  Status prune(const coupling::Prune& prune, std::stop_token stop);

  // Writes the status at hand if it differs from the stored one.
  Status writeStatus(Subject& subject, std::stop_token stop);
  void notify(const coupling::Notice& notice, const Subject& subject, const Value& other);

 private:
  Status perform(const coupling::Action& action, Subject& subject, const Value& other,
                 std::stop_token stop);
  Status setFinalizer(Subject& subject, bool present, std::stop_token stop);
  // While an apparatus takes its time with an update: writes UpdatingInProcess after a second. The
  // subject is the thread's until it is joined, which its destructor does.
  std::jthread tellSlowUpdate(const coupling::Call& call, Subject& subject, std::stop_token stop);
  Status deleteSelf(Subject& subject, std::stop_token stop);
  Status effect(const coupling::Effect& effect, Subject& subject, std::stop_token stop);
  Status applyObject(const coupling::Effect& effect, Subject& subject, std::stop_token stop);
  // The object of that name, if it is one that we have made; nothing if there is none.
  Result<std::optional<Value>> findOwn(const kube::api::Resource& resource,
                                       const coupling::Prune& prune, std::stop_token stop);
  Status removeAndWait(const kube::api::Resource& resource, const kube::api::ObjectKey& key,
                       const std::string& user, std::stop_token stop);

  kube::client::Client& client_;
  base::Clock& clock_;
  kube::runtime::EventRecorder& events_;
  ApparatusClient& apparatus_;
  World& world_;
  Observers observers_;
  const base::Instant started_;
};

}  // namespace iop::operators::control
