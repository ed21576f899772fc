#include "operator/coupling/lookup.h"

#include <algorithm>

#include "kube/api/object.h"
#include "operator/coupling/digest.h"
#include "text/base64.h"
#include "text/json.h"

namespace iop::operators::coupling {
namespace {

using api::Side;

constexpr std::string_view kUnknown = "Unknown";

tl::unexpected<Error> unknown() {
  return tl::unexpected<Error>(Error{Code::Canceled, "not fetched yet", std::string(kUnknown), 0});
}

std::string describe(const InputRef& ref) { return ref.kind.kind + " " + ref.key.print(); }

Value decodeSecret(const Value& data) {
  std::vector<Member> members;
  members.reserve(data.size());
  for (const Member& member : data.members()) {
    members.emplace_back(member.key(),
                         text::decodeBase64(member.value.asString()).value_or(std::string()));
  }
  return Value::fromMembers(members);
}

}  // namespace

bool isCoupledItself(const InputRef& ref) {
  return ref.kind.group == api::kGroup && ref.user.empty();
}

bool isOwnKind(const InputRef& ref) { return ref.kind.group == api::kGroup && !ref.user.empty(); }

ObjectVersion versionOf(const Snapshot& snapshot, const InputRef& ref, const Value& object) {
  const std::string uid(kube::api::uidOf(object));
  if (!isOwnKind(ref)) return {uid, std::string(kube::api::resourceVersionOf(object))};
  const std::string generation = std::to_string(kube::api::generationOf(object));
  if (uid == kube::api::uidOf(snapshot.plug) || uid == kube::api::uidOf(snapshot.socket))
    return {uid, generation};
  Value status = object["status"].isObject() ? object["status"] : Value::object();
  for (const char* field : {"conditions", "coupling", "observedGeneration", "resources"})
    status.erase(field);
  Value conditions = Value::object();
  for (const Value& condition : object["status"]["conditions"].items()) {
    const std::string_view type = condition["type"].asString();
    if (type != api::condition::kReconciling) conditions.set(type, condition["status"]);
  }
  return {uid, generation + "-" +
                   digest(text::printJson(
                       Value::array({object["metadata"]["labels"],
                                     kube::api::isBeingDeleted(object), status, conditions})))};
}

bool isOtherState(const InputRef& ref, const ObjectVersion& now, const ObjectVersion& then) {
  if (now.uid != then.uid) return true;
  if (isOwnKind(ref)) return now.version != then.version;
  return kube::api::compareResourceVersions(now.version, then.version) > 0;
}

bool Lookup::isUnknown(const Error& error) { return error.cause == kUnknown; }

bool Lookup::passesOver(const Error& error) const {
  if (!isTolerant() || isUnknown(error)) return false;
  if (tolerance_ == Tolerance::Force) return true;
  switch (error.code) {
    case Code::NotFound:
    case Code::Forbidden:
    case Code::Unauthorized:
    case Code::Conflict:
    case Code::Timeout:  // a template's
      return true;
    default:
      return !error.isRetriable();
  }
}

Result<Value> Lookup::content(Side side, const InputRef& ref) {
  const auto found = snapshot_.contents.find(ref);
  if (found == snapshot_.contents.end()) {
    needs_.contents.insert(ref);
    return unknown();
  }
  if (!found->second) {
    const Error& error = found->second.error();
    if (error.isNotFound()) {
      return fail(Code::NotFound,
                  std::string(api::nameOf(side)) + "'s " + describe(ref) + " does not exist");
    }
    return tl::unexpected<Error>(
        error.withContext("read " + std::string(api::nameOf(side)) + "'s " + describe(ref)));
  }
  const Value& object = *found->second;
  Input input{side, ref, versionOf(snapshot_, ref, object)};
  const bool known = std::any_of(inputs_.begin(), inputs_.end(), [&](const Input& other) {
    return other.side == input.side && other.ref == input.ref;
  });
  if (!known) inputs_.push_back(std::move(input));
  return object;
}

Result<Value> Lookup::source(Side side, std::string_view kind, const ObjectKey& key) {
  ASSIGN_OR_RETURN(const Value object, content(side, {{"", "v1", std::string(kind)}, key, ""}));
  return kind == "Secret" ? decodeSecret(object["data"]) : object["data"];
}

Result<Value> Lookup::object(Side side, const GroupVersionKind& kind, const ObjectKey& key,
                             const std::string& user) {
  return content(side, {kind, key, user});
}

Result<kube::api::Resource> Lookup::resource(const GroupVersionKind& kind) {
  const auto found = snapshot_.resources.find(kind);
  if (found == snapshot_.resources.end()) {
    needs_.resources.insert(kind);
    return unknown();
  }
  lacksKind_ |= !found->second && found->second.error().isNotFound();
  return found->second;
}

Result<Value> Lookup::config(Side side, const std::string& url, const Value& body) {
  Value identity = body;
  for (const Side object : api::kSides) {
    Value& whole = identity.edit(api::nameOf(object));
    whole.erase("status");
    whole.edit("metadata").erase("resourceVersion");
  }
  const auto found = snapshot_.configAnswers.find(side);
  if (found == snapshot_.configAnswers.end() || found->second.identity != identity) {
    needs_.configs.push_back({side, url, body, std::move(identity)});
    return unknown();
  }
  return found->second.answer;
}

Value printInputs(const std::vector<Input>& inputs) {
  std::vector<Value> items;
  items.reserve(inputs.size());
  for (const Input& input : inputs) {
    Value item = Value::object({{"side", api::nameOf(input.side)},
                                {"apiVersion", input.ref.kind.apiVersion()},
                                {"kind", input.ref.kind.kind},
                                {"name", input.ref.key.name},
                                {"uid", input.version.uid},
                                {"version", input.version.version}});
    if (!input.ref.key.namespaceName.empty()) item.set("namespace", input.ref.key.namespaceName);
    if (!input.ref.user.empty()) item.set("user", input.ref.user);
    items.push_back(std::move(item));
  }
  return Value::fromItems(items);
}

std::vector<Input> parseInputs(const Value& list) {
  std::vector<Input> inputs;
  inputs.reserve(list.size());
  for (const Value& item : list.items()) {
    inputs.push_back({item["side"].asString() == "socket" ? api::Side::Socket : api::Side::Plug,
                      {kube::api::parseKind(item["apiVersion"].asString(), item["kind"].asString()),
                       {item["namespace"].toString(), item["name"].toString()},
                       item["user"].toString()},
                      {item["uid"].toString(), item["version"].toString()}});
  }
  return inputs;
}

}  // namespace iop::operators::coupling
