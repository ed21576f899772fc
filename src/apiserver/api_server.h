#pragma once

// A small, faithful Kubernetes API server in this process: for developing and testing what talks to
// the Kubernetes API, without a cluster.
//
//   ASSIGN_OR_RETURN(auto server, ApiServer::start({.address = "127.0.0.1:0"}));
//   writeFile("kubeconfig", server->kubeconfig());      // then: kubectl --kubeconfig kubeconfig
//   get ns
//
// Built-in kinds are stored, defaulted and validated; CustomResourceDefinitions, RBAC, server-side
// apply, watches, garbage collection and the life of namespaces work as in kube-apiserver and its
// controllers. No pods run, no Services are routed to. Differences: docs/compat.md.
//
// TLS with an authority of its own. Objects are in memory, and on disk with `dataDirectory`: then
// what was answered survives a kill.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"

namespace iop::apiserver {

struct ApiServerOptions {
  std::string address = "127.0.0.1:0";  // host:port; port 0 takes a free one
  std::string dataDirectory = {};       // empty: in memory only
  std::string auditLog = {};            // a file that each request is noted in; empty: none
};

// Thread-safe.
class ApiServer {
 public:
  // Listens, and serves from a thread of its own. Errors: BadRequest for an address that is none,
  // Unreachable where the port is taken, InternalError where the folder cannot be used.
  static Result<std::unique_ptr<ApiServer>> start(ApiServerOptions options);
  ~ApiServer();  // stops

  // Ends watches and connections in the ordinary way, and writes what is not on disk yet. May be
  // called twice.
  void stop();

  std::uint16_t port() const;
  // A kubeconfig (YAML) of a user in a group, with a certificate inside: a secret. Errors:
  // InternalError.
  Result<std::string> kubeconfig(const std::string& user = "admin",
                                 const std::string& group = "system:masters") const;
  std::string url() const;

 private:
  struct Impl;
  explicit ApiServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace iop::apiserver
