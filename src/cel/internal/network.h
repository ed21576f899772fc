#pragma once

// Addresses, networks and URLs as Go's net/netip and net/url read them.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cel/internal/item.h"

namespace iop::cel::internal {

struct Ip : Block {
  bool isV6 = false;
  std::array<std::uint8_t, 16> bytes = {};  // of IPv4 the first four
  friend bool operator==(const Ip& a, const Ip& b) {
    return a.isV6 == b.isV6 && a.bytes == b.bytes;
  }
};

struct Cidr : Block {
  Ip ip;
  int prefix = 0;
  friend bool operator==(const Cidr& a, const Cidr& b) {
    return a.prefix == b.prefix && a.ip == b.ip;
  }
};

// Errors (Invalid) in Kubernetes' words; zones and IPv4 in IPv6 are among them.
Result<Ip> parseIp(std::string_view text);
Result<Cidr> parseCidr(std::string_view text);
// As RFC 5952 says.
std::string printIp(const Ip& ip);
std::string printCidr(const Cidr& cidr);
Cidr masked(const Cidr& cidr);
bool containsIp(const Cidr& cidr, const Ip& ip);
bool containsCidr(const Cidr& outer, const Cidr& inner);

struct Url : Block {
  std::string text;
  std::string scheme, opaque, user, host, path, query, fragment;  // the path is escaped
  friend bool operator==(const Url& a, const Url& b) {
    return a.scheme == b.scheme && a.opaque == b.opaque && a.user == b.user && a.host == b.host &&
           a.path == b.path && a.query == b.query && a.fragment == b.fragment;
  }
};

// An absolute URL or path. Error: Invalid in Go's words ("parse \"a\": invalid URI for request").
Result<Url> parseUrl(std::string_view text);
std::string hostnameOf(const Url& url);
std::string portOf(const Url& url);
// Keys in order with their values, decoded; what is malformed is left out.
std::vector<std::pair<std::string, std::vector<std::string>>> queryOf(const Url& url);

// In double quotes with escapes, as Go's %q writes it.
std::string quoted(std::string_view text);

}  // namespace iop::cel::internal
