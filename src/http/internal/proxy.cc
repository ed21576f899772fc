#include "http/internal/proxy.h"

#include <arpa/inet.h>

#include <array>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string_view>

namespace iop::http::internal {
namespace {

// An IPv4 address is kept as its IPv6 form (::ffff:a.b.c.d), so that all compare alike.
using Address = std::array<unsigned char, 16>;

std::optional<Address> parseAddress(const std::string& text) {
  Address address{};
  if (inet_pton(AF_INET6, text.c_str(), address.data()) == 1) return address;
  if (inet_pton(AF_INET, text.c_str(), address.data() + 12) != 1) return std::nullopt;
  address[10] = address[11] = 0xFF;
  return address;
}

bool isIpv4(const Address& address) {
  constexpr std::array<unsigned char, 12> kPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  return std::memcmp(address.data(), kPrefix.data(), kPrefix.size()) == 0;
}

bool isLoopback(const Address& address) {
  if (isIpv4(address)) return address[12] == 127;
  constexpr Address kIpv6Loopback = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  return address == kIpv6Loopback;
}

bool haveEqualBits(const Address& a, const Address& b, int bits) {
  for (std::size_t i = 0; i < a.size(); ++i) {
    const int here = bits - static_cast<int>(i) * 8;
    if (here <= 0) return true;
    const int mask = here >= 8 ? 0xFF : 0xFF << (8 - here) & 0xFF;
    if (((a[i] ^ b[i]) & mask) != 0) return false;
  }
  return true;
}

bool isInBlock(const Address& address, std::string_view block) {
  const std::size_t slash = block.find('/');
  const auto network = parseAddress(std::string(block.substr(0, slash)));
  int bits = -1;
  const std::string_view size = block.substr(slash + 1);
  const auto [end, error] = std::from_chars(size.data(), size.data() + size.size(), bits);
  if (!network || error != std::errc() || end != size.data() + size.size() || bits < 0)
    return false;
  if (isIpv4(*network) != isIpv4(address)) return false;
  return haveEqualBits(address, *network, isIpv4(*network) ? bits + 96 : bits);
}

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

struct HostPort {
  std::string_view host;
  std::string_view port;
};

// "host:port", "[v6]:port", "v6" or "host".
HostPort splitPort(std::string_view text) {
  if (text.starts_with('[')) {
    const std::size_t bracket = text.find(']');
    if (bracket == std::string_view::npos) return {text, {}};
    const std::string_view rest = text.substr(bracket + 1);
    return {text.substr(1, bracket - 1),
            rest.starts_with(':') ? rest.substr(1) : std::string_view()};
  }
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || text.find(':', colon + 1) != std::string_view::npos) {
    return {text, {}};
  }
  return {text.substr(0, colon), text.substr(colon + 1)};
}

std::string toLower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
  return out;
}

bool matches(const Url& url, const std::optional<Address>& address, std::string_view entry) {
  if (entry == "*") return true;
  if (entry.find('/') != std::string_view::npos) return address && isInBlock(*address, entry);
  const HostPort wanted = splitPort(entry);
  if (!wanted.port.empty() && wanted.port != std::to_string(url.effectivePort())) return false;
  std::string host = toLower(wanted.host);
  if (const auto wantedAddress = parseAddress(host)) return address && *address == *wantedAddress;
  if (host.starts_with("*.")) host.erase(0, 1);
  if (host.starts_with('.')) return url.host.ends_with(host);
  return url.host == host || url.host.ends_with("." + host);
}

std::string variable(const char* upper, const char* lower) {
  for (const char* name : {upper, lower}) {
    if (const char* value = std::getenv(name); value != nullptr && *value != '\0') return value;
  }
  return {};
}

}  // namespace

ProxyEnvironment proxyEnvironment() {
  return {.httpProxy = variable("HTTP_PROXY", "http_proxy"),
          .httpsProxy = variable("HTTPS_PROXY", "https_proxy"),
          .noProxy = variable("NO_PROXY", "no_proxy")};
}

std::string proxyFor(const Url& url, const ProxyEnvironment& environment) {
  const std::string& proxy = url.scheme == "https" ? environment.httpsProxy : environment.httpProxy;
  if (proxy.empty() || url.host == "localhost") return {};
  const std::optional<Address> address = parseAddress(url.host);
  if (address && isLoopback(*address)) return {};
  std::string_view entries = environment.noProxy;
  while (!entries.empty()) {
    const std::size_t comma = std::min(entries.find(','), entries.size());
    const std::string_view entry = trim(entries.substr(0, comma));
    entries.remove_prefix(std::min(comma + 1, entries.size()));
    if (!entry.empty() && matches(url, address, entry)) return {};
  }
  return proxy.find("://") == std::string::npos ? "http://" + proxy : proxy;
}

}  // namespace iop::http::internal
