// The operator as a process: restarts, crashes, signals, election, namespaces.

#include <set>

#include "kube/api/object.h"
#include "testing/kube_server.h"
#include "tests/e2e/harness.h"

namespace iop::e2e {
namespace {

class Process : public Case {
 protected:
  void SetUp() override {
    if (Cluster::find() != nullptr) stopSharedOperator();
    Case::SetUp();
    if (Cluster::find() != nullptr) stopSharedOperator();
  }

  // `more` is added to the spec of the plug and to its resource action.
  static std::string plug(const std::string& name, const std::string& more = {},
                          const std::string& action = {}) {
    return R"(
apiVersion: integration.rock8s.com/v1beta1
kind: Plug
metadata: {name: )" +
           name + R"(, namespace: "{NS}"}
spec:
  socket: {name: socket, namespace: "{SOCK}"}
  config: {name: )" +
           name + R"(}
  resources:
    - template: {apiVersion: v1, kind: ConfigMap, metadata: {name: "made-{% .plug.metadata.name %}"}, data: {for: "{% .plugConfig.name %}"}}
)" + action +
           more;
  }
  static constexpr char kSocket[] = R"(
apiVersion: integration.rock8s.com/v1beta1
kind: Socket
metadata: {name: socket, namespace: "{SOCK}"}
spec:
  config: {hostname: db.example}
  resources:
    - template: {apiVersion: v1, kind: ConfigMap, metadata: {name: "for-{% .plug.metadata.name %}"}}
)";

  std::size_t coupledPlugs() {
    std::size_t count = 0;
    for (const Value& item : list("Plug", ns())) {
      for (const Value& condition : item["status"]["conditions"].items()) {
        count +=
            condition["type"].asString() == "Coupled" && condition["status"].asString() == "True"
                ? 1U
                : 0U;
      }
    }
    return count;
  }

  // What was asked of the server about ConfigMaps that should not be there, and of their plugs.
  std::string historyOfLeftOver(const std::string& namespaceName,
                                const std::set<std::string>& wanted) {
    std::string out;
    if (Cluster::find()->auditLog().empty()) return out;
    for (const std::string& name : made(namespaceName)) {
      if (wanted.contains(name)) continue;
      const std::string plugName = name.substr(name.find('-') + 1);
      for (const testing::AuditEntry& entry : testing::readAuditLog(Cluster::find()->auditLog())) {
        if (entry.namespaceName != ns() && entry.namespaceName != sock()) continue;
        if (entry.name != name && entry.name != plugName) continue;
        out += entry.time + " " + entry.verb + " " + entry.resource + " " + entry.name + " " +
               std::to_string(entry.code) + "\n";
      }
    }
    return out;
  }

  // ConfigMaps but the cluster's own.
  std::set<std::string> made(const std::string& namespaceName) {
    std::set<std::string> names;
    for (const Value& object : list("ConfigMap", namespaceName)) {
      const std::string name(kube::api::nameOf(object));
      if (name != "kube-root-ca.crt") names.insert(name);
    }
    return names;
  }
};

