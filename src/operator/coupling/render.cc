#include "operator/coupling/render.h"

#include "gotemplate/template.h"
#include "kube/api/object.h"
#include "text/yaml.h"

namespace iop::operators::coupling {
namespace {

using api::Do;
using api::Side;
using kube::api::Resource;

// Deeper structures are refused before they exhaust the stack; the API server refuses them too.
constexpr int kMaxDepth = 200;

gotemplate::TemplateCache& templates() {
  static gotemplate::TemplateCache cache;
  return cache;
}

Result<Value> renderNode(const Value& node, const Value& scope, int depth,
                         const std::string& path) {
  const auto at = [&](std::string_view step) {
    return path.empty() ? std::string(step) : path + "." + std::string(step);
  };
  if (depth > kMaxDepth)
    return fail(Code::Invalid, path + ": nested deeper than " + std::to_string(kMaxDepth));
  switch (node.type()) {
    case Value::Type::String: {
      if (!gotemplate::containsAction(node.asString())) return node;
      ASSIGN_OR_RETURN(const std::string text,
                       renderText(node.asString(), scope).map_error(addContext(path)));
      return Value(text);
    }
    case Value::Type::Array: {
      std::vector<Value> items;
      items.reserve(node.size());
      for (std::size_t i = 0; i < node.size(); ++i) {
        ASSIGN_OR_RETURN(Value item, renderNode(node.at(i), scope, depth + 1,
                                                path + "[" + std::to_string(i) + "]"));
        items.push_back(std::move(item));
      }
      return Value::fromItems(items);
    }
    case Value::Type::Object: {
      std::vector<Member> members;
      members.reserve(node.size());
      for (const Member& member : node.members()) {
        ASSIGN_OR_RETURN(const std::string key,
                         renderText(member.key(), scope).map_error(addContext(at(member.key()))));
        ASSIGN_OR_RETURN(Value value, renderNode(member.value, scope, depth + 1, at(key)));
        members.emplace_back(key, std::move(value));
      }
      Value object = Value::fromMembers(members);
      if (object.size() != node.size())
        return fail(Code::Invalid, path + ": two keys render to the same text");
      return object;
    }
    default:
      return node;
  }
}

Result<std::vector<Value>> renderTemplate(const api::ResourceAction::Template& source,
                                          const Value& scope) {
  if (source.structured) {
    ASSIGN_OR_RETURN(Value object, renderStructure(source.source, scope));
    return std::vector<Value>{std::move(object)};
  }
  ASSIGN_OR_RETURN(const std::string text, renderText(source.source.asString(), scope));
  ASSIGN_OR_RETURN(std::vector<text::YamlDocument> documents,
                   text::parseYamlDocuments(text, text::DuplicateKeys::LastWins)
                       .map_error(addContext("the rendered text is no YAML")));
  std::vector<Value> objects;
  for (text::YamlDocument& document : documents) {
    if (!document.value.isNull()) objects.push_back(std::move(document.value));
  }
  return objects;
}

Status checkObject(const Value& object) {
  if (!object.isObject()) return fail(Code::Invalid, "the template does not render to an object");
  for (const char* key : {"apiVersion", "kind"}) {
    if (!object[key].isString() || object[key].empty()) {
      return fail(Code::Invalid, std::string("the rendered object has no ") + key);
    }
  }
  const Value& name = object["metadata"]["name"];
  if (!name.isString() || name.empty()) {
    return fail(Code::Invalid,
                "the rendered " + object["kind"].toString() + " has no metadata.name");
  }
  if (!object["metadata"]["namespace"].isNull() && !object["metadata"]["namespace"].isString()) {
    return fail(Code::Invalid,
                "the rendered " + object["kind"].toString() + "'s metadata.namespace is no text");
  }
  return {};
}

// The object with its namespace settled, as an object of `own`'s namespace or a cluster-scoped one.
Result<RenderedObject> settle(Lookup& lookup, Side side, const Value& own,
                              const api::ResourceAction& action, Value object) {
  RETURN_IF_ERROR(checkObject(object));
  const std::string ownNamespace(kube::api::namespaceOf(own));
  const std::string given(kube::api::namespaceOf(object));
  const std::string what = object["kind"].toString() + " " + std::string(kube::api::nameOf(object));
  if (!given.empty() && given != ownNamespace) {
    return fail(Code::Invalid,
                what + " is in namespace " + given + ", but a " + std::string(api::nameOf(side)) +
                    " makes objects in its own namespace only, which is " + ownNamespace);
  }
  RenderedObject out;
  out.side = side;
  out.what = action.what;
  out.retain = action.retainWhenDecoupled;
  Result<Resource> resource = lookup.resource(kube::api::kindOf(object));
  if (!resource) {
    const bool harmless = action.what == Do::Delete && resource.error().isNotFound();
    if (!harmless) return tl::unexpected<Error>(resource.error().withContext(what));
    out.served = false;
  } else {
    out.resource = *resource;
    if (resource->namespaced) {
      object.edit("metadata").set("namespace", ownNamespace);
    } else {
      object.edit("metadata").erase("namespace");
    }
  }
  out.object = std::move(object);
  return out;
}

}  // namespace

api::InventoryEntry RenderedObject::entry() const {
  kube::api::ObjectRef reference = kube::api::refOf(object);
  reference.uid.clear();
  return {side, std::move(reference), retain};
}

Result<std::string> renderText(std::string_view text, const Value& scope) {
  if (!gotemplate::containsAction(text)) return std::string(text);
  return templates().render(text, scope).map_error([](Error error) {
    if (error.code == Code::Timeout) error.cause = kTemplateTimeout;
    return error;
  });
}

Result<Value> renderStructure(const Value& structure, const Value& scope) {
  return renderNode(structure, scope, 0, "");
}

Result<std::vector<RenderedObject>> renderActions(Lookup& lookup, Side side, const Value& own,
                                                  const std::vector<api::ResourceAction>& actions,
                                                  std::optional<api::Event> event,
                                                  const Value& scope) {
  std::vector<RenderedObject> out;
  std::optional<Error> unknown;  // told at the end, so that one round of lookups asks for all kinds
  for (const api::ResourceAction& action : actions) {
    if (event && !action.when.has(*event)) continue;
    for (const api::ResourceAction::Template& source : action.templates) {
      const auto add = [&]() -> Status {
        ASSIGN_OR_RETURN(std::vector<Value> objects, renderTemplate(source, scope));
        for (Value& object : objects) {
          Result<RenderedObject> settled = settle(lookup, side, own, action, std::move(object));
          if (!settled && Lookup::isUnknown(settled.error())) {
            unknown = settled.error();
            continue;
          }
          if (!settled) return tl::unexpected<Error>(settled.error());
          settled->field = source.field;
          out.push_back(std::move(*settled));
        }
        return {};
      };
      Status added =
          add().map_error(addContext(std::string(api::nameOf(side)) + "'s " + source.field));
      if (!added && lookup.passesOver(added.error())) {
        lookup.skip(added.error().message);
      } else if (!added) {
        return tl::unexpected<Error>(added.error());
      }
    }
  }
  if (unknown) return tl::unexpected<Error>(*unknown);
  return out;
}

}  // namespace iop::operators::coupling
