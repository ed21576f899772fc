#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "apiserver/internal/discovery.h"
#include "apiserver/kinds/definitions.h"
#include "text/json.h"

namespace iop::apiserver {
namespace {

constexpr std::string_view kSchemaPrefix = "#/components/schemas/";
constexpr std::string_view kMetadataSchema = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

std::string pathOf(std::string_view group, std::string_view version) {
  return group.empty() ? fmt::format("api/{}", version) : fmt::format("apis/{}/{}", group, version);
}

Value kindEntry(const kube::api::GroupVersionKind& kind) {
  return Value::object({{"group", kind.group}, {"version", kind.version}, {"kind", kind.kind}});
}

// "com.example.v1.Widget" for Widget of example.com/v1, as the API server calls custom resources.
std::string customSchemaName(const kube::api::GroupVersionKind& kind) {
  std::string name;
  std::string_view group = kind.group;
  while (!group.empty()) {
    const std::size_t dot = group.rfind('.');
    name.append(dot == std::string_view::npos ? group : group.substr(dot + 1)) += '.';
    group = dot == std::string_view::npos ? std::string_view() : group.substr(0, dot);
  }
  return name + kind.version + "." + kind.kind;
}

// Adds the names of all schemas that `value` refers to.
void collectReferences(const Value& value, std::set<std::string>& names,
                       std::vector<std::string>& open) {
  if (const Value* reference = value.find("$ref")) {
    const std::string_view text = reference->asString();
    if (text.starts_with(kSchemaPrefix)) {
      std::string name(text.substr(kSchemaPrefix.size()));
      if (names.insert(name).second) open.push_back(std::move(name));
    }
  }
  for (const Member& member : value.members()) collectReferences(member.value, names, open);
  for (const Value& item : value.items()) collectReferences(item, names, open);
}

Value queryParameter(std::string_view name, std::string_view type, std::string_view description) {
  return Value::object({{"name", name},
                        {"in", "query"},
                        {"description", description},
                        {"schema", Value::object({{"type", type}, {"uniqueItems", true}})}});
}

Value pathParameter(std::string_view name, std::string_view description) {
  return Value::object({{"name", name},
                        {"in", "path"},
                        {"description", description},
                        {"required", true},
                        {"schema", Value::object({{"type", "string"}, {"uniqueItems", true}})}});
}

Value operation(const kube::api::Resource& resource, std::string_view verb,
                std::string_view schemaName, bool collection) {
  static constexpr std::pair<std::string_view, std::string_view> kActions[] = {
      {"get", "get"},
      {"list", "list"},
      {"create", "post"},
      {"update", "put"},
      {"patch", "patch"},
      {"delete", "delete"},
      {"deletecollection", "deletecollection"}};
  std::string_view action;
  for (const auto& [known, name] : kActions) {
    if (known == verb) action = name;
  }
  Value parameters = Value::array();
  const bool writes = verb == "create" || verb == "update" || verb == "patch";
  if (writes) {
    parameters.push(queryParameter(
        "dryRun", "string",
        "When present, indicates that modifications should not be persisted. Valid values: All."));
    parameters.push(queryParameter("fieldManager", "string",
                                   "The name of the actor or entity that makes these changes."));
    parameters.push(
        queryParameter("fieldValidation", "string",
                       "What to do about unknown or duplicate fields: Ignore, Warn or Strict."));
  }
  if (verb == "patch") {
    parameters.push(queryParameter(
        "force", "boolean",
        "Force is going to \"force\" Apply requests: fields of other managers are taken over."));
  }
  if (collection && !writes) {
    for (const char* name : {"continue", "fieldSelector", "labelSelector", "resourceVersion"})
      parameters.push(queryParameter(name, "string", ""));
    parameters.push(queryParameter("limit", "integer", ""));
    parameters.push(queryParameter("watch", "boolean", ""));
  }
  const Value schema = Value::object(
      {{"schema",
        Value::object({{"$ref", std::string(kSchemaPrefix) + std::string(schemaName)}})}});
  Value out = Value::object(
      {{"x-kubernetes-action", action},
       {"x-kubernetes-group-version-kind", kindEntry(resource.gvk())},
       {"operationId", fmt::format("{}{}{}{}", verb, resource.version,
                                   resource.namespaced ? "Namespaced" : "", resource.kind)},
       {"parameters", std::move(parameters)},
       {"responses",
        Value::object(
            {{"200", Value::object({{"description", "OK"},
                                    {"content", Value::object({{"application/json", schema}})}})},
             {"401", Value::object({{"description", "Unauthorized"}})}})}});
  if (verb == "create" || verb == "update")
    out.set("requestBody", Value::object({{"content", Value::object({{"*/*", schema}})}}));
  if (verb == "patch") {
    Value content = Value::object();
    const Value patch = Value::object(
        {{"schema",
          Value::object({{"$ref", std::string(kSchemaPrefix) + "io.k8s.apimachinery.pkg.apis.meta."
                                                               "v1.Patch"}})}});
    for (const char* type :
         {"application/apply-patch+yaml", "application/json-patch+json",
          "application/merge-patch+json", "application/strategic-merge-patch+json"})
      content.set(type, patch);
    out.set("requestBody", Value::object({{"content", std::move(content)}}));
  }
  return out;
}

void addPaths(Value& paths, const Kind& kind, const std::string& schemaName) {
  const kube::api::Resource& resource = kind.resource;
  std::string base = "/" + pathOf(resource.group, resource.version);
  Value shared = Value::array();
  if (resource.namespaced) {
    base += "/namespaces/{namespace}";
    shared.push(
        pathParameter("namespace", "object name and auth scope, such as for teams and projects"));
  }
  base += "/" + resource.plural;
  const auto add = [&](const std::string& path, bool collection,
                       std::initializer_list<std::pair<const char*, const char*>> methods,
                       const Value& verbs, Value parameters) {
    Value item = Value::object();
    for (const auto& [verb, method] : methods) {
      const auto known = verbs.items();
      if (std::any_of(known.begin(), known.end(),
                      [&, wanted = std::string_view(verb)](const Value& one) {
                        return one.asString() == wanted;
                      }))
        item.set(method, operation(resource, verb, schemaName, collection));
    }
    if (item.empty()) return;
    item.set("parameters", std::move(parameters));
    paths.set(path, std::move(item));
  };
  add(base, true, {{"list", "get"}, {"create", "post"}, {"deletecollection", "delete"}},
      kind.entry["verbs"], shared);
  Value named = shared;
  named.push(pathParameter("name", "name of the " + resource.kind));
  add(base + "/{name}", false,
      {{"get", "get"}, {"update", "put"}, {"patch", "patch"}, {"delete", "delete"}},
      kind.entry["verbs"], named);
  for (const Value& sub : kind.subresources) {
    const std::string_view full = sub["name"].asString();
    add(base + "/{name}" + std::string(full.substr(full.find('/'))), false,
        {{"get", "get"}, {"create", "post"}, {"update", "put"}, {"patch", "patch"}}, sub["verbs"],
        named);
  }
}

Value info() {
  return Value::object(
      {{"title", "Kubernetes"}, {"version", kinds::serverVersion()["gitVersion"]}});
}

}  // namespace

void Discovery::refresh() const {
  if (generation_ == registry_.generation()) return;
  documents_.clear();
  generation_ = registry_.generation();
}

Value Discovery::openApiValue(std::string_view group, std::string_view version) const {
  Value paths = Value::object();
  Value schemas = Value::object();
  std::set<std::string> names;
  std::vector<std::string> open;
  const auto want = [&](std::string name) {
    if (names.insert(name).second) open.push_back(std::move(name));
  };
  want("io.k8s.apimachinery.pkg.apis.meta.v1.Patch");
  for (const Kind* kind : registry_.kindsOf(group, version)) {
    std::string name;
    if (kind->custom) {
      name = customSchemaName(kind->resource.gvk());
      Value schema = kind->published;
      Value& properties = schema.edit("properties");
      if (properties.isNull()) properties = Value::object();
      const auto text = [](std::string_view description) {
        return Value::object({{"type", "string"}, {"description", description}});
      };
      properties.set("apiVersion",
                     text("APIVersion defines the versioned schema of this representation of an "
                          "object."));
      properties.set("kind", text("Kind is the REST resource that this object represents."));
      properties.set(
          "metadata",
          Value::object(
              {{"description", "Standard object's metadata."},
               {"allOf",
                Value::array({Value::object(
                    {{"$ref", std::string(kSchemaPrefix) + std::string(kMetadataSchema)}})})}}));
      schema.set("x-kubernetes-group-version-kind",
                 Value::array({kindEntry(kind->resource.gvk())}));
      collectReferences(schema, names, open);
      schemas.set(name, std::move(schema));
    } else {
      name = kind->schemaName();
      want(name);
    }
    addPaths(paths, *kind, name);
  }
  while (!open.empty()) {
    const std::string name = std::move(open.back());
    open.pop_back();
    const Value& schema = kinds::schemas()[name];
    if (schema.isNull()) continue;
    collectReferences(schema, names, open);
    schemas.set(name, schema);
  }
  return Value::object({{"openapi", "3.0.0"},
                        {"info", info()},
                        {"paths", std::move(paths)},
                        {"components", Value::object({{"schemas", std::move(schemas)}})}});
}

const Discovery::Document* Discovery::openApi(std::string_view path) const {
  refresh();
  if (const auto found = documents_.find(path); found != documents_.end()) return &found->second;
  std::string group;
  std::string_view version;
  if (path.starts_with("api/")) {
    version = path.substr(4);
  } else if (path.starts_with("apis/")) {
    const std::string_view rest = path.substr(5);
    const std::size_t slash = rest.find('/');
    if (slash == std::string_view::npos) return nullptr;
    group = rest.substr(0, slash);
    version = rest.substr(slash + 1);
  }
  if (registry_.kindsOf(group, version).empty()) return nullptr;
  Document document;
  document.text = text::printJson(openApiValue(group, version));
  document.hash = hashOf(document.text);
  return &(documents_[std::string(path)] = std::move(document));
}

const Discovery::Document& Discovery::openApiIndex() const {
  refresh();
  if (const auto found = documents_.find(""); found != documents_.end()) return found->second;
  Value paths = Value::object();
  const auto add = [&](const std::string& group) {
    for (const std::string& version : registry_.versionsOf(group)) {
      const std::string path = pathOf(group, version);
      // Documents are made when somebody asks for them: what is in them follows from the kinds.
      std::string content;
      for (const Kind* kind : registry_.kindsOf(group, version))
        content += text::printJson(kind->entry) + text::printJson(kind->published);
      paths.set(path, Value::object({{"serverRelativeURL", fmt::format("/openapi/v3/{}?hash={}",
                                                                       path, hashOf(content))}}));
    }
  };
  add("");
  for (const std::string& group : registry_.groups()) add(group);
  Document document;
  document.text = text::printJson(Value::object({{"paths", std::move(paths)}}));
  document.hash = hashOf(document.text);
  return documents_[""] = std::move(document);
}

const Discovery::Document& Discovery::openApiV2() const {
  refresh();
  if (const auto found = documents_.find("v2"); found != documents_.end()) return found->second;
  // Definitions are the schemas of v3 with their references renamed.
  Value definitions = Value::object();
  Value paths = Value::object();
  const auto add = [&](const std::string& group) {
    for (const std::string& version : registry_.versionsOf(group)) {
      const Value document = openApiValue(group, version);
      for (const Member& schema : document["components"]["schemas"].members())
        definitions.set(schema.key(), schema.value);
    }
  };
  add("");
  for (const std::string& group : registry_.groups()) add(group);
  std::string text = text::printJson(Value::object({{"swagger", "2.0"},
                                                    {"info", info()},
                                                    {"paths", std::move(paths)},
                                                    {"definitions", std::move(definitions)}}));
  constexpr std::string_view kNewPrefix = "#/definitions/";
  std::string renamed;
  renamed.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t next = std::min(text.find(kSchemaPrefix, at), text.size());
    renamed.append(text, at, next - at);
    if (next < text.size()) renamed += kNewPrefix;
    at = next < text.size() ? next + kSchemaPrefix.size() : next;
  }
  Document document{std::move(renamed), {}};
  document.hash = hashOf(document.text);
  return documents_["v2"] = std::move(document);
}

std::string_view Discovery::openApiV2Protobuf() {
  // swagger "2.0", info {title "x", version "y"}, no paths: gnostic's openapiv2.Document.
  static constexpr std::string_view kDocument(
      "\x0a\x03"
      "2.0"
      "\x12\x06\x0a\x01"
      "x"
      "\x12\x01"
      "y"
      "\x42\x00",
      15);
  return kDocument;
}

}  // namespace iop::apiserver
