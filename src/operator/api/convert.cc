#include "operator/api/convert.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>

#include "operator/api/names.h"

namespace iop::operators::api {
namespace {

constexpr std::array<std::string_view, 3> kOldApiVersions = {
    "integration.siliconhills.dev/v1alpha2",
    "integration.rock8s.com/v1alpha2",
    "integration.risserlabs.com/v1alpha2",
};
constexpr std::string_view kNewApiVersion = "integration.rock8s.com/v1beta1";

// Fields that mean the same in both.
constexpr std::array<std::string_view, 12> kSameFields = {
    "socket",
    "interfaceVersions",
    "data",
    "dataConfigMapName",
    "dataSecretName",
    "config",
    "limit",
    "configConfigMapName",
    "configSecretName",
    "apparatus",
    "epoch",
    "interface",
};

bool isOld(std::string_view apiVersion) {
  return std::find(kOldApiVersions.begin(), kOldApiVersions.end(), apiVersion) !=
         kOldApiVersions.end();
}

bool isOurKind(std::string_view kind) {
  return kind == "Plug" || kind == "Socket" || kind == "Interface";
}

// "v0.0.1" was how versions were written; a semantic version has no "v".
std::string withoutV(std::string_view version) {
  if (version.size() > 1 && version[0] == 'v' &&
      std::isdigit(static_cast<unsigned char>(version[1])))
    version.remove_prefix(1);
  return std::string(version);
}

Value convertMetadata(const Value& old) {
  if (!old.isObject()) return old;
  Value metadata = old;
  for (const std::string_view field :
       {"creationTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid"}) {
    metadata.erase(field);
  }
  Value finalizers = Value::array();
  for (const Value& finalizer : old["finalizers"].items()) {
    // Today's operator sets its own.
    if (!finalizer.asString().starts_with("integration.")) finalizers.push(finalizer);
  }
  if (finalizers.empty()) {
    metadata.erase("finalizers");
  } else {
    metadata.set("finalizers", std::move(finalizers));
  }
  if (old["annotations"].isObject()) {
    Value& annotations = metadata.edit("annotations");
    annotations.erase("kubectl.kubernetes.io/last-applied-configuration");
    if (annotations.empty()) metadata.erase("annotations");
  }
  return metadata;
}

// "spec.socket.name", `data.tls\\.crt`. Nothing where the path is more than keys.
std::optional<std::vector<std::string>> parsePath(std::string_view path) {
  std::vector<std::string> keys(1);
  for (std::size_t i = 0; i < path.size(); ++i) {
    const char c = path[i];
    if (c == '\\' && i + 1 < path.size()) {
      keys.back() += path[++i];
    } else if (c == '.') {
      keys.emplace_back();
    } else if (std::string_view("#*?|@[]{}()!\"'` ").find(c) != std::string_view::npos) {
      return std::nullopt;
    } else {
      keys.back() += c;
    }
  }
  for (const std::string& key : keys) {
    const auto isDigit = [](unsigned char c) { return std::isdigit(c) != 0; };
    if (key.empty() || std::all_of(key.begin(), key.end(), isDigit)) return std::nullopt;
  }
  return keys;
}

// An action that prints what stands at the path, and nothing where nothing does, as the mapper had
// it. Nothing where it cannot be said so.
std::optional<std::string> actionOf(const std::vector<std::string>& keys) {
  static constexpr std::array<std::string_view, 5> kRoots = {"plug", "socket", "plugData",
                                                             "socketData", "vars"};
  if (keys.size() < 2 || std::find(kRoots.begin(), kRoots.end(), keys[0]) == kRoots.end())
    return std::nullopt;
  std::string action = "{% dig";
  for (std::size_t i = 1; i < keys.size(); ++i) {
    action += " \"";
    for (const char c : keys[i]) {
      if (c == '"' || c == '\\') action += '\\';
      action += c;
    }
    action += '"';
  }
  return action + " \"\" ." + keys[0] + " %}";
}

class Converter {
 public:
  explicit Converter(const Value& old) : old_(old) {}

  Conversion run() {
    Value& object = out_.object;
    object = Value::object({{"apiVersion", kNewApiVersion},
                            {"kind", old_["kind"]},
                            {"metadata", convertMetadata(old_["metadata"])}});
    object.set("spec", old_["kind"].asString() == "Interface" ? interfaceSpec() : sideSpec());
    out_.changed = true;
    return std::move(out_);
  }

 private:
  void leave(const std::string& field, const std::string& why) {
    out_.left.push_back(field + ": " + why);
  }

