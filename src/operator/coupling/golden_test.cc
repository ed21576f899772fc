// Golden tests of the decisions: testdata/NAME.in.yaml holds the objects that exist,
// testdata/NAME.out.yaml what is decided, plan by plan, with every action taken to succeed. `make
// golden` writes the .out.yaml files anew.
//
// An input may also hold, besides Kubernetes objects:
//   kind: Case     {subject: socket}                  decide on the socket, not on the plug
//   kind: Answer   {side: plug, answer: {...}}        of an apparatus to POST /config
//   kind: Failure  {of: "apply ConfigMap made", code: Forbidden, message: ...}
//   kind: Rival    {name, namespace, created, state: Placed}
//   kind: Payload  {digest: ...}                      what was delivered last
//   kind: Pace     {inARow: 3, delivered: TIME}       how often it was updated

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/time.h"
#include "kube/api/object.h"
#include "operator/coupling/apparatus.h"
#include "operator/coupling/decide.h"
#include "operator/coupling/status.h"
#include "text/yaml.h"

namespace iop::operators::coupling {
namespace {

using kube::api::keyOf;

std::string readFile(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::ostringstream out;
  out << file.rdbuf();
  return out.str();
}

// The objects of one case, and the answers that a cluster would give about them.
class Fixture {
 public:
  explicit Fixture(const std::filesystem::path& input) {
    const auto documents = text::parseYamlDocuments(readFile(input));
    EXPECT_TRUE(documents) << input << ": " << (documents ? "" : documents.error().message);
    if (!documents) return;
    for (const text::YamlDocument& document : *documents) add(document.value);
    snapshot_.now = base::parseTime("2026-01-02T03:04:05Z").value();
  }

  std::string run() { return subject_ == "socket" ? runSocket() : runPlug(); }

 private:
  void add(const Value& object) {
    const std::string kind = object["kind"].toString();
    if (kind == "Case") {
      subject_ = object["subject"].toString();
    } else if (kind == "Answer") {
      answers_[object["side"].asString() == "plug" ? api::Side::Plug : api::Side::Socket] =
          object["answer"];
    } else if (kind == "Failure") {
      failures_.push_back(object);
    } else if (kind == "Payload") {
      snapshot_.deliveredPayload = object["digest"].toString();
    } else if (kind == "Pace") {
      snapshot_.pace.delivered = base::parseTime(object["delivered"].toString()).value();
      snapshot_.pace.inARow = static_cast<int>(object["inARow"].asInt());
    } else if (kind == "Rival") {
      const std::map<std::string, Rival::State> states = {{"Placed", Rival::State::Placed},
                                                          {"Queued", Rival::State::Queued},
                                                          {"Undecided", Rival::State::Undecided},
                                                          {"Elsewhere", Rival::State::Elsewhere}};
      snapshot_.rivals.push_back({{object["namespace"].toString(), object["name"].toString()},
                                  object["created"].toString(),
                                  states.at(object["state"].toString())});
    } else if (kind == "Plug" && snapshot_.plug.isNull()) {
      snapshot_.plug = object;
    } else {
      objects_.push_back(object);
    }
  }

  const Value* find(const GroupVersionKind& kind, const ObjectKey& key) const {
    for (const Value& object : objects_) {
      if (kube::api::kindOf(object) == kind && keyOf(object) == key) return &object;
    }
    return nullptr;
  }

  static Result<kube::api::Resource> resolve(const GroupVersionKind& kind) {
    static const std::map<std::string, std::pair<std::string, bool>> known = {
        {"ConfigMap", {"configmaps", true}},
        {"Secret", {"secrets", true}},
        {"Job", {"jobs", true}},
        {"ClusterRole", {"clusterroles", false}},
        {"Service", {"services", true}},
        {"Plug", {"plugs", true}},
    };
    if (kind.kind == "Unavailable")
      return fail(Code::ServiceUnavailable, "group " + kind.group + " does not answer");
    const auto found = known.find(kind.kind);
    if (found == known.end()) return fail(Code::NotFound, "the cluster has no kind " + kind.kind);
    return kube::api::Resource{kind.group, kind.version, found->second.first, kind.kind,
                               found->second.second};
  }

  void lookAround() {
    const auto ours = [&](const char* kind, const ObjectKey& key) {
      const Value* found = find({std::string(api::kGroup), std::string(api::kVersion), kind}, key);
      return found == nullptr ? Value() : *found;
    };
    snapshot_.socket = ours("Socket", api::socketOf(snapshot_.plug));
    const Progress progress = progressOf(snapshot_.plug);
    snapshot_.coupledSocket = Value();
    if (!progress.socketUid.empty()) {
      const Value recorded = ours("Socket", progress.socketKey);
      if (kube::api::uidOf(recorded) == progress.socketUid) snapshot_.coupledSocket = recorded;
    }
    for (const Value& object : objects_) {
      if (object["kind"].asString() == "Interface") snapshot_.interfaces[keyOf(object)] = object;
    }
  }

  void fetch(const Needs& needs) {
    for (const InputRef& ref : needs.contents) {
      const Value* found = find(ref.kind, ref.key);
      snapshot_.contents.insert_or_assign(
          ref, found != nullptr ? Result<Value>(*found)
                                : Result<Value>(fail(Code::NotFound, "not found")));
    }
    for (const InputRef& ref : needs.versions) {
      const Value* found = find(ref.kind, ref.key);
      snapshot_.versions[ref] =
          found == nullptr ? std::nullopt : std::optional(versionOf(snapshot_, ref, *found));
    }
    for (const GroupVersionKind& kind : needs.resources)
      snapshot_.resources.insert_or_assign(kind, resolve(kind));
    for (const ConfigRequest& request : needs.configs) {
      const auto found = answers_.find(request.side);
      Result<Value> answer = found != answers_.end()
                                 ? Result<Value>(found->second)
                                 : Result<Value>(tl::unexpected<Error>(Error{
                                       Code::Unreachable, "apparatus " + request.url + ": refused",
                                       std::string(kApparatusNotRunning), 0}));
      snapshot_.configAnswers.insert_or_assign(request.side,
                                               ConfigAnswer{request.identity, std::move(answer)});
    }
  }

