#pragma once

// What the API does with objects, without HTTP: reads and writes with the rules of
// k8s.io/apiserver's generic registry (pkg/registry/generic/registry/store.go, pkg/registry/rest).
//
//   Call call{.user = user, .fieldManager = "kubectl"};
//   Answer<Value> made = engine.create(*kind, "shop", object, call);
//
// Not thread-safe: used on the server's loop.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/auth/authenticator.h"
#include "apiserver/auth/authorizer.h"
#include "apiserver/failure.h"
#include "apiserver/internal/registry.h"
#include "apiserver/storage/storage.h"
#include "base/clock.h"
#include "value/value.h"

namespace iop::apiserver {

using kube::api::ObjectKey;
using storage::ObjectPtr;

enum class FieldValidation { Ignore, Warn, Strict };

// Who calls, and how.
struct Call {
  auth::User user;
  std::string fieldManager;
  FieldValidation fieldValidation = FieldValidation::Warn;
  bool dryRun = false;
  bool force = false;                      // apply
  std::vector<std::string> warnings = {};  // for the client, added to by the engine
};

struct DeleteOptions {
  std::string uid = {};
  std::string resourceVersion = {};
  std::string propagationPolicy = {};  // Background, Foreground, Orphan; empty: the kind's default
  std::optional<std::int64_t> gracePeriodSeconds = {};
};

struct Deleted {
  Value object;          // as it was, or as it waits for its finalizers
  bool removed = false;  // it is gone
};

enum class PatchType { Json, Merge, Strategic, Apply };

class Engine {
 public:
  Engine(storage::Storage& storage, Registry& registry, const auth::Authorizer& authorizer,
         base::Clock& clock);

  storage::Storage& storage() { return storage_; }
  Registry& registry() { return registry_; }
  const auth::Authorizer& authorizer() const { return authorizer_; }
  base::Clock& clock() const { return clock_; }

  // An object as stored, in the version of `kind`.
  Value present(const Kind& kind, const Value& stored) const;

  Answer<Value> get(const Kind& kind, const ObjectKey& key) const;
  // All objects of a table, as they are stored.
  std::vector<ObjectPtr> objects(std::string_view table) const;
  // `object` as decoded from the request, in the version of `kind`, without unknown fields.
  Answer<Value> create(const Kind& kind, const std::string& namespaceName, Value object,
                       Call& call);
  // PUT. `created` tells whether it was made.
  Answer<Value> update(const Kind& kind, const ObjectKey& key, std::string_view subresource,
                       Value object, Call& call, bool& created);
  Answer<Value> patch(const Kind& kind, const ObjectKey& key, std::string_view subresource,
                      PatchType type, const Value& patch, std::string_view patchText, Call& call,
                      bool& created);
  Answer<Deleted> remove(const Kind& kind, const ObjectKey& key, const DeleteOptions& options,
                         Call& call);

  // Checks an object's text against its kind: type errors, unknown fields (as `call` wants it). For
  // what comes from a request's body.
  Status checkFields(const Kind& kind, Value& object, Call& call, std::string_view context) const;

  // Objects of the server itself, written without rules: `change` gets the stored object (null:
  // absent) and returns what shall be there. Nothing happens where it returns an equal one.
  Status write(std::string_view table, const ObjectKey& key,
               const std::function<Value(const Value& stored)>& change);

  // Hears of every write, right after it: what was there (null: nothing) and what is there now
  // (null: nothing). Must not write: remember what to do, and do it later.
  using Listener =
      std::function<void(std::string_view table, const ObjectPtr& before, const ObjectPtr& after)>;
  void addListener(Listener listener) { listeners_.push_back(std::move(listener)); }

  // Judges a write before it is stored: validating admission policies.
  using Admission = std::function<std::optional<Failure>(
      const Kind& kind, std::string_view operation, std::string_view subresource,
      const Value& object, const Value& old, Call& call)>;
  void setAdmission(Admission admission) { admission_ = std::move(admission); }

 private:
  Answer<Value> replace(const Kind& kind, const ObjectKey& key, std::string_view subresource,
                        const ObjectPtr& stored, Value object, Call& call, bool isApply);
  Value trackCreation(const Kind& kind, Value object, const Call& call) const;
  Answer<Value> createNamed(const Kind& kind, const ObjectKey& key, Value object, Call& call);
  Answer<Value> applyPatch(const Kind& kind, const ObjectKey& key, std::string_view subresource,
                           const Value& live, PatchType type, const Value& patch,
                           std::string_view patchText, Call& call) const;
  std::optional<Failure> checkNamespace(const Kind& kind, std::string_view namespaceName,
                                        std::string_view name) const;
  std::optional<Failure> checkEscalation(const Kind& kind, const Value& object, const Value& old,
                                         const Call& call) const;
  void applyDefaults(const Kind& kind, Value& object) const;
  std::optional<Failure> validate(const Kind& kind, const Value& object, const Value* old) const;
  Value toStored(const Kind& kind, Value object) const;
  std::optional<Failure> allocate(const Kind& kind, Value& object, const Value& old);
  Result<ObjectPtr> store(std::string_view table, const ObjectKey& key, const ObjectPtr& before,
                          Value object);
  Result<ObjectPtr> erase(std::string_view table, const ObjectKey& key, const ObjectPtr& before);

  storage::Storage& storage_;
  Registry& registry_;
  const auth::Authorizer& authorizer_;
  base::Clock& clock_;
  Admission admission_;
  std::vector<Listener> listeners_;
};

// A random (version 4) UUID.
std::string makeUid();

}  // namespace iop::apiserver