TEST_F(Process, ARestartWithCoupledPlugsWritesNothing) {
  if (Cluster::find()->auditLog().empty())
    GTEST_SKIP() << "NOT RUN: the cluster's audit log is not ours to read";
  const int count = 500;
  apply(kSocket);
  // Some read a Secret, some what came out of another coupling.
  apply(R"(
apiVersion: v1
kind: Secret
metadata: {name: extra, namespace: "{NS}"}
stringData: {color: blue}
)");
  constexpr char kFromSecret[] = "  dataSecretName: extra\n";
  constexpr char kFromPlug[] = R"(  vars:
    - name: next
      objref: {apiVersion: integration.rock8s.com/v1beta1, kind: Plug, name: p0}
      fieldref: {fieldPath: status.coupledSocket.name}
)";
  for (int i = 0; i < count; ++i) {
    const char* more = i % 10 == 1 ? kFromSecret : i % 50 == 2 ? kFromPlug : "";
    apply(plug("p" + std::to_string(i), more));
  }
  {
    OperatorProcess first;
    ASSERT_TRUE(first.waitUntilReady()) << first.log();
    ASSERT_TRUE(eventually(
        "all are coupled", [&] { return coupledPlugs() == count; }, std::chrono::seconds(120)));
    ASSERT_TRUE(eventually("the socket counts them", [&] {
      return get("Socket", "socket", sock())["status"]["coupledPlugCount"].asInt() == count;
    }));
    EXPECT_EQ(first.stop(), 0);
  }
  const std::string& log = Cluster::find()->auditLog();
  const std::size_t before = testing::auditLogSize(log);
  OperatorProcess second;
  ASSERT_TRUE(second.waitUntilReady()) << second.log();
  // It has looked at all plugs when its queue has nothing left.
  ASSERT_TRUE(eventually(
      "all plugs have been looked at",
      [&] {
        const auto metrics = second.metrics();
        if (!metrics) return false;
        const std::size_t at = metrics->find(
            "controller_runtime_reconcile_total{controller=\"plug\",result=\"success\"} ");
        return at != std::string::npos &&
               std::atoi(metrics->c_str() + metrics->find("} ", at) + 2) >= count;
      },
      std::chrono::seconds(60)));
  const auto writes = testing::countRequests(
      log,
      [&](const testing::AuditEntry& entry) {
        const bool isWrite = entry.verb == "create" || entry.verb == "update" ||
                             entry.verb == "patch" || entry.verb == "delete";
        // Namespaces of other cases may still be on their way out.
        const bool isHere = entry.namespaceName == ns() || entry.namespaceName == sock();
        return isWrite && isHere && entry.userAgent.starts_with("integration-operator");
      },
      before);
  EXPECT_EQ(writes, 0U);
}

TEST_F(Process, ManyCrashesWhileCouplingAndDecouplingLoseAndLeaveNothing) {
  const int plugs = 20, crashes = 100;
  apply(kSocket);
  std::srand(20260102);
  std::set<int> present;
  std::unique_ptr<OperatorProcess> process;
  // Every third makes its object anew each time.
  const auto plugNumber = [](int i) {
    return plug("p" + std::to_string(i), {}, i % 3 == 0 ? "      do: recreate\n" : "");
  };
  for (int crash = 0; crash < crashes; ++crash) {
    process = std::make_unique<OperatorProcess>();
    // Some plugs come, some go, while it works.
    for (int change = 0; change < 3; ++change) {
      const int which = std::rand() % plugs;
      const std::string name = "p" + std::to_string(which);
      if (present.contains(which)) {
        client().remove(resourceOf("Plug"), {ns(), name}, {}, {});
        present.erase(which);
      } else if (!exists("Plug", name)) {
        apply(plugNumber(which));
        present.insert(which);
      }
    }
    usleep(static_cast<useconds_t>(std::rand() % 900) * 1000);
    process->kill();
  }
  for (int i = 0; i < plugs; ++i) {
    if (i % 2 == 0 && !present.contains(i) && !exists("Plug", "p" + std::to_string(i))) {
      apply(plugNumber(i));
      present.insert(i);
    }
  }
  process = std::make_unique<OperatorProcess>();
  ASSERT_TRUE(process->waitUntilReady()) << process->log();
  std::set<std::string> wantedPlugs, wantedMade, wantedFor;
  for (const int i : present) {
    wantedPlugs.insert("p" + std::to_string(i));
    wantedMade.insert("made-p" + std::to_string(i));
    wantedFor.insert("for-p" + std::to_string(i));
  }
  const auto names = [&] {
    std::set<std::string> found;
    for (const Value& item : list("Plug", ns())) found.insert(std::string(kube::api::nameOf(item)));
    return found;
  };
  eventually(
      "all is coupled or gone as asked",
      [&] { return names() == wantedPlugs && coupledPlugs() == wantedPlugs.size(); },
      std::chrono::seconds(60));
  EXPECT_EQ(made(ns()), wantedMade) << historyOfLeftOver(ns(), wantedMade);
  EXPECT_EQ(made(sock()), wantedFor) << historyOfLeftOver(sock(), wantedFor);
  eventually("the socket counts them", [&] {
    return get("Socket", "socket", sock())["status"]["coupledPlugCount"].asInt() ==
           static_cast<std::int64_t>(wantedPlugs.size());
  });
}

