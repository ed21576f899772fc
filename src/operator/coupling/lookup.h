#pragma once

// How a decision reads the outside world: from the snapshot, keeping book of what it used and of
// what is missing.
//
//   Lookup lookup(snapshot);
//   Result<Value> secret = lookup.source("Secret", {"shop", "db"});   // its data as plain strings
//   if (!lookup.needs().empty()) return Plan::needing(lookup.needs());
//
// Where something was not fetched yet, a lookup notes it in needs() and fails with an error that
// isUnknown() tells from others; whoever meets one goes on with what does not depend on it, so that
// one round fetches much.

#include <string>
#include <string_view>
#include <vector>

#include "operator/coupling/mask.h"
#include "operator/coupling/snapshot.h"

namespace iop::operators::coupling {

// True for the plug, the socket and the Interface of a coupling, which are no lookups: their
// version is their generation.
bool isCoupledItself(const InputRef& ref);
// True for objects of our own kinds behind a var: of them only what others may depend on counts.
bool isOwnKind(const InputRef& ref);
// The state of an object that a coupling has read: its resourceVersion; of our own kinds its
// generation and a digest of its labels and its status, without what we write while we work, so
// that couplings that read one another do not wake each other for ever. Of the coupling's own plug
// and socket only the generation counts. No part of a spec goes into it.
ObjectVersion versionOf(const Snapshot& snapshot, const InputRef& ref, const Value& object);
// Whether what was seen now is another state than what was seen then. An older resourceVersion is
// none: one cache may lag behind another.
bool isOtherState(const InputRef& ref, const ObjectVersion& now, const ObjectVersion& then);

// An object that a coupling used, in the state in which it did. Printed into
// status.coupling.inputs.
struct Input {
  api::Side side;
  InputRef ref;
  ObjectVersion version;
};

class Lookup {
 public:
  // A tolerant lookup serves teardown: what is gone or forbidden is noted in skipped() and reads as
  // empty; with Force, whatever fails.
  enum class Tolerance { None, Teardown, Force };
  explicit Lookup(const Snapshot& snapshot, Tolerance tolerance = Tolerance::None)
      : snapshot_(snapshot), tolerance_(tolerance) {}

  const Snapshot& snapshot() const { return snapshot_; }
  bool isTolerant() const { return tolerance_ != Tolerance::None; }
  // Whether teardown goes on without what failed: time does not heal it, or nobody shall wait.
  bool passesOver(const Error& error) const;
  Needs& needs() { return needs_; }
  Masker& masker() { return masker_; }
  const std::vector<Input>& inputs() const { return inputs_; }
  const std::vector<std::string>& skipped() const { return skipped_; }
  void skip(std::string what) { skipped_.push_back(std::move(what)); }
  // The apparatus of that side is not called: it cannot be started.
  void silence(api::Side side) { silent_.insert(side); }
  bool isSilent(api::Side side) const { return silent_.contains(side); }

  // The `data` of a Secret (decoded) or ConfigMap. Errors: NotFound in words that name it.
  Result<Value> source(api::Side side, std::string_view kind, const ObjectKey& key);
  // Any object, read as that user.
  Result<Value> object(api::Side side, const GroupVersionKind& kind, const ObjectKey& key,
                       const std::string& user);
  Result<kube::api::Resource> resource(const GroupVersionKind& kind);
  // A kind was asked for that the cluster does not serve: its coming cannot be watched.
  bool lacksKind() const { return lacksKind_; }
  // The answer of an apparatus to POST /config with that body.
  Result<Value> config(api::Side side, const std::string& url, const Value& body);

  static bool isUnknown(const Error& error);

 private:
  Result<Value> content(api::Side side, const InputRef& ref);

  const Snapshot& snapshot_;
  Tolerance tolerance_;
  bool lacksKind_ = false;
  Needs needs_;
  Masker masker_;
  std::vector<Input> inputs_;
  std::vector<std::string> skipped_;
  std::set<api::Side> silent_;
};

// How soon a kind is looked for again that the cluster does not serve.
inline constexpr std::chrono::seconds kUnknownKindPause{10};

// status.coupling.inputs.
Value printInputs(const std::vector<Input>& inputs);
std::vector<Input> parseInputs(const Value& list);

}  // namespace iop::operators::coupling
