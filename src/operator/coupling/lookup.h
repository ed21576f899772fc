#pragma once

// How a decision reads the outside world: from the snapshot, keeping book of what it used and of
// what is missing.
//
//   Lookup lookup(snapshot, Tolerance::None);
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
  // empty.
  explicit Lookup(const Snapshot& snapshot, bool tolerant = false)
      : snapshot_(snapshot), tolerant_(tolerant) {}

  const Snapshot& snapshot() const { return snapshot_; }
  bool isTolerant() const { return tolerant_; }
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
  // The answer of an apparatus to POST /config with that body.
  Result<Value> config(api::Side side, const std::string& url, const Value& body);

  static bool isUnknown(const Error& error);

 private:
  Result<Value> content(api::Side side, const InputRef& ref);

  const Snapshot& snapshot_;
  bool tolerant_;
  Needs needs_;
  Masker masker_;
  std::vector<Input> inputs_;
  std::vector<std::string> skipped_;
  std::set<api::Side> silent_;
};

// status.coupling.inputs.
Value printInputs(const std::vector<Input>& inputs);
std::vector<Input> parseInputs(const Value& list);

}  // namespace iop::operators::coupling
