#include "operator/coupling/lint.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <set>

#include "gotemplate/regexp.h"
#include "gotemplate/semver.h"
#include "gotemplate/template.h"
#include "kube/api/object.h"
#include "operator/api/crds.h"
#include "operator/api/spec.h"
#include "operator/coupling/schema.h"
#include "text/yaml.h"

namespace iop::operators::coupling {
namespace {

using api::Event;
using api::Side;
using kube::api::keyOf;
using kube::api::ObjectKey;

using Names = std::set<std::string, std::less<>>;

constexpr std::array<Event, 5> kEvents = {Event::Created, Event::Coupled, Event::Updated,
                                          Event::Decoupled, Event::Deleted};

const Names kTopLevel = {"apiVersion", "kind", "metadata", "status"};

std::string join(const Names& names) {
  std::string out;
  for (const std::string& name : names) out.append(out.empty() ? "" : ", ").append(name);
  return out;
}

// The number of edits that make one of the other; at most `most` + 1.
std::size_t distance(std::string_view a, std::string_view b, std::size_t most) {
  if (std::max(a.size(), b.size()) - std::min(a.size(), b.size()) > most) return most + 1;
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

// "; did you mean \"hostname\"?", or what there is.
std::string suggest(std::string_view name, const Names& known) {
  constexpr std::size_t kMostEdits = 2;  // and no more than one in three letters
  constexpr std::size_t kMostListed = 12;
  const std::string* best = nullptr;
  std::size_t least = kMostEdits + 1;
  for (const std::string& candidate : known) {
    const std::size_t edits = distance(name, candidate, kMostEdits);
    if (edits >= least || edits * 3 > name.size()) continue;
    least = edits;
    best = &candidate;
  }
  if (best != nullptr) return "; did you mean \"" + *best + "\"?";
  if (known.empty() || known.size() > kMostListed) return {};
  return "; there are: " + join(known);
}

// The names of an interface's properties; nothing where any name passes, or where it is not known.
struct InterfaceNames {
  std::map<std::pair<Schema::Part, Side>, Names> known;
  std::set<std::pair<Schema::Part, Side>> open;  // any name passes

  const Names* find(Schema::Part part, Side side) const {
    const auto found = known.find({part, side});
    return found == known.end() || open.contains({part, side}) ? nullptr : &found->second;
  }

  // What one schema names; of several the union is kept.
  void add(const Value& schema) {
    for (const Side side : api::kSides) {
      if (schema["config"].isObject()) {
        addNames(Schema::Part::Config, side, schema["config"]);
      } else {
        open.insert({Schema::Part::Config, side});
      }
      if (schema["result"][api::nameOf(side)].isObject()) {
        addNames(Schema::Part::Result, side, schema["result"]);
      } else {
        open.insert({Schema::Part::Result, side});
      }
    }
  }

 private:
  void addNames(Schema::Part part, Side side, const Value& sides) {
    Names& names = known[{part, side}];
    for (const Member& member : sides[api::nameOf(side)].members())
      names.insert(std::string(member.key()));
  }
};

class Linter {
 public:
  explicit Linter(const std::vector<Value>& objects) : objects_(objects) {
    for (const Value& object : objects) {
      if (!isOurs(object)) continue;
      // Of several with one name (for several clusters, perhaps) nobody knows which one it will be.
      const auto [found, isNew] =
          byKey_.try_emplace({object["kind"].toString(), keyOf(object)}, &object);
      if (!isNew) found->second = nullptr;
    }
  }

  std::vector<Finding> run() {
    for (at_ = 0; at_ < objects_.size(); ++at_) {
      const Value& object = objects_[at_];
      if (!isOurs(object)) continue;
      const std::string kind = object["kind"].toString();
      if (object["apiVersion"].asString() !=
          std::string(api::kGroup) + "/" + std::string(api::kVersion)) {
        note("apiVersion",
             "\"" + object["apiVersion"].toString() +
                 "\" is not served; manifests of 0.x releases are made into today's by "
                 "integration-operator convert");
        continue;
      }
      const Value* schema = api::findCrdSchema(kind);
      if (schema == nullptr) {
        note("kind", "the group " + std::string(api::kGroup) + " has no kind \"" + kind + "\"");
        continue;
      }
      for (const Member& member : object.members()) {
        const std::string name(member.key());
        if (name != "spec" && !kTopLevel.contains(name))
          note(name, "there is no field \"" + name + "\"" + suggest(name, {"metadata", "spec"}));
      }
      if (!object["spec"].isObject()) {
        note("spec", "it has no spec");
        continue;
      }
      unknownFields(object["spec"], (*schema)["properties"]["spec"], "spec");
      if (kind == "Plug") checkSide(object, Side::Plug);
      if (kind == "Socket") checkSide(object, Side::Socket);
      if (kind == "Socket") checkSocket(object);
      if (kind == "Interface") checkInterface(object);
    }
    return std::move(findings_);
  }

 private:
  // What a template may name, by the events on which it is rendered.
  struct Scope {
    Names names;
    std::string when;  // for messages: "on created"
    const Names* vars = nullptr;
    const Names* resultVars = nullptr;
  };

  static bool isOurs(const Value& object) {
    return object["apiVersion"].asString().starts_with(std::string(api::kGroup) + "/");
  }

  void note(std::string path, std::string message, int lines = 0, int bytes = 0) {
    findings_.push_back({at_, std::move(path), lines, bytes, std::move(message)});
  }

  // An error that begins with its field ("spec.vars[0].name is required").
  void noteError(const Error& error) {
    const std::size_t end = error.message.find_first_of(": ");
    const std::size_t rest = error.message.find_first_not_of(": ", end);
    note(error.message.substr(0, end),
         rest == std::string::npos ? error.message : error.message.substr(rest));
  }

  const Value* find(const std::string& kind, const ObjectKey& key) const {
    const auto found = byKey_.find({kind, key});
    return found == byKey_.end() ? nullptr : found->second;
  }

  // Fields that an API server drops, or refuses where it is strict.
  void unknownFields(const Value& value, const Value& schema, const std::string& path) {
    if (schema["x-kubernetes-preserve-unknown-fields"].asBool()) return;
    for (std::size_t i = 0; i < value.items().size(); ++i)
      unknownFields(value.at(i), schema["items"], path + "[" + std::to_string(i) + "]");
    for (const Member& member : value.members()) {
      const std::string name(member.key());
      const std::string field = path + "." + name;
      if (const Value* known = schema["properties"].find(name)) {
        unknownFields(member.value, *known, field);
      } else if (schema["additionalProperties"].isObject()) {
        unknownFields(member.value, schema["additionalProperties"], field);
      } else if (schema["properties"].isObject()) {
        Names names;
        for (const Member& property : schema["properties"].members())
          names.insert(std::string(property.key()));
        note(field, "there is no field \"" + name + "\"" + suggest(name, names));
      }
    }
  }

  // Of what both sides have.
  void checkSide(const Value& own, Side side) {
    const Value& spec = own["spec"];
    const std::string versions = api::interfaceVersionsOf(own);
    if (const auto parsed = gotemplate::SemverConstraints::parse(versions); !parsed)
      note("spec.interfaceVersions", "\"" + versions + "\": " + parsed.error().message);
    const InterfaceNames names = interfaceOf(own, side, versions);
    checkKeys(spec, side, names);

    const Names vars = namesOf(spec["vars"]);
    const Names resultVars = namesOf(spec["resultVars"]);
    Names allVars = resultVars;
    allVars.insert(vars.begin(), vars.end());
    for (const char* list : {"vars", "resultVars"}) {
      if (const auto parsed = api::parseVars(spec[list], std::string("spec.") + list); !parsed)
        noteError(parsed.error());
    }
    const Names objects = {"plug", "socket"};
    const auto with = [](Names base, std::initializer_list<const char*> more) {
      base.insert(more.begin(), more.end());
      return base;
    };
    const Names data = with(objects, {"plugData", "socketData", "vars"});
    const Names configs = with(data, {"plugConfig", "socketConfig"});
    const Names results = with(configs, {"plugResult", "socketResult", "result", "resultVars"});
    for (const char* list : {"vars", "resultVars"}) {
      for (std::size_t i = 0; i < spec[list].size(); ++i) {
        const std::string path =
            std::string("spec.") + list + "[" + std::to_string(i) + "].objref.";
        for (const char* field : {"templateName", "templateNamespace"}) {
          checkText(spec[list].at(i)["objref"][field], path + field, {objects, "in a var"}, names,
                    side);
        }
      }
    }
    checkTexts(spec["configTemplate"], "spec.configTemplate", {data, "in configTemplate", &vars},
               names, side);
    checkTexts(spec["resultTemplate"], "spec.resultTemplate",
               {with(configs, {"resultVars"}), "in resultTemplate", &allVars, &resultVars}, names,
               side);
    const Names alone = {std::string(api::nameOf(side))};
    for (std::size_t i = 0; i < spec["resources"].size(); ++i) {
      checkAction(spec["resources"].at(i), "spec.resources[" + std::to_string(i) + "]", alone,
                  configs, vars, names, side);
    }
    for (std::size_t i = 0; i < spec["resultResources"].size(); ++i) {
      const std::string path = "spec.resultResources[" + std::to_string(i) + "]";
      checkTemplates(spec["resultResources"].at(i), path,
                     {results, "in resultResources", &allVars, &resultVars}, names, side);
    }
    for (const char* list : {"resources", "resultResources"}) {
      if (const auto parsed = api::parseActions(spec[list], std::string("spec.") + list); !parsed)
        noteError(parsed.error());
    }
  }

  void checkAction(const Value& action, const std::string& path, const Names& alone,
                   const Names& coupled, const Names& vars, const InterfaceNames& names,
                   Side side) {
    const auto parsed = api::parseActions(Value::array({action}), path);
    if (!parsed) return;  // told by the caller, with its place
    if (!action["when"].isNull() && !action["when"].isArray()) {
      note(path + ".when", "it must be a list of events");
      return;
    }
    const api::EventSet when = (*parsed)[0].when;
    Names events;
    bool isCoupling = false;
    for (const Event event : kEvents) {
      if (!when.has(event)) continue;
      events.insert(std::string(api::nameOf(event)));
      isCoupling |= event != Event::Created && event != Event::Deleted;
    }
    if (events.empty()) {
      note(path + ".when", "there is no event in it: this is never done");
      return;
    }
    checkTemplates(action, path, {isCoupling ? coupled : alone, "on " + join(events), &vars}, names,
                   side);
  }

  void checkTemplates(const Value& action, const std::string& path, const Scope& scope,
                      const InterfaceNames& names, Side side) {
    bool any = false;
    const auto each = [&](const Value& value, const std::string& field, bool structured) {
      any = true;
      if (structured) {
        checkStructure(value, field, scope, names, side);
      } else {
        checkText(value, field, scope, names, side);
        checkYaml(value, field);
      }
    };
    for (const bool structured : {true, false}) {
      const std::string one = structured ? "template" : "stringTemplate";
      if (!action[one].isNull()) each(action[one], path + "." + one, structured);
      for (std::size_t i = 0; i < action[one + "s"].size(); ++i)
        each(action[one + "s"].at(i), path + "." + one + "s[" + std::to_string(i) + "]",
             structured);
    }
    if (!any) note(path, "it has no template: nothing is done");
  }

  // A text without actions is the same each time.
  void checkYaml(const Value& value, const std::string& path) {
    if (!value.isString() || gotemplate::containsAction(value.asString())) return;
    if (const auto parsed = text::parseYamlDocuments(value.asString()); !parsed)
      note(path, parsed.error().message);
  }

  void checkStructure(const Value& value, const std::string& path, const Scope& scope,
                      const InterfaceNames& names, Side side) {
    checkText(value, path, scope, names, side);
    for (std::size_t i = 0; i < value.items().size(); ++i)
      checkStructure(value.at(i), path + "[" + std::to_string(i) + "]", scope, names, side);
    for (const Member& member : value.members()) {
      const std::string field = path + "." + std::string(member.key());
      checkText(Value(member.key()), field, scope, names, side);
      checkStructure(member.value, field, scope, names, side);
    }
  }

  void checkTexts(const Value& map, const std::string& path, const Scope& scope,
                  const InterfaceNames& names, Side side) {
    for (const Member& member : map.members())
      checkText(member.value, path + "." + std::string(member.key()), scope, names, side);
  }

  void checkText(const Value& value, const std::string& path, const Scope& scope,
                 const InterfaceNames& names, Side side) {
    if (!value.isString() || !gotemplate::containsAction(value.asString())) return;
    const auto parsed = gotemplate::Template::parse(value.asString());
    if (!parsed) {
      note(path, parsed.error().message, lineOf(parsed.error().message) - 1);
      return;
    }
    for (const gotemplate::FieldUse& use : parsed->fields()) {
      if (const std::string wrong = judge(use.names, scope, names, side); !wrong.empty())
        note(path, wrong, use.line - 1, use.column);
    }
  }

  // The line that an error of Go's form ("template: NAME:LINE: …") names; 1 if none.
  static int lineOf(std::string_view message) {
    constexpr std::string_view kPrefix = "template: :";
    int line = 1;
    if (message.starts_with(kPrefix))
      std::from_chars(message.data() + kPrefix.size(), message.data() + message.size(), line);
    return std::max(line, 1);
  }

  // Why what a template names is never there; empty if it may be.
  static std::string judge(const std::vector<std::string>& used, const Scope& scope,
                           const InterfaceNames& names, Side side) {
    const std::string& root = used[0];
    if (!scope.names.contains(root)) {
      return "." + root + " is never there " + scope.when + suggest(root, scope.names);
    }
    if (used.size() < 2) return {};
    const Names* known = nullptr;
    std::string where = "the interface has no ";
    if (root == "vars" || root == "resultVars") {
      known = root == "vars" ? scope.vars : scope.resultVars;
      where = "there is no var ";
    } else if (root == "plugConfig" || root == "socketConfig") {
      known = names.find(Schema::Part::Config, root == "plugConfig" ? Side::Plug : Side::Socket);
    } else if (root == "plugResult" || root == "socketResult" || root == "result") {
      const Side whose = root == "result" ? side : root == "plugResult" ? Side::Plug : Side::Socket;
      known = names.find(Schema::Part::Result, whose);
    }
    if (known == nullptr || known->contains(used[1])) return {};
    return "." + root + "." + used[1] + ": " + where + "\"" + used[1] + "\"" +
           suggest(used[1], *known);
  }

  static Names namesOf(const Value& vars) {
    Names names;
    for (const Value& var : vars.items()) names.insert(var["name"].toString());
    return names;
  }

  // The names that the two sides of `own` may use, as far as the objects tell.
  InterfaceNames interfaceOf(const Value& own, Side side, const std::string& versions) const {
    InterfaceNames names;
    const Value* socket = side == Side::Socket ? &own : find("Socket", api::socketOf(own));
    if (const auto key = api::interfaceOf(own)) {
      addInterface(names, *key, versions);
    } else if (socket != nullptr && api::hasInlineSchema(*socket)) {
      names.add((*socket)["spec"]["interface"]);
    } else if (socket != nullptr) {
      if (const auto its = api::interfaceOf(*socket))
        addInterface(names, *its, api::interfaceVersionsOf(*socket));
    }
    return names;
  }

  void addInterface(InterfaceNames& names, const ObjectKey& key,
                    const std::string& versions) const {
    const Value* interface = find("Interface", key);
    const auto accepted = gotemplate::SemverConstraints::parse(versions);
    if (interface == nullptr || !accepted) return;
    for (const Value& schema : (*interface)["spec"]["schemas"].items()) {
      const auto version = gotemplate::parseSemver(schema["version"].asString());
      if (version && accepted->check(*version)) names.add(schema);
    }
  }

  void checkKeys(const Value& spec, Side side, const InterfaceNames& names) {
    const auto check = [&](const char* field, Schema::Part part) {
      const Names* known = names.find(part, side);
      if (known == nullptr) return;
      for (const Member& member : spec[field].members()) {
        const std::string name(member.key());
        if (known->contains(name)) continue;
        note(std::string("spec.") + field + "." + name,
             "the interface has no \"" + name + "\" for the " + std::string(api::nameOf(side)) +
                 "'s " + (part == Schema::Part::Config ? "config" : "result") + ": it is dropped" +
                 suggest(name, *known));
      }
    };
    check("config", Schema::Part::Config);
    check("configTemplate", Schema::Part::Config);
    check("result", Schema::Part::Result);
    check("resultTemplate", Schema::Part::Result);
  }

  void checkSocket(const Value& socket) {
    const Value& spec = socket["spec"];
    if (api::hasInlineSchema(socket) && api::interfaceOf(socket))
      note("spec.interface", "it has a schema and names an Interface; only one of them can be");
    checkSchema(spec["interface"], "spec.interface");
    for (const char* list : {"namespaceBlacklist", "namespaceWhitelist"}) {
      const Value& patterns = spec["validation"][list];
      for (std::size_t i = 0; i < patterns.size(); ++i) {
        const auto compiled = gotemplate::compileRegexp(patterns.at(i).toString());
        if (compiled) continue;
        note(std::string("spec.validation.") + list + "[" + std::to_string(i) + "]",
             compiled.error().message);
      }
    }
  }

  void checkInterface(const Value& interface) {
    const Value& schemas = interface["spec"]["schemas"];
    Names versions;
    for (std::size_t i = 0; i < schemas.items().size(); ++i) {
      const std::string path = "spec.schemas[" + std::to_string(i) + "]";
      const std::string version = schemas.at(i)["version"].toString();
      if (!gotemplate::parseSemver(version)) {
        note(path + ".version", "\"" + version + "\" is no semantic version such as 1.2.0");
      } else if (!versions.insert(version).second) {
        note(path + ".version", "version " + version + " is there already");
      }
      checkSchema(schemas.at(i), path);
    }
  }

  void checkSchema(const Value& object, const std::string& path) {
    if (const auto schema = Schema::parse(object, path); !schema) {
      noteError(schema.error());
      return;
    }
    for (const Schema::Part part : {Schema::Part::Config, Schema::Part::Result}) {
      const std::string partName = part == Schema::Part::Config ? "config" : "result";
      for (const Side side : api::kSides) {
        const std::string sideName(api::nameOf(side));
        for (const Member& member : object[partName][sideName].members())
          checkDefault(part, side, member, path + "." + partName + "." + sideName);
      }
    }
  }

  // A default is judged like any value: one that breaks the rules of its property breaks every
  // coupling that needs it.
  void checkDefault(Schema::Part part, Side side, const Member& member, const std::string& path) {
    if (!member.value["default"].isString()) return;
    const Value alone = Value::object(
        {{part == Schema::Part::Config ? "config" : "result",
          Value::object({{api::nameOf(side), Value::object({{member.key(), member.value}})}})}});
    const auto schema = Schema::parse(alone, path);
    if (!schema) return;
    if (const auto valid = schema->validate(part, side, Value::object()); !valid)
      note(path + "." + std::string(member.key()) + ".default",
           "the default " + valid.error().message);
  }

  const std::vector<Value>& objects_;
  std::map<std::pair<std::string, ObjectKey>, const Value*> byKey_;
  std::size_t at_ = 0;
  std::vector<Finding> findings_;
};

}  // namespace

std::vector<Finding> lint(const std::vector<Value>& objects) { return Linter(objects).run(); }

}  // namespace iop::operators::coupling
