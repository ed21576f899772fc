// Public sockets and plugs with the outcome that must follow (../shared/corpus/README.md says how
// states compare). They are read from there; where the folder is absent this says so.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "kube/api/object.h"
#include "kube/client/client.h"
#include "tests/e2e/harness.h"
#include "text/base64.h"
#include "text/yaml.h"

namespace iop::e2e {
namespace {

namespace fs = std::filesystem;
using kube::api::ObjectKey;
using kube::api::Resource;

constexpr std::string_view kOurs = "integration.rock8s.com";

fs::path corpusFolder() {
  const char* shared = std::getenv("IOP_SHARED");
  return (shared != nullptr ? fs::path(shared) : fs::path(IOP_SOURCE_DIR) / ".." / "shared") /
         "corpus";
}

std::vector<std::string> cases() {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(corpusFolder(), error)) {
    if (fs::exists(entry.path() / "input.yaml")) names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  if (names.empty()) names.emplace_back("absent");
  return names;
}

std::vector<Value> readDocuments(const fs::path& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  std::vector<Value> objects;
  const auto documents = text::parseYamlDocuments(text.str());
  EXPECT_TRUE(documents) << path << ": " << (documents ? "" : documents.error().message);
  if (!documents) return objects;
  for (const text::YamlDocument& document : *documents) {
    if (!document.value.isNull()) objects.push_back(document.value);
  }
  return objects;
}

// Everything of `expected` is in `actual`, and lists have the same length; the first difference in
// words.
std::string firstMissing(const Value& expected, const Value& actual, const std::string& path) {
  if (expected.isObject()) {
    if (!actual.isObject()) return path + " is no object";
    for (const Member& member : expected.members()) {
      const Value* found = actual.find(member.key());
      // Typed objects come back without what is empty.
      if (found == nullptr && member.value.isString() && member.value.empty()) continue;
      if (found == nullptr) return path + "." + std::string(member.key()) + " is missing";
      std::string difference =
          firstMissing(member.value, *found, path + "." + std::string(member.key()));
      if (!difference.empty()) return difference;
    }
    return {};
  }
  if (expected.isArray()) {
    if (actual.size() != expected.size()) return path + " has another length";
    for (std::size_t i = 0; i < expected.size(); ++i) {
      std::string difference =
          firstMissing(expected.at(i), actual.at(i), path + "[" + std::to_string(i) + "]");
      if (!difference.empty()) return difference;
    }
    return {};
  }
  if (expected.isNumber() && actual.isNumber() && expected.asDouble() == actual.asDouble())
    return {};
  return expected == actual ? std::string()
                            : path + " differs: expected " + text::printYaml(expected) +
                                  " but is " + text::printYaml(actual);
}

// What the field manager owns (fieldsV1) is in `expected`, too; the first path that is not.
std::string firstExtra(const Value& fields, const Value& expected, const std::string& path) {
  for (const Member& member : fields.members()) {
    const std::string key(member.key());
    if (!key.starts_with("f:")) continue;  // list items: their lengths are compared already
    const std::string name = key.substr(2);
    const std::string below = path + "." + name;
    if (path == ".metadata" && (name == "labels" || name == "annotations")) {
      for (const Member& label : member.value.members()) {
        const std::string labelName = label.name.toString();
        if (!labelName.starts_with("f:") ||
            labelName.substr(2).starts_with("integration.rock8s.com/"))
          continue;
        if (!expected[name].contains(labelName.substr(2))) return below + "." + labelName.substr(2);
      }
      continue;
    }
    if (path == ".metadata" && name == "ownerReferences") continue;
    if (!expected.contains(name)) return below;
    std::string extra = firstExtra(member.value, expected[name], below);
    if (!extra.empty()) return extra;
  }
  return {};
}

class Corpus : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (GetParam() == "absent") GTEST_SKIP() << "NOT RUN: there is no corpus in " << corpusFolder();
    if (Cluster::find() == nullptr) {
      GTEST_SKIP() << "NOT RUN: no cluster";
    }
    sharedOperator();
  }

  kube::client::Client& client() { return Cluster::find()->client(); }

