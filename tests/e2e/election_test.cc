// Two operators of which one leads, and what is delivered when the leader dies.

#include <csignal>
#include <map>
#include <mutex>
#include <set>

#include "http/server.h"
#include "kube/api/object.h"
#include "testing/kube_server.h"
#include "tests/e2e/harness.h"
#include "text/json.h"

namespace iop::e2e {
namespace {

constexpr int kKills = 50;
constexpr int kPlugs = 50;

// The apparatus of all plugs and sockets, as each operator is told by its debugging flags: the path
// says which operator calls, and for which side.
class Ledger {
 public:
  struct Entry {
    int number;        // of the operator
    std::string side;  // whose apparatus
    std::string event;
    std::string uid, name;  // of the plug
  };

  Ledger() {
    for (int number = 0; number < kKills + 2; ++number) {
      for (const std::string side : {"plug", "socket"}) {
        for (const std::string event :
             {"config", "created", "coupled", "updated", "decoupled", "deleted"}) {
          server_.handle("POST", "/" + std::to_string(number) + "/" + side + "/" + event,
                         [=, this](const http::ServerRequest& request) {
                           note(number, side, event, request.body);
                           return http::ServerResponse{200, "application/json", {}, "{}"};
                         });
        }
      }
    }
    EXPECT_TRUE(server_.start());
  }

  std::string url(int number, const std::string& side) const {
    return "http://127.0.0.1:" + std::to_string(server_.port()) + "/" + std::to_string(number) +
           "/" + side;
  }

  std::vector<Entry> entries() const {
    const std::lock_guard guard(mutex_);
    return entries_;
  }

 private:
  void note(int number, const std::string& side, const std::string& event,
            const std::string& body) {
    const Value parsed = text::parseJson(body).value_or(Value());
    const std::lock_guard guard(mutex_);
    const Value& metadata = parsed["plug"]["metadata"];
    entries_.push_back(
        {number, side, event, metadata["uid"].toString(), metadata["name"].toString()});
  }

  mutable std::mutex mutex_;
  std::vector<Entry> entries_;
  http::Server server_{{.address = "127.0.0.1:0"}};
};

class Election : public Case {
 protected:
  void SetUp() override {
    if (Cluster::find() != nullptr) stopSharedOperator();
    Case::SetUp();
    if (Cluster::find() != nullptr) stopSharedOperator();
  }

  std::unique_ptr<OperatorProcess> startOperator(const Ledger& ledger, int number) const {
    return std::make_unique<OperatorProcess>(std::vector<std::string>{
        "--watch-namespace", ns() + "," + sock(), "--leader-elect", "--leader-election-namespace",
        ns(), "--leader-elect-lease-duration", "2s", "--leader-elect-renew-deadline", "1500ms",
        "--leader-elect-retry-period", "300ms", "--debug-plug-endpoint", ledger.url(number, "plug"),
        "--debug-socket-endpoint", ledger.url(number, "socket")});
  }

  static bool leads(const OperatorProcess& process) {
    return process.log().find("\"leading\"") != std::string::npos;
  }

  void makePlug(int number) {
    const std::string name = "p" + std::to_string(number);
    apply(R"(
apiVersion: integration.rock8s.com/v1beta1
kind: Plug
metadata: {name: )" +
          name + R"(, namespace: "{NS}"}
spec:
  socket: {name: socket, namespace: "{SOCK}"}
  apparatus: {}
  resources:
    - template: {apiVersion: v1, kind: ConfigMap, metadata: {name: "made-{% .plug.metadata.name %}"}}
)");
  }

  // What was asked of the server about a plug, as far as we may read it.
  std::string historyOf(const std::string& plug) {
    std::string out;
    if (Cluster::find()->auditLog().empty()) return out;
    for (const testing::AuditEntry& entry : testing::readAuditLog(Cluster::find()->auditLog())) {
      if (entry.namespaceName != ns() || !entry.resource.starts_with("plugs") || entry.name != plug)
        continue;
      if (entry.verb == "get") continue;
      out += entry.time + " " + entry.verb + " " + entry.resource + " by " + entry.userAgent + " " +
             std::to_string(entry.code) + "\n";
    }
    return out;
  }

