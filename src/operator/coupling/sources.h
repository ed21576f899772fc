#pragma once

// Builds the maps that go into a coupling: data, vars, config and result of both sides, from their
// sources in their order (lifecycle.md, "Where values come from").
//
//   Sources sources(lookup, plug, socket, schema);
//   ASSIGN_OR_RETURN(Configs configs, sources.configs());
//   ASSIGN_OR_RETURN(Results results, sources.results(configs));

#include <map>
#include <string>

#include "base/result.h"
#include "operator/api/names.h"
#include "operator/coupling/lookup.h"
#include "operator/coupling/schema.h"
#include "value/value.h"

namespace iop::operators::coupling {

// A map for each side.
struct BySide {
  Value plug = Value::object();
  Value socket = Value::object();

  Value& of(api::Side side) { return side == api::Side::Plug ? plug : socket; }
  const Value& of(api::Side side) const { return side == api::Side::Plug ? plug : socket; }
};

struct Configs {
  BySide data;
  BySide vars;
  BySide config;  // validated
};

struct Results {
  BySide resultVars;
  BySide result;  // validated
};

// Where the value of each key of the validated maps is from: "spec.config", "spec.configTemplate",
// "Secret shop/db", "ConfigMap shop/db", "apparatus URL", or "default" of the schema.
struct Origins {
  BySide config;
  BySide result;
};

// Why maps cannot be built, with the reason that the plug's condition gives.
struct SourceError {
  api::Reason reason = api::Reason::ConfigInvalid;
  api::Side side = api::Side::Plug;  // whose source it is
  Error error;
};

template <typename T>
using SourceResult = tl::expected<T, SourceError>;

class Sources {
 public:
  // The objects and the lookup must outlive this.
  Sources(Lookup& lookup, const Value& plug, const Value& socket, const Schema& schema)
      : lookup_(lookup), plug_(plug), socket_(socket), schema_(schema) {}

  SourceResult<Configs> configs();
  // What came out of the coupling; asked after `coupled` or `updated` was delivered.
  SourceResult<Results> results(const Configs& configs);

  // Notes from now on where values are from; `origins` must outlive this.
  void trace(Origins& origins) { origins_ = &origins; }

  // What templates of `configTemplate`, of `resources` and of `resultResources` see.
  Value configScope(api::Side side, const Configs& configs) const;
  Value resourceScope(api::Side side, const Configs& configs) const;
  Value resultScope(api::Side side, const Configs& configs, const Results& results) const;

 private:
  const Value& objectOf(api::Side side) const { return side == api::Side::Plug ? plug_ : socket_; }
  Result<Value> data(api::Side side);
  Result<Value> vars(api::Side side, const Value& list, const std::string& field);
  // What the sources of a side say, laid over `out` in their order. On failure `out` has what came
  // before it.
  Status overlayConfig(api::Side side, const Configs& configs, Value& out);
  Status overlayResult(api::Side side, const Configs& configs, const Results& results, Value& out);
  // Lays the map of a named Secret or ConfigMap over `out`.
  Status overlaySource(api::Side side, std::string_view kind, const Value& name, Value& out);
  Status overlayTemplates(const Value& templates, const std::string& field, const Value& scope,
                          Value& out);
  // Lays `over` over `out`, and notes the source.
  void overlay(Value& out, const Value& over, const std::string& source);
  // What validation has made of the values: defaults filled in, others dropped.
  static void noteDefaults(const Value& raw, const Value& valid, Value& origins);
  // In a tolerant lookup, an error that time does not heal becomes a note, and the step is skipped.
  Status forgive(Status status);
  // No message may show these.
  void noteSensitive(Schema::Part part, api::Side side, const Value& values);
  Value baseScope() const;

  Lookup& lookup_;
  const Value& plug_;
  const Value& socket_;
  const Schema& schema_;
  Origins* origins_ = nullptr;
  Value* traced_ = nullptr;  // of the map that is being built
};

}  // namespace iop::operators::coupling
