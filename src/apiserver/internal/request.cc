#include "apiserver/internal/request.h"

#include <algorithm>
#include <cctype>

#include "apiserver/internal/selectors.h"

namespace iop::apiserver {
namespace {

std::vector<std::string> segmentsOf(std::string_view path) {
  std::vector<std::string> segments;
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/'), path.size());
    if (end > 0) segments.emplace_back(path.substr(0, end));
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return segments;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char byte) { return static_cast<char>(std::tolower(byte)); });
  return out;
}

std::string verbOf(std::string_view method) {
  if (method == "POST") return "create";
  if (method == "GET" || method == "HEAD") return "get";
  if (method == "PUT") return "update";
  if (method == "PATCH") return "patch";
  if (method == "DELETE") return "delete";
  return {};
}

}  // namespace

std::optional<std::string_view> findParameter(const QueryParameters& query, std::string_view name) {
  for (const auto& [key, value] : query) {
    if (key == name) return value;
  }
  return std::nullopt;
}

bool isTrue(const QueryParameters& query, std::string_view name) {
  const auto value = findParameter(query, name);
  return value && lower(*value) != "false" && *value != "0";
}

RequestInfo parseRequest(std::string_view method, std::string_view path,
                         const QueryParameters& query) {
  RequestInfo info;
  info.path = path;
  info.verb = lower(method);
  const std::vector<std::string> segments = segmentsOf(path);
  std::size_t at = 0;
  if (segments.size() < 3) return info;
  if (segments[0] == "api") {
    info.version = segments[1];
    at = 2;
  } else if (segments[0] == "apis") {
    if (segments.size() < 4) return info;
    info.group = segments[1];
    info.version = segments[2];
    at = 3;
  } else {
    return info;
  }
  info.isResource = true;
  info.verb = verbOf(method);
  bool forceWatch = false;
  if (segments[at] == "watch" && segments.size() > at + 1) {
    forceWatch = true;
    ++at;
  }
  if (segments[at] == "namespaces" && segments.size() > at + 1) {
    info.namespaceName = segments[at + 1];
    const bool ofNamespace = segments.size() == at + 3 &&
                             (segments[at + 2] == "status" || segments[at + 2] == "finalize");
    if (segments.size() > at + 2 && !ofNamespace) at += 2;
  }
  info.resource = segments[at];
  if (segments.size() > at + 1) info.name = segments[at + 1];
  if (segments.size() > at + 2) info.subresource = segments[at + 2];
  if (segments.size() > at + 3)
    info.rest.assign(segments.begin() + static_cast<std::ptrdiff_t>(at) + 3, segments.end());
  if (info.name.empty() && info.verb == "get") {
    info.verb = isTrue(query, "watch") ? "watch" : "list";
    const auto selector = findParameter(query, "fieldSelector");
    if (selector) {
      info.name = nameOfSelector(*selector);
      info.nameFromSelector = !info.name.empty();
    }
  } else if (info.name.empty() && info.verb == "delete") {
    info.verb = "deletecollection";
  }
  if (forceWatch) info.verb = "watch";
  return info;
}

auth::Attributes RequestInfo::attributes(const auth::User& user) const {
  auth::Attributes out{.user = user, .verb = verb};
  if (!isResource) {
    out.path = path;
    return out;
  }
  out.group = group;
  out.version = version;
  out.resource = resource;
  out.subresource = subresource;
  out.namespaceName = namespaceName;
  out.name = name;
  return out;
}

}  // namespace iop::apiserver