  std::set<std::string> namesOf(const std::string& kind) {
    std::set<std::string> names;
    for (const Value& object : list(kind, ns())) {
      if (kube::api::nameOf(object) != "kube-root-ca.crt")
        names.insert(std::string(kube::api::nameOf(object)));
    }
    return names;
  }
};

// Whether a side heard of one plug what it should, in order; a repeat is no fault.
std::string judge(const std::vector<std::string>& events, bool isGone, bool isPlugs) {
  static const std::vector<std::string> kOrder = {"created", "coupled", "decoupled", "deleted"};
  std::size_t at = 0;
  std::set<std::string> seen;
  for (const std::string& event : events) {
    const auto place =
        static_cast<std::size_t>(std::find(kOrder.begin(), kOrder.end(), event) - kOrder.begin());
    if (place == kOrder.size()) return "unexpected " + event;
    if (place < at) return event + " after " + kOrder[at];
    at = place;
    seen.insert(event);
  }
  if (isPlugs && !seen.contains("created")) return "no created";
  if (!isGone && !seen.contains("coupled")) return "no coupled";
  if (!isGone && at > 1) return "it is there, and " + kOrder[at];
  if (isGone && seen.contains("coupled") && !seen.contains("decoupled")) return "no decoupled";
  if (isGone && isPlugs && !seen.contains("deleted")) return "no deleted";
  return {};
}

TEST_F(Election, AKilledLeaderLosesNoEventAndTwoNeverDeliverAtATime) {
  Ledger ledger;
  apply(R"(
apiVersion: integration.rock8s.com/v1beta1
kind: Socket
metadata: {name: socket, namespace: "{SOCK}"}
spec: {apparatus: {}}
)");
  std::srand(20260103);
  std::map<int, std::unique_ptr<OperatorProcess>> operators;
  for (int number = 0; number < 2; ++number) operators[number] = startOperator(ledger, number);
  std::set<int> present;
  std::vector<int> leaders;  // in their order
  for (int kill = 0; kill <= kKills; ++kill) {
    int leader = -1;
    ASSERT_TRUE(eventually(
        "one leads",
        [&] {
          for (const auto& [number, process] : operators) {
            if (leads(*process)) leader = number;
          }
          return leader >= 0;
        },
        std::chrono::seconds(30)));
    leaders.push_back(leader);
    for (int change = 0; change < 6 || (kill == kKills && change < kPlugs); ++change) {
      const int which = kill == kKills ? change : std::rand() % kPlugs;
      const std::string name = "p" + std::to_string(which);
      if (kill < kKills && present.contains(which)) {
        // An API server that has begun to delete an object without a finalizer goes on when one is
        // added meanwhile: nobody can hear of such a deletion.
        if (!kube::api::hasFinalizer(get("Plug", name), "integration.rock8s.com/finalizer"))
          continue;
        client().remove(resourceOf("Plug"), {ns(), name}, {}, {});
        present.erase(which);
      } else if (!exists("Plug", name)) {
        makePlug(which);
        present.insert(which);
      }
    }
    if (kill == kKills) break;
    usleep(static_cast<useconds_t>(std::rand() % 300) * 1000);
    operators[leader]->kill();
    operators.erase(leader);
    operators[kill + 2] = startOperator(ledger, kill + 2);
  }

  std::set<std::string> plugs, made;
  for (const int number : present) {
    plugs.insert("p" + std::to_string(number));
    made.insert("made-p" + std::to_string(number));
  }
  EXPECT_TRUE(eventually(
      "all is coupled or gone as asked",
      [&] {
        if (namesOf("Plug") != plugs) return false;
        for (const std::string& name : plugs) {
          if (condition("Plug", name, "Ready") != "True/CouplingSucceeded") return false;
        }
        return true;
      },
      std::chrono::seconds(60)));
  EXPECT_EQ(namesOf("ConfigMap"), made) << "left over, or missing";
  EXPECT_GE(plugs.size(), 10u) << "too few to show anything";

  std::set<std::string> uids;  // of the plugs that are there
  for (const std::string& name : plugs)
    uids.insert(std::string(kube::api::uidOf(get("Plug", name))));
  std::map<std::pair<std::string, std::string>, std::vector<std::string>> heard;
  std::map<std::string, std::string> names;
  std::size_t at = 0;
  for (const Ledger::Entry& entry : ledger.entries()) {
    // Each leader's calls follow those of the one before: nobody delivers who does not lead.
    while (at < leaders.size() && leaders[at] != entry.number) ++at;
    ASSERT_LT(at, leaders.size()) << "operator " << entry.number << " delivers " << entry.event
                                  << " although another has led since";
    if (entry.uid.empty() || entry.event == "config") continue;
    heard[{entry.uid, entry.side}].push_back(entry.event);
    names[entry.uid] = entry.name;
  }
  for (const auto& [who, events] : heard) {
    std::string all;
    for (const std::string& event : events) all += " " + event;
    EXPECT_EQ(judge(events, !uids.contains(who.first), who.second == "plug"), "")
        << who.second << "'s side of " << who.first << " heard:" << all << "\n"
        << historyOf(names[who.first]);
  }
  for (const std::string& name : plugs) remove("Plug", name);
  remove("Socket", "socket", sock());
  eventually(
      "all of it goes",
      [&] {
        return namesOf("Plug").empty() && namesOf("ConfigMap").empty() &&
               !exists("Socket", "socket", sock());
      },
      std::chrono::seconds(60));
  for (const std::string& uid : uids) {
    for (const char* side : {"plug", "socket"})
      EXPECT_TRUE(heard.contains({uid, side}))
          << "the " << side << "'s side never heard of " << uid;
  }
}

}  // namespace
}  // namespace iop::e2e