  std::optional<Error> failureOf(const Action& action) const {
    std::string what;
    if (const auto* effect = std::get_if<Effect>(&action.what)) {
      what = effect->rendered.object["kind"].toString() + " " +
             std::string(kube::api::nameOf(effect->rendered.object));
    } else if (const auto* call = std::get_if<Call>(&action.what)) {
      what = call->url;
    } else if (const auto* prune = std::get_if<Prune>(&action.what)) {
      what = "prune " + prune->entry.object.name;
    }
    for (const Value& failure : failures_) {
      if (what.empty() || failure["of"].asString() != what) continue;
      return Error{base::codeOf(failure["code"].asString(), 0), failure["message"].toString(),
                   failure["cause"].toString(), 0};
    }
    return std::nullopt;
  }

  // Takes every action to succeed but those that the case fails. False where one ended the plan.
  bool carryOut(const Plan& plan, Value& object, std::string& out) {
    const Snapshot decided = snapshot_;  // as the decision saw it
    Value& status = object.edit("status");
    for (const Action& action : plan.actions) {
      if (const std::optional<Error> error = failureOf(action)) {
        if (isPassedOver(plan, *error)) continue;
        const FailureReport report = reportFailure(decided, status, plan, action, *error);
        Value failed = Value::object({{"failed", action.attempt}, {"status", report.status}});
        for (const Notice& notice : report.notices) {
          failed.edit("events").push(std::string(api::nameOf(notice.side)) + " " + notice.reason +
                                     ": " + notice.message);
        }
        out += "---\n" + text::printYaml(failed);
        return false;
      }
      if (std::holds_alternative<AddFinalizer>(action.what)) {
        object.edit("metadata").edit("finalizers").push(api::kFinalizer);
      } else if (std::holds_alternative<DeleteSelf>(action.what)) {
        object.edit("metadata").set("deletionTimestamp", "2026-01-02T03:04:05Z");
      } else if (const auto* mark = std::get_if<Mark>(&action.what)) {
        applyMark(status, *mark);
      } else if (const auto* effect = std::get_if<Effect>(&action.what);
                 effect != nullptr && effect->inInventory) {
        recordUid(status, effect->rendered.entry(),
                  "uid-" + effect->rendered.object["metadata"]["name"].toString());
      }
    }
    return true;
  }

  std::string runPlug() {
    std::string out;
    for (int round = 0; round < 30; ++round) {
      lookAround();
      const Plan plan = decidePlug(snapshot_);
      if (!plan.needs.empty()) {
        fetch(plan.needs);
        continue;
      }
      out += "---\n" + printPlan(plan);
      if (!carryOut(plan, snapshot_.plug, out) || !plan.again) return out;
      snapshot_.contents.clear();
      snapshot_.versions.clear();
    }
    ADD_FAILURE() << "the decisions do not come to rest";
    return out;
  }

  std::string runSocket() {
    SocketSnapshot snapshot;
    snapshot.now = snapshot_.now;
    for (const Value& object : objects_) {
      if (object["kind"].asString() == "Socket") snapshot.socket = object;
      if (object["kind"].asString() == "Plug") snapshot.coupledPlugs.push_back(object);
    }
    if (!snapshot_.plug.isNull()) snapshot.coupledPlugs.push_back(snapshot_.plug);
    snapshot.attachedPlugs = snapshot.coupledPlugs.size();
    std::string out;
    for (int round = 0; round < 30; ++round) {
      const Plan plan = decideSocket(snapshot);
      if (!plan.needs.empty()) {
        for (const GroupVersionKind& kind : plan.needs.resources) {
          snapshot.resources.insert_or_assign(kind, resolve(kind));
        }
        continue;
      }
      out += "---\n" + printPlan(plan);
      if (!carryOut(plan, snapshot.socket, out) || !plan.again) return out;
    }
    ADD_FAILURE() << "the decisions do not come to rest";
    return out;
  }

  Snapshot snapshot_;
  std::vector<Value> objects_;
  std::vector<Value> failures_;
  std::map<api::Side, Value> answers_;
  std::string subject_ = "plug";
};

std::vector<std::filesystem::path> inputs() {
  std::vector<std::filesystem::path> found;
  for (const auto& entry :
       std::filesystem::directory_iterator(IOP_SOURCE_DIR "/src/operator/coupling/testdata")) {
    if (entry.path().string().ends_with(".in.yaml")) found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

class Golden : public testing::TestWithParam<std::filesystem::path> {};

TEST_P(Golden, DecidesAsRecorded) {
  std::filesystem::path expected = GetParam();
  expected.replace_extension().replace_extension(".out.yaml");
  const std::string out = Fixture(GetParam()).run();
  if (std::getenv("IOP_GOLDEN") != nullptr) {
    std::ofstream(expected) << out;
    return;
  }
  EXPECT_EQ(out, readFile(expected))
      << "differs from " << expected << "; if that is meant: make golden";
}

INSTANTIATE_TEST_SUITE_P(Decisions, Golden, testing::ValuesIn(inputs()), [](const auto& param) {
  std::string name = param.param.filename().string();
  name = name.substr(0, name.find('.'));
  for (char& c : name) c = c == '-' ? '_' : c;
  return name;
});

}  // namespace
}  // namespace iop::operators::coupling