  void leaveUnknown(const Value& map, const std::string& path,
                    std::initializer_list<std::string_view> known) {
    for (const Member& member : map.members()) {
      if (std::find(known.begin(), known.end(), member.key()) == known.end())
        leave(path + "." + std::string(member.key()), "0.x had no such field; left out");
    }
  }

  Value interfaceSpec() {
    const Value& spec = old_["spec"];
    leaveUnknown(spec, "spec", {"schemas"});
    Value schemas = Value::array();
    if (!spec["schemas"].isNull() && !spec["schemas"].isArray())
      leave("spec.schemas", "left out: it is no list");
    for (std::size_t i = 0; i < spec["schemas"].items().size(); ++i) {
      const Value& schema = spec["schemas"].at(i);
      const std::string path = "spec.schemas[" + std::to_string(i) + "]";
      leaveUnknown(schema, path, {"version", "plugDefinition", "socketDefinition"});
      Value config = Value::object();
      for (const Side side : kSides) {
        const std::string name(nameOf(side));
        const Value& definition = schema[name + "Definition"];
        leaveUnknown(definition, path + "." + name + "Definition", {"description", "properties"});
        if (!definition["description"].empty()) {
          leave(path + "." + name + "Definition.description",
                "a schema has no description of its own; put it into a comment or an annotation");
        }
        if (!definition["properties"].empty()) config.set(name, definition["properties"]);
      }
      if (!schema["version"].isString())
        leave(path + ".version", "left out: it is no string; a version is one like \"1.0.0\"");
      schemas.push(Value::object(
          {{"version", withoutV(schema["version"].asString())}, {"config", std::move(config)}}));
    }
    return Value::object({{"schemas", std::move(schemas)}});
  }

  Value sideSpec() {
    const Value& old = old_["spec"];
    if (!old.isNull() && !old.isObject()) leave("spec", "left out: it is no map");
    Value spec = Value::object();
    for (const Member& member : old.members()) {
      const std::string_view key = member.key();
      const Value& value = member.value;
      if (key == "epoch" && value.isInt()) {
        spec.set("epoch", std::to_string(value.asInt()));
      } else if (std::find(kSameFields.begin(), kSameFields.end(), key) != kSameFields.end()) {
        spec.set(key, value);
      } else if (key == "configMapper") {
        setTemplates(spec, value);
      } else if (key == "vars") {
        spec.set("vars", vars(value));
      } else if (key == "resources") {
        spec.set("resources", resources(value));
      } else if (key == "namespaceScope") {
        if (!value.empty() && value.asString() != "*") {
          leave("spec.namespaceScope",
                "left out; name the namespaces in the socket's "
                "spec.validation.namespaceWhitelist, as regular expressions");
        }
      } else {
        leave("spec." + std::string(key), "0.x had no such field; left out");
      }
    }
    return spec;
  }

  void setTemplates(Value& spec, const Value& mapper) {
    if (!mapper.isObject()) leave("spec.configMapper", "left out: it is no map");
    for (const Member& member : mapper.members()) {
      const std::string path(member.value.asString());
      const auto action = actionOf(parsePath(path).value_or(std::vector<std::string>()));
      if (!action) {
        leave("spec.configMapper." + std::string(member.key()),
              "left out: \"" + path +
                  "\" is no path of keys in plug, socket, plugData, socketData or vars; write it "
                  "as a template in "
                  "spec.configTemplate");
        continue;
      }
      spec.edit("configTemplate").set(member.key(), *action);
    }
  }

  // kustomize's paths write indexes in brackets.
  std::string fieldPath(const std::string& field, const std::string& old) {
    std::string path;
    for (std::size_t i = 0; i < old.size(); ++i) {
      if (old[i] != '[') {
        path += old[i];
        continue;
      }
      const std::size_t end = old.find(']', i);
      const std::string inside =
          end == std::string::npos ? std::string() : old.substr(i + 1, end - i - 1);
      if (inside.empty() || inside.find_first_not_of("0123456789") != std::string::npos) {
        leave(field, "\"" + old + "\" stays as it is; write the path in gjson's syntax");
        return old;
      }
      path += "." + inside;
      i = end;
    }
    return path;
  }

  Value vars(const Value& list) {
    Value out = Value::array();
    if (!list.isArray()) {
      leave("spec.vars", "left out: it is no list");
      return out;
    }
    for (std::size_t i = 0; i < list.size(); ++i) {
      const std::string field = "spec.vars[" + std::to_string(i) + "]";
      Value var = list.at(i);
      if (!var["objref"].isObject()) {
        leave(field, "left out: it has no objref");
        continue;
      }
      Value& objref = var.edit("objref");
      if (isOld(objref["apiVersion"].asString())) objref.set("apiVersion", kNewApiVersion);
      if (isOld(objref["group"].toString() + "/" + objref["version"].toString())) {
        objref.erase("group");
        objref.erase("version");
        objref.set("apiVersion", kNewApiVersion);
      }
      if (const std::string path = list.at(i)["fieldref"]["fieldPath"].toString(); !path.empty())
        var.edit("fieldref").set("fieldPath", fieldPath(field + ".fieldref.fieldPath", path));
      out.push(std::move(var));
    }
    return out;
  }

