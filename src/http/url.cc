#include "http/url.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace iop::http {
namespace {

constexpr std::string_view kHexDigits = "0123456789ABCDEF";

bool isAlpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool isDigit(char c) { return c >= '0' && c <= '9'; }

// RFC 3986, section 2.3.
bool isUnreserved(char c) {
  return isAlpha(c) || isDigit(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

// RFC 3986: pchar without the escapes.
bool isPathCharacter(char c) {
  return isUnreserved(c) || std::string_view("!$&'()*+,;=:@").find(c) != std::string_view::npos;
}

std::string toLower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
  return out;
}

template <typename IsPlain>
std::string escape(std::string_view text, IsPlain isPlain) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (isPlain(c)) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += kHexDigits[byte >> 4];
    out += kHexDigits[byte & 15];
  }
  return out;
}

std::optional<unsigned> hexValue(char c) {
  if (isDigit(c)) return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
  return std::nullopt;
}

// What an error message may show of a URL.
std::string withoutUserInfo(std::string_view text) {
  const std::size_t slashes = text.find("://");
  const std::size_t start = slashes == std::string_view::npos ? 0 : slashes + 3;
  const std::size_t end = std::min(text.find_first_of("/?#", start), text.size());
  const std::size_t at = text.substr(0, end).rfind('@');
  if (at == std::string_view::npos || at < start) return std::string(text);
  return std::string(text.substr(0, start)) + std::string(text.substr(at + 1));
}

tl::unexpected<Error> badUrl(std::string_view text, std::string_view why) {
  return fail(Code::BadRequest, "url '" + withoutUserInfo(text) + "': " + std::string(why));
}

bool isScheme(std::string_view text) {
  return !text.empty() && isAlpha(text.front()) &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return isAlpha(c) || isDigit(c) || c == '+' || c == '-' || c == '.';
         });
}

bool isHostCharacter(char c) {
  return isUnreserved(c) || std::string_view("!$&'()*+,;=%").find(c) != std::string_view::npos;
}

bool isIpv6Character(char c) { return hexValue(c).has_value() || c == ':' || c == '.' || c == '%'; }

// The authority, without user: host and port. Returns what is wrong, or nothing.
std::string_view parseHostPort(std::string_view text, Url& url) {
  std::string_view host = text;
  std::string_view port;
  bool hasPort = false;
  bool isIpv6 = false;
  if (text.starts_with('[')) {
    const std::size_t bracket = text.find(']');
    if (bracket == std::string_view::npos) return "missing ']' in host";
    host = text.substr(1, bracket - 1);
    text.remove_prefix(bracket + 1);
    if (!text.empty() && text.front() != ':') return "unexpected text after the host";
    hasPort = !text.empty();
    port = hasPort ? text.substr(1) : text;
    isIpv6 = true;
  } else if (const std::size_t colon = text.find(':'); colon != std::string_view::npos) {
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
    hasPort = true;
  }
  if (host.empty()) return "no host";
  if (!std::all_of(host.begin(), host.end(), isIpv6 ? isIpv6Character : isHostCharacter)) {
    return "invalid host";
  }
  url.host = toLower(host);
  if (hasPort && !port.empty()) {
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), url.port);
    if (error != std::errc() || end != port.data() + port.size() || url.port == 0) {
      return "invalid port";
    }
  }
  return {};
}

}  // namespace

std::uint16_t Url::effectivePort() const {
  if (port != 0) return port;
  if (scheme == "https") return 443;
  if (scheme.starts_with("socks")) return 1080;
  return 80;
}

std::string Url::authority() const {
  std::string out = host.find(':') == std::string::npos ? host : "[" + host + "]";
  if (port != 0) out += ":" + std::to_string(port);
  return out;
}

bool Url::hasSameOrigin(const Url& other) const {
  return scheme == other.scheme && host == other.host && effectivePort() == other.effectivePort();
}

Result<Url> parseUrl(std::string_view text) {
  const bool isPrintable = std::all_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) > 0x20 && c != 0x7F;
  });
  if (!isPrintable) return badUrl(text, "space or control character");
  Url url;
  const std::size_t slashes = text.find("://");
  if (slashes == std::string_view::npos || !isScheme(text.substr(0, slashes))) {
    return badUrl(text, "no scheme, such as https://");
  }
  url.scheme = toLower(text.substr(0, slashes));
  std::string_view rest = text.substr(slashes + 3);
  if (const std::size_t hash = rest.find('#'); hash != std::string_view::npos) {
    url.fragment = rest.substr(hash + 1);
    rest = rest.substr(0, hash);
  }
  if (const std::size_t mark = rest.find('?'); mark != std::string_view::npos) {
    url.query = rest.substr(mark + 1);
    rest = rest.substr(0, mark);
  }
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  url.path = rest.substr(slash);
  std::string_view authority = rest.substr(0, slash);
  if (const std::size_t at = authority.rfind('@'); at != std::string_view::npos) {
    url.userInfo = authority.substr(0, at);
    authority.remove_prefix(at + 1);
  }
  if (const std::string_view why = parseHostPort(authority, url); !why.empty()) {
    return badUrl(text, why);
  }
  return url;
}

std::string printUrl(const Url& url) {
  std::string out = url.scheme + "://";
  if (!url.userInfo.empty()) out += url.userInfo + "@";
  out += url.authority() + url.path;
  if (!url.query.empty()) out += "?" + url.query;
  if (!url.fragment.empty()) out += "#" + url.fragment;
  return out;
}

std::string escapePathSegment(std::string_view segment) { return escape(segment, isPathCharacter); }

std::string escapeQuery(std::string_view text) { return escape(text, isUnreserved); }

std::string unescape(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      const auto high = hexValue(text[i + 1]);
      const auto low = hexValue(text[i + 2]);
      if (high && low) {
        out += static_cast<char>(*high << 4 | *low);
        i += 2;
        continue;
      }
    }
    out += text[i];
  }
  return out;
}

void appendQuery(std::string& url, std::string_view key, std::string_view value) {
  url += url.find('?') == std::string::npos ? '?' : '&';
  url += escapeQuery(key);
  url += '=';
  url += escapeQuery(value);
}

}  // namespace iop::http
