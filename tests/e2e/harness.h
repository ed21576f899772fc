#pragma once

// What the end-to-end cases stand on: a cluster, the operator as a process, and words to say what
// should be there.
//
//   class Coupling : public e2e::Case {};
//   TEST_F(Coupling, MakesWhatThePlugAsksFor) {
//     apply(R"(…{NS}…)");
//     eventuallyCoupled();
//     EXPECT_TRUE(exists("ConfigMap", "made"));
//   }
//
// The cluster is the one of KUBECONFIG, or one that is started from KUBEBUILDER_ASSETS; without
// either, and with IOP_API_SERVER=embedded, it is `integration-operator dev --no-operator`.

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kube/client/client.h"
#include "testing/kube_server.h"
#include "testing/process.h"
#include "value/value.h"

namespace iop::e2e {

// The cluster of this test program.
class Cluster {
 public:
  // Starts or finds it on the first call; null where there is none.
  static Cluster* find();

  kube::client::Client& client() { return *client_; }
  const std::string& kubeconfig() const { return kubeconfig_; }
  // The API server's audit log; empty for a cluster that we did not start.
  const std::string& auditLog() const { return auditLog_; }
  // Whether namespaces are cleaned up and service accounts made (kube-controller-manager runs).
  bool hasControllers() const { return hasControllers_; }
  // Ends the API server at once, and starts it again with the same objects and address. Only for a
  // server that we started.
  bool canStopApiServer() const { return !auditLog_.empty(); }
  void stopApiServer();
  Status startApiServer();

 private:
  Cluster() = default;
  bool prepare();
  Status startEmbedded();

  std::unique_ptr<kube::client::Client> client_;
  std::string kubeconfig_;
  std::string auditLog_;
  bool hasControllers_ = true;
  std::string embeddedFolder_;  // of an embedded server: its files
  int embeddedPort_ = 0;
};

// The operator, as users run it.
class OperatorProcess {
 public:
  explicit OperatorProcess(std::vector<std::string> flags = {},
                           std::map<std::string, std::string> environment = {});
  ~OperatorProcess();  // kills

  // Blocks until /readyz says ok.
  bool waitUntilReady(std::chrono::seconds timeout = std::chrono::seconds(30));
  // SIGTERM; the exit status.
  int stop();
  void kill();
  bool isRunning();
  std::string log() const;
  std::optional<std::string> httpGet(const std::string& path);  // of the probes' port
  std::optional<std::string> metrics();

 private:
  std::optional<int> portFromLog(const std::string& message);

  int pid_ = -1;
  std::string logFile_;
};

// The operator that runs in the background of most cases; started on first use.
OperatorProcess& sharedOperator();
void stopSharedOperator();

// One case: namespaces of its own, and the operator that all cases share.
class Case : public ::testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  // Replaces {NS}, {SOCK} (two namespaces of this case, whose default accounts may do everything
  // there).
  std::string expand(std::string text) const;
  const std::string& ns() const { return ns_; }
  const std::string& sock() const { return sock_; }

  // Applies all documents (as the user "e2e"), in order.
  void apply(const std::string& yaml);
  // The same; the first error is returned.
  Status tryToApply(const std::string& yaml);
  Value get(const std::string& kind, const std::string& name,
            const std::string& namespaceName = "");
  bool exists(const std::string& kind, const std::string& name,
              const std::string& namespaceName = "");
  void remove(const std::string& kind, const std::string& name,
              const std::string& namespaceName = "");
  void annotate(const std::string& kind, const std::string& name, const std::string& key,
                const std::string& value);
  std::vector<Value> list(const std::string& kind, const std::string& namespaceName);

  // "True/CouplingSucceeded"; empty if there is no such condition.
  std::string condition(const std::string& kind, const std::string& name, const std::string& type,
                        const std::string& namespaceName = "");
  std::string message(const std::string& kind, const std::string& name, const std::string& type,
                      const std::string& namespaceName = "");
  // That docs/troubleshooting.md has the message, with the namespaces called shop and databases and
  // ports left out.
  void expectInTroubleshooting(std::string message) const;
  // Kubernetes events on an object, as "Type Reason".
  std::vector<Value> events(const std::string& kind, const std::string& name,
                            const std::string& namespaceName = "");
  int countEvents(const std::string& kind, const std::string& name, const std::string& reason,
                  const std::string& namespaceName = "");

  // Waits until it is so, and fails if it is not within the time.
  bool eventually(const std::string& what, const std::function<bool()>& isSo,
                  std::chrono::milliseconds timeout = std::chrono::seconds(15));
  // Fails if it stops being so within the time.
  void stays(const std::string& what, const std::function<bool()>& isSo,
             std::chrono::milliseconds time = std::chrono::milliseconds(700));

  bool eventuallyCoupled(const std::string& plug = "plug");
  bool eventuallyWaits(const std::string& reason, const std::string& plug = "plug");

  kube::client::Client& client() { return Cluster::find()->client(); }
  static kube::api::Resource resourceOf(const std::string& kind);

 private:
  std::string ns_, sock_;
};

// A namespace in which the default service account may do everything.
void makeNamespace(const std::string& name);

// Runs a command line; its output and exit status.
struct CommandResult {
  int status = 0;
  std::string output;
};
CommandResult runCommand(const std::string& commandLine);

}  // namespace iop::e2e
