#pragma once

// Which proxy the environment asks for, by the rules that Go programs follow
// (golang.org/x/net/http/httpproxy), so that the operator and kubectl on one machine do the same.
//
//   proxyFor(url, {.httpsProxy = "http://proxy:3128", .noProxy = "10.0.0.0/8,.svc"})    // "" for
//   https://10.1.2.3
//
// Pure, but for proxyEnvironment(). Thread-safe.

#include <string>

#include "http/url.h"

namespace iop::http::internal {

struct ProxyEnvironment {
  std::string httpProxy = {};
  std::string httpsProxy = {};
  // Separated by commas: a domain (with its subdomains), ".domain" (only those), an IP address, a
  // CIDR block, each but the block with an optional ":port"; or "*".
  std::string noProxy = {};
};

// HTTP_PROXY, HTTPS_PROXY and NO_PROXY, or the same in lower case.
ProxyEnvironment proxyEnvironment();

// The proxy for a URL, with a scheme ("http://" where none was written); empty: none. This machine
// itself is never reached by proxy.
std::string proxyFor(const Url& url, const ProxyEnvironment& environment);

}  // namespace iop::http::internal
