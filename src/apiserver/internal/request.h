#pragma once

// What an HTTP request asks the API for (apiserver, pkg/endpoints/request/requestinfo.go).
//
//   RequestInfo info = parseRequest("GET", "/api/v1/namespaces/shop/pods/web/log", query);
//   // isResource, verb "get", resource "pods", namespaceName "shop", name "web", subresource "log"
//
// Pure.

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "apiserver/auth/authorizer.h"

namespace iop::apiserver {

using QueryParameters = std::vector<std::pair<std::string, std::string>>;

struct RequestInfo {
  std::string path;
  bool isResource = false;
  // get, list, watch, create, update, patch, delete, deletecollection; of other paths the method in
  // lower case.
  std::string verb;
  std::string group;
  std::string version;
  std::string namespaceName;
  std::string resource;     // plural
  std::string subresource;  // empty: the object itself
  std::string name;         // also from a field selector metadata.name=X, for authorization only
  std::vector<std::string> rest;  // segments behind the subresource
  bool nameFromSelector = false;

  auth::Attributes attributes(const auth::User& user) const;
};

RequestInfo parseRequest(std::string_view method, std::string_view path,
                         const QueryParameters& query);

// The first parameter of that name; nothing if there is none.
std::optional<std::string_view> findParameter(const QueryParameters& query, std::string_view name);
// As Go reads booleans of queries: absent, "false" and "0" are false, all else true.
bool isTrue(const QueryParameters& query, std::string_view name);

}  // namespace iop::apiserver
