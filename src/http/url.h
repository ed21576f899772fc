#pragma once

// URLs as Kubernetes configurations and apparatus endpoints write them: absolute, http or https (or
// a proxy's scheme).
//
//   ASSIGN_OR_RETURN(Url server, parseUrl("https://rancher:6443/k8s/clusters/c-1"));
//   server.path += "/api/v1/pods/" + escapePathSegment(name);
//   printUrl(server)                      //
//   https://rancher:6443/k8s/clusters/c-1/api/v1/pods/web-0
//
// The parts are kept as they were written (escaped); only scheme and host are made lower case.
// Pure; thread-safe.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace iop::http {

struct Url {
  std::string scheme = {};  // lower case
  std::string userInfo = {};
  std::string host = {};      // lower case; an IPv6 address without its brackets
  std::uint16_t port = 0;     // 0: the scheme's own
  std::string path = {};      // empty, or with its leading "/"
  std::string query = {};     // without "?"
  std::string fragment = {};  // without "#"

  // The port that is meant: the given one, or the scheme's (80, 443, 1080 for SOCKS).
  std::uint16_t effectivePort() const;
  // "host:port", with brackets around an IPv6 address; the port only if it was given.
  std::string authority() const;
  // Whether both name the same scheme, host and port.
  bool hasSameOrigin(const Url& other) const;

  friend bool operator==(const Url&, const Url&) = default;
};

// Errors (BadRequest) name the URL, without its user and password.
Result<Url> parseUrl(std::string_view text);
std::string printUrl(const Url& url);

// RFC 3986: everything but unreserved characters becomes %XX; in a path segment sub-delimiters, ":"
// and "@" stay.
std::string escapePathSegment(std::string_view segment);
std::string escapeQuery(std::string_view text);
// "%2F" becomes "/"; what is no escape stays as it is.
std::string unescape(std::string_view text);

// Appends "key=value", both escaped, behind "?" or "&" as the text needs.
void appendQuery(std::string& url, std::string_view key, std::string_view value);

}  // namespace iop::http
