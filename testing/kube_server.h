#pragma once

// A real Kubernetes API server with its etcd, for tests and benchmarks.
//
//   if (!KubeServer::isAvailable()) GTEST_SKIP() << KubeServer::kUnavailable;
//   Result<std::unique_ptr<KubeServer>> server = KubeServer::start({});
//   Result<Config> config = loadConfig({.kubeconfig = (*server)->kubeconfigPath()});
//   …
//   countRequests((*server)->auditLogPath(), [](const AuditEntry& e) { return e.verb == "get"; })
//
// The programs come from the folder that KUBEBUILDER_ASSETS names, as Kubernetes' own setup-envtest
// fills it: kube-apiserver, etcd and, for `controllers`, kube-controller-manager. RBAC is on,
// requests are in the audit log, and there is no kubelet: pods stay Pending. Without controllers
// nothing cleans namespaces up, nothing collects garbage and the aggregated roles (admin, edit,
// view) are empty.
//
// Everything lies in a temporary folder, which goes with the server. The programs die with the
// thread that started them: start servers on a thread that lives long, such as the main one.
//
// Not thread-safe, except that all accessors may be called from any thread.

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace iop::testing {

struct KubeServerOptions {
  bool controllers = false;
  // Added behind our own, so that they win.
  std::vector<std::string> apiServerFlags = {};
  std::vector<std::string> controllerFlags = {};
};

class KubeServer {
 public:
  static constexpr std::string_view kUnavailable =
      "KUBEBUILDER_ASSETS is not set: it names the folder with kube-apiserver and etcd";
  // Whether KUBEBUILDER_ASSETS is set.
  static bool isAvailable();

  // Blocks until the server is ready. Error: Unreachable with the end of the log of the program
  // that failed.
  static Result<std::unique_ptr<KubeServer>> start(const KubeServerOptions& options = {});
  ~KubeServer();
  KubeServer(const KubeServer&) = delete;
  KubeServer& operator=(const KubeServer&) = delete;

  // "https://127.0.0.1:45423".
  const std::string& url() const;
  // Of the cluster's administrator.
  std::string kubeconfigPath() const;
  // Writes another kubeconfig, of a user with a certificate, into the server's folder and returns
  // its path.
  std::string makeUserKubeconfig(const std::string& user, const std::string& group = {});
  std::string auditLogPath() const;
  // The temporary folder: ca.crt, sa.key, logs.
  const std::string& directory() const;

  // Ends kube-apiserver, at once, and starts it again on the same port and etcd; for tests of what
  // clients do then.
  void stopApiServer();
  Status startApiServer();

 private:
  struct Impl;
  explicit KubeServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// One request as the audit log has it.
struct AuditEntry {
  std::string verb;      // "get", "list", "watch", "create", "update", "patch", "delete", …
  std::string resource;  // "secrets", "plugs/status"; empty for paths such as /version
  std::string namespaceName;
  std::string name;
  std::string user;
  std::string impersonatedUser;
  std::string userAgent;
  std::string uri;
  int code = 0;
  std::string time;  // when the request arrived, RFC 3339
};

// The requests of an audit log in the order of their answers, from a byte offset on (its size at
// some moment: what came later). A watch is there from its start; /readyz and /livez are left out.
// Lines are written shortly before or after their answer arrives.
std::vector<AuditEntry> readAuditLog(const std::string& path, std::size_t offset = 0);
std::size_t countRequests(const std::string& path,
                          const std::function<bool(const AuditEntry&)>& matches,
                          std::size_t offset = 0);
// How many bytes the log has now.
std::size_t auditLogSize(const std::string& path);

}  // namespace iop::testing