  void apply(const Value& object) {
    Result<Resource> resource = fail(Code::NotFound, "");
    // A namespace of an earlier case may still be going.
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    Result<Value> applied = fail(Code::NotFound, "");
    kube::client::CallOptions options;
    options.fieldManager = "corpus";
    options.force = true;
    // A kind whose CRD has just been made takes a moment.
    do {
      resource = client().resolve(kube::api::kindOf(object));
      if (resource) {
        applied = client().patch(*resource, kube::api::keyOf(object),
                                 kube::client::PatchType::Apply, object, options);
        if (applied ? !kube::api::isBeingDeleted(*applied) : !applied.error().isNotFound()) break;
      }
      usleep(50'000);
    } while (std::chrono::steady_clock::now() < deadline);
    ASSERT_TRUE(applied && !kube::api::isBeingDeleted(*applied))
        << object["kind"].toString() << " " << kube::api::keyOf(object).print() << ": "
        << (!resource  ? resource.error().message
            : !applied ? applied.error().message
                       : "is still being deleted");
    if (object["kind"].asString() == "Namespace")
      namespaces_.push_back(object["metadata"]["name"].toString());
    if (object["kind"].asString() == "CustomResourceDefinition") return;
    std::erase_if(inputs_, [&](const Value& input) {
      return input["kind"] == object["kind"] && kube::api::keyOf(input) == kube::api::keyOf(object);
    });
    inputs_.push_back(*applied);
  }

  // Namespaces, accounts and rights first.
  void applyAll(const fs::path& path) {
    std::vector<Value> objects = readDocuments(path);
    const auto rank = [](const Value& object) {
      const std::string_view kind = object["kind"].asString();
      if (kind == "CustomResourceDefinition") return 0;
      if (kind == "Namespace") return 1;
      if (kind == "ServiceAccount" || kind.find("Role") != std::string_view::npos) return 2;
      return 3;
    };
    std::stable_sort(objects.begin(), objects.end(),
                     [&](const Value& a, const Value& b) { return rank(a) < rank(b); });
    for (const Value& object : objects) {
      apply(object);
      if (HasFatalFailure()) return;
    }
  }

  Result<Value> getOurs(const std::string& plural, const std::string& kind, const Value& named) {
    return client().get({std::string(kOurs), "v1beta1", plural, kind, true},
                        {named["namespace"].toString(), named["name"].toString()}, {});
  }

  std::string compareConditions(const Value& expected, const Value& object) {
    if (expected["conditions"].isNull()) return {};
    bool failedListed = false;
    for (const Value& wanted : expected["conditions"].items()) {
      failedListed |= wanted["type"].asString() == "Failed";
      bool found = false;
      std::string present;
      for (const Value& item : object["status"]["conditions"].items()) {
        present += " " + item["type"].toString() + "=" + item["status"].toString() + "/" +
                   item["reason"].toString() + "(" + item["message"].toString() + ")";
        found |= item["type"] == wanted["type"] && item["status"] == wanted["status"] &&
                 item["reason"] == wanted["reason"];
      }
      if (!found)
        return "condition " + wanted["type"].toString() + "/" + wanted["reason"].toString() +
               " is not there, but" + present;
    }
    for (const Value& item : object["status"]["conditions"].items()) {
      if (!failedListed && item["type"].asString() == "Failed" &&
          item["status"].asString() == "True") {
        return "Failed is true: " + item["message"].toString();
      }
    }
    return {};
  }

  std::string comparePlugs(const Value& state) {
    for (const Value& expected : state["plugs"].items()) {
      const auto plug = getOurs("plugs", "Plug", expected);
      const std::string who = "plug " + expected["name"].toString();
      if (!plug) return who + ": " + plug.error().message;
      if (const Value* socket = expected.find("coupledSocket")) {
        const Value& actual = (*plug)["status"]["coupledSocket"];
        if (socket->isNull() ? !actual.isNull()
                             : actual["name"] != (*socket)["name"] ||
                                   actual["namespace"] != (*socket)["namespace"]) {
          return who + ": coupledSocket differs";
        }
      }
      if (const Value* result = expected.find("coupledResult")) {
        const Value& actual = (*plug)["status"]["coupledResult"];
        if (result->isNull()) {
          if (!actual.isNull()) return who + ": coupledResult is there";
        } else {
          for (const char* side : {"plug", "socket"}) {
            const Value want = (*result)[side].isNull() ? Value::object() : (*result)[side];
            const Value have = actual[side].isNull() ? Value::object() : actual[side];
            if (want != have)
              return who + ": coupledResult." + side + " is " + text::printYaml(have);
          }
        }
      }
      if (std::string difference = compareConditions(expected, *plug); !difference.empty())
        return who + ": " + difference;
    }
    return {};
  }

  std::string compareSockets(const Value& state) {
    for (const Value& expected : state["sockets"].items()) {
      const auto socket = getOurs("sockets", "Socket", expected);
      const std::string who = "socket " + expected["name"].toString();
      if (!socket) return who + ": " + socket.error().message;
      if (const Value* count = expected.find("coupledPlugs")) {
        if ((*socket)["status"]["coupledPlugs"].size() !=
            static_cast<std::size_t>(count->asInt())) {
          return who + ": has " + std::to_string((*socket)["status"]["coupledPlugs"].size()) +
                 " plugs";
        }
      }
      if (std::string difference = compareConditions(expected, *socket); !difference.empty())
        return who + ": " + difference;
    }
    return {};
  }

  std::string compareDeferred(const Value& state) {
    for (const Value& expected : state["deferredResources"].items()) {
      const auto deferred = getOurs("deferredresources", "DeferredResource", expected);
      const std::string who = "deferred resource " + expected["name"].toString();
      if (!deferred) return who + ": " + deferred.error().message;
      const Value& owned = (*deferred)["status"]["ownerReferences"];
      for (const Member& member : expected["ownerReferences"].members()) {
        if (owned[member.key()] != member.value)
          return who + ": ownerReferences are " + text::printYaml(owned);
      }
      if (std::string difference = compareConditions(expected, *deferred); !difference.empty())
        return who + ": " + difference;
    }
    return {};
  }

  std::string compareObjects(const Value& state) {
    for (const Value& expected : state["objects"].items()) {
      const std::string who =
          expected["kind"].toString() + " " + kube::api::keyOf(expected).print();
      const auto resource = client().resolve(kube::api::kindOf(expected));
      if (!resource) return who + ": " + resource.error().message;
      const auto actual = client().get(*resource, kube::api::keyOf(expected), {});
      if (!actual) return who + ": " + actual.error().message;
      if (std::string difference = firstMissing(expected, *actual, ""); !difference.empty())
        return who + ": " + difference;
      if (resource->group.empty() &&
          (resource->kind == "ConfigMap" || resource->kind == "Secret")) {
        if (expected["data"].size() != (*actual)["data"].size())
          return who + ": data has other keys";
      }
      for (const Value& manager : (*actual)["metadata"]["managedFields"].items()) {
        if (manager["manager"].asString() != "integration-operator") continue;
        if (std::string extra = firstExtra(manager["fieldsV1"], expected, ""); !extra.empty()) {
          return who + ": has " + extra + ", which is not expected";
        }
      }
    }
    return {};
  }

  bool isExpected(const Value& state, const Value& object) const {
    const auto same = [&](const Value& other) {
      return other["kind"] == object["kind"] && kube::api::keyOf(other) == kube::api::keyOf(object);
    };
    const auto objects = state["objects"].items();
    return std::any_of(objects.begin(), objects.end(), same) ||
           std::any_of(inputs_.begin(), inputs_.end(), same);
  }

  // No object in the case's namespaces besides what is expected and the inputs, which must still be
  // there.
  std::string compareRest(const Value& state) {
    std::vector<Resource> kinds = {{"", "v1", "configmaps", "ConfigMap", true},
                                   {"", "v1", "secrets", "Secret", true},
                                   {"", "v1", "services", "Service", true},
                                   {"", "v1", "serviceaccounts", "ServiceAccount", true},
                                   {"batch", "v1", "jobs", "Job", true},
                                   {"batch", "v1", "cronjobs", "CronJob", true},
                                   {"apps", "v1", "deployments", "Deployment", true},
                                   {"networking.k8s.io", "v1", "ingresses", "Ingress", true}};
    for (const Value& crd : crds_) {
      kinds.push_back({crd["spec"]["group"].toString(),
                       crd["spec"]["versions"].at(0)["name"].toString(),
                       crd["spec"]["names"]["plural"].toString(),
                       crd["spec"]["names"]["kind"].toString(), true});
    }
    for (const std::string& namespaceName : namespaces_) {
      for (const Resource& kind : kinds) {
        const auto page = client().list(kind, namespaceName, {}, {});
        if (!page) return kind.kind + ": " + page.error().message;
        for (Value object : (*page)["items"].items()) {
          object.set("kind", kind.kind);
          const std::string_view name = kube::api::nameOf(object);
          if (kube::api::isBeingDeleted(object) || name == "kube-root-ca.crt" ||
              (kind.kind == "ServiceAccount" && name == "default"))
            continue;
          if (!isExpected(state, object))
            return kind.kind + " " + kube::api::keyOf(object).print() + " is left over";
        }
      }
    }
    const auto isAbsent = [&](const Value& input) {
      const auto absent = state["absent"].items();
      return std::any_of(absent.begin(), absent.end(), [&](const Value& item) {
        return item["kind"] == input["kind"] &&
               item["name"].asString() == kube::api::nameOf(input) &&
               item["namespace"].asString() == kube::api::namespaceOf(input);
      });
    };
    for (const Value& input : inputs_) {
      if (kube::api::kindOf(input).group == kOurs) continue;
      const auto resource = client().resolve(kube::api::kindOf(input));
      if (!resource) return resource.error().message;
      const auto present = client().get(*resource, kube::api::keyOf(input), {});
      const std::string who =
          "input " + input["kind"].toString() + " " + kube::api::keyOf(input).print();
      if (isAbsent(input)) {
        if (present && !kube::api::isBeingDeleted(*present)) return who + " is still there";
        continue;
      }
      if (!present) return who + " is gone";
    }
    return {};
  }

  std::string compare(const Value& state) {
    for (const auto& part : {comparePlugs(state), compareSockets(state), compareDeferred(state),
                             compareObjects(state), compareRest(state)}) {
      if (!part.empty()) return part;
    }
    return {};
  }

  // Waits for the state, and looks again after a moment.
  void expectState(const fs::path& file) {
    const Value state = readDocuments(file).at(0);
    std::string difference;
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(15);
    int calm = 0;
    while (calm < 2) {
      difference = compare(state);
      if (difference.empty()) {
        ++calm;
        usleep(150'000);
        continue;
      }
      calm = 0;
      if (std::chrono::steady_clock::now() > deadline) break;
      usleep(50'000);
    }
    ASSERT_TRUE(difference.empty()) << file.filename() << ": " << difference;
  }

  void removeForGone(const fs::path& file) {
    const Value state = readDocuments(file).at(0);
    std::vector<Value> toDelete;
    for (const Value& item : state["deleted"].items()) toDelete.push_back(item);
    if (toDelete.empty()) {
      for (const Value& input : inputs_) {
        if (input["kind"].asString() == "Plug") {
          toDelete.push_back(Value::object({{"kind", "Plug"},
                                            {"name", kube::api::nameOf(input)},
                                            {"namespace", kube::api::namespaceOf(input)}}));
        }
      }
    }
    for (const Value& item : toDelete) {
      const auto kind =
          kube::api::parseKind(item["apiVersion"].isNull() ? "integration.rock8s.com/v1beta1"
                                                           : item["apiVersion"].asString(),
                               item["kind"].asString());
      const auto resource = client().resolve(kind);
      ASSERT_TRUE(resource) << resource.error().message;
      const ObjectKey key{item["namespace"].toString(), item["name"].toString()};
      const auto removed = client().remove(*resource, key, {}, {});
      ASSERT_TRUE(removed) << removed.error().message;
      std::erase_if(inputs_, [&](const Value& input) {
        return input["kind"] == item["kind"] && kube::api::keyOf(input) == key;
      });
      const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(15);
      while (client().get(*resource, key, {}) && std::chrono::steady_clock::now() < deadline)
        usleep(30'000);
      ASSERT_FALSE(client().get(*resource, key, {}))
          << kind.kind << " " << key.print() << " does not go";
    }
  }

  void TearDown() override {
    for (const std::string& name : namespaces_) {
      client().remove({"", "v1", "namespaces", "Namespace", false}, {"", name}, {}, {});
    }
  }

  std::vector<Value> inputs_;
  std::vector<Value> crds_;
  std::vector<std::string> namespaces_;
};

TEST_P(Corpus, EndsAsItsReadmeSays) {
  const fs::path folder = corpusFolder() / GetParam();
  if (fs::exists(folder / "crds.yaml")) {
    crds_ = readDocuments(folder / "crds.yaml");
    for (const Value& crd : crds_) {
      apply(crd);
      if (HasFatalFailure()) return;
    }
  }
  applyAll(folder / "input.yaml");
  if (HasFatalFailure()) return;
  if (fs::exists(folder / "waiting.yaml")) expectState(folder / "waiting.yaml");
  if (HasFatalFailure()) return;
  if (fs::exists(folder / "later.yaml")) applyAll(folder / "later.yaml");
  if (HasFatalFailure()) return;
  expectState(folder / "coupled.yaml");
  if (HasFatalFailure()) return;
  if (fs::exists(folder / "update.yaml")) {
    applyAll(folder / "update.yaml");
    if (HasFatalFailure()) return;
    expectState(folder / "updated.yaml");
    if (HasFatalFailure()) return;
  }
  removeForGone(folder / "gone.yaml");
  if (HasFatalFailure()) return;
  expectState(folder / "gone.yaml");
}

INSTANTIATE_TEST_SUITE_P(Cases, Corpus, ::testing::ValuesIn(cases()), [](const auto& param) {
  std::string name = param.param;
  for (char& c : name) c = c == '-' ? '_' : c;
  return name;
});

}  // namespace
}  // namespace iop::e2e
