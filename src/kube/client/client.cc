#include "kube/client/client.h"

namespace iop::kube::client {

std::string serviceAccountUser(std::string_view namespaceName, std::string_view name) {
  return "system:serviceaccount:" + std::string(namespaceName) + ":" + std::string(name);
}

}  // namespace iop::kube::client
