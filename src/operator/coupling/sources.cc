#include "operator/coupling/sources.h"

#include "gotemplate/template.h"
#include "kube/api/object.h"
#include "operator/api/spec.h"
#include "operator/coupling/apparatus.h"
#include "operator/coupling/render.h"
#include "text/json.h"
#include "value/path.h"

namespace iop::operators::coupling {
namespace {

using api::Reason;
using api::Side;

void lay(Value& out, const Value& over) {
  for (const Member& member : over.members()) out.set(member.key(), member.value);
}

// A value of a /config answer as the string that it stands for.
std::string answerText(const Value& value) {
  switch (value.type()) {
    case Value::Type::Null:
      return {};
    case Value::Type::String:
      return value.toString();
    default:
      return text::printJson(value, {.escapeHtml = false, .indent = {}});
  }
}

std::string whose(Side side, std::string_view what) {
  return std::string(api::nameOf(side)).append("'s ").append(what);
}

// What is missing or wrong in itself makes a config invalid; what could not be read, or whom an
// apparatus has failed, is another failure. Templates that took too long are wrong in themselves.
Reason reasonOf(const Error& error) {
  const bool isTemplates = error.code == Code::Timeout && error.cause == kTemplateTimeout;
  return error.isNotFound() || !error.isRetriable() || isTemplates ? Reason::ConfigInvalid
                                                                   : Reason::Error;
}

}  // namespace

Value Sources::baseScope() const { return Value::object({{"plug", plug_}, {"socket", socket_}}); }

Value Sources::configScope(Side side, const Configs& configs) const {
  Value scope = baseScope();
  scope.set("plugData", configs.data.plug);
  scope.set("socketData", configs.data.socket);
  scope.set("vars", configs.vars.of(side));
  return scope;
}

Value Sources::resourceScope(Side side, const Configs& configs) const {
  Value scope = configScope(side, configs);
  scope.set("plugConfig", configs.config.plug);
  scope.set("socketConfig", configs.config.socket);
  return scope;
}

Value Sources::resultScope(Side side, const Configs& configs, const Results& results) const {
  Value scope = resourceScope(side, configs);
  lay(scope.edit("vars"), results.resultVars.of(side));
  scope.set("resultVars", results.resultVars.of(side));
  scope.set("plugResult", results.result.plug);
  scope.set("socketResult", results.result.socket);
  scope.set("result", results.result.of(side));
  return scope;
}

Status Sources::forgive(Status status) {
  if (status || !lookup_.passesOver(status.error())) return status;
  lookup_.skip(status.error().message);
  return {};
}

void Sources::noteSensitive(Schema::Part part, Side side, const Value& values) {
  const Value projected = schema_.project(part, side, values);  // with the defaults
  for (const Member& member : projected.members()) {
    if (schema_.isSensitive(part, side, member.key()))
      lookup_.masker().add(member.value.asString());
  }
}

Status Sources::overlaySource(Side side, std::string_view kind, const Value& name, Value& out) {
  if (name.empty()) return {};
  const Value& own = objectOf(side);
  Result<Value> data =
      lookup_.source(side, kind, {std::string(kube::api::namespaceOf(own)), name.toString()});
  if (!data) return forgive(tl::unexpected<Error>(data.error()));
  overlay(out, *data,
          std::string(kind) + " " +
              ObjectKey{std::string(kube::api::namespaceOf(own)), name.toString()}.print());
  return {};
}

void Sources::overlay(Value& out, const Value& over, const std::string& source) {
  for (const Member& member : over.members()) {
    out.set(member.key(), member.value);
    if (traced_ != nullptr) traced_->set(member.key(), source);
  }
}

void Sources::noteDefaults(const Value& raw, const Value& valid, Value& origins) {
  Value kept = Value::object();
  for (const Member& member : valid.members()) {
    const bool isGiven = raw.contains(member.key()) && raw[member.key()] == member.value;
    kept.set(member.key(), isGiven ? origins[member.key()] : Value("default"));
  }
  origins = std::move(kept);
}

Status Sources::overlayTemplates(const Value& templates, const std::string& field,
                                 const Value& scope, Value& out) {
  for (const Member& member : templates.members()) {
    Result<std::string> text = renderText(member.value.asString(), scope);
    if (!text) {
      RETURN_IF_ERROR(forgive(tl::unexpected<Error>(
          text.error().withContext(field + "." + std::string(member.key())))));
      continue;
    }
    out.set(member.key(), std::move(*text));
    if (traced_ != nullptr) traced_->set(member.key(), field.substr(field.find("spec.")));
  }
  return {};
}

Result<Value> Sources::data(Side side) {
  const Value& spec = objectOf(side)["spec"];
  Value out = Value::object();
  RETURN_IF_ERROR(overlaySource(side, "Secret", spec["dataSecretName"], out));
  overlay(out, spec["data"], "spec.data");
  RETURN_IF_ERROR(overlaySource(side, "ConfigMap", spec["dataConfigMapName"], out));
  return out;
}

Result<Value> Sources::vars(Side side, const Value& list, const std::string& field) {
  const Value& own = objectOf(side);
  const std::string ownNamespace(kube::api::namespaceOf(own));
  const std::string user =
      "system:serviceaccount:" + ownNamespace + ":" + api::serviceAccountOf(own);
  const Value scope = baseScope();
  Value out = Value::object();

  const auto read = [&](const api::Var& var) -> Status {
    ObjectKey key{var.objectNamespace, var.objectName};
    if (var.nameIsTemplate) {
      ASSIGN_OR_RETURN(key.name, renderText(var.objectName, scope)
                                     .map_error(addContext(var.field + ".objref.templateName")));
    }
    if (var.namespaceIsTemplate) {
      ASSIGN_OR_RETURN(key.namespaceName,
                       renderText(var.objectNamespace, scope)
                           .map_error(addContext(var.field + ".objref.templateNamespace")));
    }
    ASSIGN_OR_RETURN(const kube::api::Resource resource,
                     lookup_.resource(var.kind).map_error(addContext(var.field + ".objref")));
    if (!resource.namespaced) {
      key.namespaceName.clear();
    } else if (key.namespaceName.empty()) {
      key.namespaceName = ownNamespace;
    } else if (key.namespaceName != ownNamespace) {
      return fail(Code::Invalid, var.field + ".objref: a var of a " +
                                     std::string(api::nameOf(side)) + " in namespace " +
                                     ownNamespace + " cannot read namespace " + key.namespaceName);
    }
    ASSIGN_OR_RETURN(const Value object, lookup_.object(side, var.kind, key, user));
    ASSIGN_OR_RETURN(const std::optional<Value> found,
                     value::getPath(object, var.fieldPath)
                         .map_error(addContext(var.field + ".fieldref.fieldPath")));
    out.set(var.name, found ? text::printAsGjsonString(*found) : std::string());
    return {};
  };

  ASSIGN_OR_RETURN(const std::vector<api::Var> parsed, api::parseVars(list, field));
  Status first;  // the first failure, told once all objects have been asked for
  for (const api::Var& var : parsed) {
    Status status = forgive(read(var));
    if (!status && first) first = std::move(status);
  }
  if (!first) return tl::unexpected<Error>(first.error());
  return out;
}

Status Sources::overlayConfig(Side side, const Configs& configs, Value& out) {
  const Value& own = objectOf(side);
  const Value& spec = own["spec"];
  RETURN_IF_ERROR(overlaySource(side, "Secret", spec["configSecretName"], out));
  overlay(out, spec["config"], "spec.config");
  RETURN_IF_ERROR(overlayTemplates(spec["configTemplate"], whose(side, "spec.configTemplate"),
                                   configScope(side, configs), out));
  RETURN_IF_ERROR(overlaySource(side, "ConfigMap", spec["configConfigMapName"], out));
  const auto endpoint = endpointOf(lookup_.snapshot(), side, own);
  if (endpoint && !lookup_.isSilent(side)) {
    const Value body = Value::object({{"version", kProtocolVersion},
                                      {"plug", plug_},
                                      {"socket", socket_},
                                      {"plugData", configs.data.plug},
                                      {"socketData", configs.data.socket},
                                      {"data", configs.data.of(side)},
                                      {"vars", configs.vars.of(side)}});
    Result<Value> answer = lookup_.config(side, *endpoint + "/config", body);
    if (!answer) {
      RETURN_IF_ERROR(forgive(tl::unexpected<Error>(answer.error())));
    } else {
      for (const Member& member : answer->members()) {
        out.set(member.key(), answerText(member.value));
        if (traced_ != nullptr) traced_->set(member.key(), "apparatus " + *endpoint);
      }
    }
  }
  return {};
}

SourceResult<Configs> Sources::configs() {
  Configs configs;
  std::optional<SourceError> failure;
  // Runs one step for both sides, so that one round of lookups asks for as much as can be known.
  const auto both = [&](BySide Configs::*part, const auto& build) {
    for (const Side side : api::kSides) {
      Result<Value> built = build(side);
      if (built) {
        (configs.*part).of(side) = std::move(*built);
      } else if (!failure) {
        failure = SourceError{reasonOf(built.error()), side, built.error()};
      }
    }
  };
  both(&Configs::data, [&](Side side) { return data(side); });
  both(&Configs::vars, [&](Side side) {
    return vars(side, objectOf(side)["spec"]["vars"], whose(side, "spec.vars"));
  });
  if (failure) return tl::unexpected<SourceError>(std::move(*failure));

  both(&Configs::config, [&](Side side) -> Result<Value> {
    Value raw = Value::object();
    if (origins_ != nullptr) traced_ = &origins_->config.of(side);
    const Status built = overlayConfig(side, configs, raw);
    traced_ = nullptr;
    noteSensitive(Schema::Part::Config, side, raw);
    RETURN_IF_ERROR(built);
    if (lookup_.isTolerant()) return schema_.project(Schema::Part::Config, side, raw);
    Result<Value> valid = schema_.validate(Schema::Part::Config, side, raw);
    if (valid && origins_ != nullptr) noteDefaults(raw, *valid, origins_->config.of(side));
    return valid;
  });
  if (failure) return tl::unexpected<SourceError>(std::move(*failure));
  return configs;
}

Status Sources::overlayResult(Side side, const Configs& configs, const Results& results,
                              Value& out) {
  const Value& spec = objectOf(side)["spec"];
  Value scope = resourceScope(side, configs);
  lay(scope.edit("vars"), results.resultVars.of(side));
  scope.set("resultVars", results.resultVars.of(side));
  RETURN_IF_ERROR(overlaySource(side, "Secret", spec["resultSecretName"], out));
  overlay(out, spec["result"], "spec.result");
  RETURN_IF_ERROR(
      overlayTemplates(spec["resultTemplate"], whose(side, "spec.resultTemplate"), scope, out));
  return overlaySource(side, "ConfigMap", spec["resultConfigMapName"], out);
}

SourceResult<Results> Sources::results(const Configs& configs) {
  Results results;
  std::optional<SourceError> failure;
  // A source that is missing, or a required result, is waited for.
  const auto note = [&](Side side, const Error& error, Reason otherwise) {
    if (!failure)
      failure = SourceError{error.isNotFound() ? Reason::ResultPending : otherwise, side, error};
  };
  for (const Side side : api::kSides) {
    Result<Value> vars =
        this->vars(side, objectOf(side)["spec"]["resultVars"], whose(side, "spec.resultVars"));
    if (vars) {
      results.resultVars.of(side) = std::move(*vars);
    } else {
      note(side, vars.error(), reasonOf(vars.error()));
    }
  }
  if (failure) return tl::unexpected<SourceError>(std::move(*failure));
  for (const Side side : api::kSides) {
    Value raw = Value::object();
    if (origins_ != nullptr) traced_ = &origins_->result.of(side);
    const Status built = overlayResult(side, configs, results, raw);
    traced_ = nullptr;
    noteSensitive(Schema::Part::Result, side, raw);
    if (!built) {
      note(side, built.error(), Reason::Error);
      continue;
    }
    Result<Value> valid = schema_.validate(Schema::Part::Result, side, raw);
    if (!valid) {
      note(side, valid.error(), Reason::ConfigInvalid);
      continue;
    }
    if (origins_ != nullptr) noteDefaults(raw, *valid, origins_->result.of(side));
    results.result.of(side) = std::move(*valid);
  }
  if (failure) return tl::unexpected<SourceError>(std::move(*failure));
  return results;
}

}  // namespace iop::operators::coupling