  Value resources(const Value& list) {
    Value out = Value::array();
    if (!list.isArray()) {
      leave("spec.resources", "left out: it is no list");
      return out;
    }
    for (std::size_t i = 0; i < list.size(); ++i) {
      const std::string field = "spec.resources[" + std::to_string(i) + "]";
      const Value& old = list.at(i);
      leaveUnknown(old, field, {"when", "do", "resource"});
      Value action = Value::object();
      Value when = Value::array();
      // One event stands there by itself.
      const Value events = old["when"].isString() ? Value::array({old["when"]}) : old["when"];
      for (const Value& event : events.items()) {
        if (parseEvent(event.asString())) {
          when.push(event);
        } else {
          leave(field + ".when", "there is no event \"" + event.toString() + "\"; left out");
        }
      }
      if (when.empty() && !old["when"].empty()) continue;  // it would act on other events
      if (!when.empty()) action.set("when", std::move(when));
      if (!old["do"].empty()) action.set("do", old["do"]);
      if (!old["resource"].isString()) {
        leave(field + ".resource", "the action is left out: this is no text");
        continue;
      }
      Result<std::string> text = convertDelimiters(old["resource"].asString());
      if (!text) {
        leave(field + ".resource", "the action is left out: " + text.error().message);
        continue;
      }
      if (text->find("$(") != std::string::npos) {
        leave(
            field + ".resource",
            "$(NAME) is not replaced any more; where it is meant as a var, write {% .vars.NAME %}");
      }
      action.set("stringTemplate", std::move(*text));
      out.push(std::move(action));
    }
    return out;
  }

  const Value& old_;
  Conversion out_;
};

// Where the action ends that begins at `at` (behind its "{{"): the place of its "}}", over strings
// and comments.
Result<std::size_t> endOfAction(std::string_view text, std::size_t at) {
  const std::size_t begin = at;
  const auto unended = [&](const char* what) {
    const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<long>(begin), '\n');
    return fail(Code::BadRequest, std::string(what) + " that begins in line " +
                                      std::to_string(line) + " does not end");
  };
  if (text.substr(at, 2) == "- ") at += 2;
  if (text.substr(at, 2) == "/*") {
    const std::size_t end = text.find("*/", at + 2);
    if (end == std::string_view::npos) return unended("the comment");
    at = end + 2;
  }
  for (; at < text.size(); ++at) {
    if (text.substr(at, 2) == "}}") return at;
    const char quote = text[at];
    if (quote != '"' && quote != '`' && quote != '\'') continue;
    for (++at; at < text.size() && text[at] != quote; ++at) {
      if (text[at] == '\\' && quote != '`') ++at;
    }
  }
  return unended("the action");
}

}  // namespace

Result<std::string> convertDelimiters(std::string_view text) {
  std::string out;
  const auto appendText = [&out](std::string_view part) {
    for (std::size_t i = 0; i < part.size(); ++i) {
      if (part.substr(i, 2) == "{%") {
        out += "{% \"{%\" %}";
        ++i;
      } else {
        out += part[i];
      }
    }
  };
  std::size_t done = 0;
  for (std::size_t at; (at = text.find("{{", done)) != std::string_view::npos;) {
    appendText(text.substr(done, at - done));
    ASSIGN_OR_RETURN(const std::size_t end, endOfAction(text, at + 2));
    out.append("{%").append(text.substr(at + 2, end - at - 2)).append("%}");
    done = end + 2;
  }
  appendText(text.substr(done));
  return out;
}

Conversion convert(const Value& object) {
  if (isOld(object["apiVersion"].asString()) && isOurKind(object["kind"].asString()))
    return Converter(object).run();
  if (object["kind"].asString() != "List" || !object["items"].isArray()) return {object, false, {}};
  Conversion out{object, false, {}};
  Value items = Value::array();
  for (std::size_t i = 0; i < object["items"].size(); ++i) {
    Conversion item = convert(object["items"].at(i));
    out.changed |= item.changed;
    for (const std::string& left : item.left)
      out.left.push_back("items[" + std::to_string(i) + "]." + left);
    items.push(std::move(item.object));
  }
  out.object.set("items", std::move(items));
  return out;
}

}  // namespace iop::operators::api