TEST_F(Process, ASignalEndsItCleanlyAndGivesTheLeaseBack) {
  OperatorProcess first({"--leader-elect", "--leader-election-namespace", ns()});
  ASSERT_TRUE(first.waitUntilReady()) << first.log();
  const std::string lease = "integration-operator.rock8s.com";
  eventually("it leads", [&] { return !get("Lease", lease)["spec"]["holderIdentity"].empty(); });
  OperatorProcess second({"--leader-elect", "--leader-election-namespace", ns()});
  ASSERT_TRUE(second.waitUntilReady()) << second.log();
  const std::string holder = get("Lease", lease)["spec"]["holderIdentity"].toString();
  apply(kSocket);
  apply(plug("plug"));
  ASSERT_TRUE(eventuallyCoupled());
  EXPECT_EQ(first.stop(), 0);
  eventually("the other one leads", [&] {
    const std::string now = get("Lease", lease)["spec"]["holderIdentity"].toString();
    return !now.empty() && now != holder;
  });
  apply(plug("another"));
  EXPECT_TRUE(eventuallyCoupled("another"));
  EXPECT_EQ(second.stop(), 0);
}

TEST_F(Process, WatchesOnlyTheNamespacesItIsToldTo) {
  OperatorProcess process({}, {{"WATCH_NAMESPACE", ns() + "," + sock()}});
  ASSERT_TRUE(process.waitUntilReady()) << process.log();
  apply(kSocket);
  apply(plug("plug"));
  ASSERT_TRUE(eventuallyCoupled());
  const std::string elsewhere = ns() + "-else";
  makeNamespace(elsewhere);
  std::string other = plug("plug");
  other.replace(other.find("{NS}"), 4, elsewhere);
  apply(other);
  stays("nobody looks at it",
        [&] { return get("Plug", "plug", elsewhere)["metadata"]["finalizers"].isNull(); });
  client().remove(resourceOf("Namespace"), {"", elsewhere}, {}, {});
}

TEST_F(Process, ACouplingCostsFourWritesAndTwoEvents) {
  if (Cluster::find()->auditLog().empty())
    GTEST_SKIP() << "NOT RUN: the cluster's audit log is not ours to read";
  OperatorProcess process;
  ASSERT_TRUE(process.waitUntilReady()) << process.log();
  std::string socket = kSocket;
  socket.resize(socket.find("  resources:"));
  apply(socket);
  apply(plug("first"));  // so that discovery is known
  ASSERT_TRUE(eventuallyCoupled("first"));
  eventually("its events are written",
             [&] { return countEvents("Plug", "first", "PlugCoupled") == 1; });
  const std::string& log = Cluster::find()->auditLog();
  const std::size_t before = testing::auditLogSize(log);
  apply(plug("plug"));
  ASSERT_TRUE(eventuallyCoupled());
  eventually("the events are written",
             [&] { return countEvents("Plug", "plug", "PlugCoupled") == 1; });
  std::size_t writes = 0, events = 0;
  testing::countRequests(
      log,
      [&](const testing::AuditEntry& entry) {
        if (!entry.userAgent.starts_with("integration-operator") || entry.namespaceName != ns())
          return false;
        if (entry.resource == "events") {
          events += entry.verb == "create" ? 1U : 0U;
        } else if (entry.verb == "patch" || entry.verb == "create" || entry.verb == "update" ||
                   entry.verb == "delete") {
          ++writes;
        }
        return true;
      },
      before);
  EXPECT_EQ(writes, 4U);
  EXPECT_EQ(events, 2U);
}

}  // namespace
}  // namespace iop::e2e
