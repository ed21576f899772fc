#include "gotemplate/internal/url.h"

#include "gotemplate/internal/ascii.h"
#include "gotemplate/internal/ip_address.h"
#include "gotemplate/internal/strconv.h"
#include "gotemplate/internal/strings.h"

namespace iop::gotemplate::internal {
namespace {

constexpr std::size_t kNone = std::string_view::npos;

// The part of a URL that a text is encoded for.
enum class Part { Path, Host, Zone, UserPassword, Fragment };

bool isOneOf(char c, std::string_view set) { return set.find(c) != kNone; }

// True where a byte may not stand for itself in that part (RFC 3986, sections 2.2 and 3, as Go
// reads them).
bool isEscaped(char c, Part part) {
  if (isAsciiAlphanumeric(c)) return false;
  if ((part == Part::Host || part == Part::Zone) && isOneOf(c, "!$&'()*+,;=:[]<>\"")) return false;
  if (isOneOf(c, "-_.~")) return false;
  if (isOneOf(c, "$&+,/:;=?@")) {
    switch (part) {
      case Part::Path:
        return c == '?';
      case Part::UserPassword:
        return isOneOf(c, "@/?:");
      case Part::Fragment:
        return false;
      default:
        return true;
    }
  }
  return part != Part::Fragment || !isOneOf(c, "!()*");
}

std::string escape(std::string_view text, Part part) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (isEscaped(c, part)) {
      out.push_back('%');
      out.push_back("0123456789ABCDEF"[byte >> 4]);
      out.push_back("0123456789ABCDEF"[byte & 0xF]);
    } else {
      out.push_back(c);
    }
  }
  return out;
}

tl::unexpected<Error> badEscape(std::string_view text) {
  return goError("invalid URL escape " + quote(text.substr(0, 3)));
}

// The byte that the escape at the front of `text` stands for.
Result<char> unescapeOne(std::string_view text, Part part) {
  if (text.size() < 3 || hexDigitValue(text[1]) < 0 || hexDigitValue(text[2]) < 0)
    return badEscape(text);
  const auto byte = static_cast<char>(hexDigitValue(text[1]) << 4 | hexDigitValue(text[2]));
  const bool isPercent = text.starts_with("%25");
  // Hosts may hold escapes only of what is not ASCII; zones (RFC 6874) of what they could not hold
  // otherwise.
  if (part == Part::Host && hexDigitValue(text[1]) < 8 && !isPercent) return badEscape(text);
  if (part == Part::Zone && !isPercent && byte != ' ' && isEscaped(byte, Part::Host))
    return badEscape(text);
  return byte;
}

Result<std::string> unescape(std::string_view text, Part part) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '%') {
      ASSIGN_OR_RETURN(const char byte, unescapeOne(text.substr(at), part));
      out.push_back(byte);
      at += 2;
      continue;
    }
    const bool isHost = part == Part::Host || part == Part::Zone;
    if (isHost && static_cast<unsigned char>(c) < 0x80 && isEscaped(c, part)) {
      return goError("invalid character " + quote(text.substr(at, 1)) + " in host name");
    }
    out.push_back(c);
  }
  return out;
}

// True where a raw path or fragment is a valid encoding, even if not the usual one.
bool isValidEncoding(std::string_view text, Part part) {
  for (const char c : text) {
    if (!isOneOf(c, "!$&'()*+,;=:@[]%") && isEscaped(c, part)) return false;
  }
  return true;
}

// Decodes `text` and keeps it as it is where its encoding is not the usual one.
Status decodeInto(std::string_view text, Part part, std::string& decoded, std::string& raw) {
  ASSIGN_OR_RETURN(decoded, unescape(text, part));
  raw = escape(decoded, part) == text ? std::string() : std::string(text);
  return {};
}

std::string encodeWithRaw(const std::string& decoded, const std::string& raw, Part part) {
  if (!raw.empty() && isValidEncoding(raw, part)) {
    if (Result<std::string> text = unescape(raw, part); text && *text == decoded) return raw;
  }
  return escape(decoded, part);
}

std::string encodedPath(const Url& url) {
  if (url.path == "*" && url.rawPath.empty()) return "*";
  return encodeWithRaw(url.path, url.rawPath, Part::Path);
}

// True for "" and for ":" with digits.
bool isOptionalPort(std::string_view text) {
  if (text.empty()) return true;
  if (text[0] != ':') return false;
  for (const char c : text.substr(1)) {
    if (c < '0' || c > '9') return false;
  }
  return true;
}

tl::unexpected<Error> badPort(std::string_view port) {
  return goError("invalid port " + quote(port) + " after host");
}

// "[…]" with an optional port: an IPv6 address with an optional zone.
Result<std::string> parseIpLiteral(std::string_view host) {
  const std::size_t end = host.rfind(']');
  if (end == kNone) return goError("missing ']' in host");
  const std::string_view port = host.substr(end + 1);
  if (!isOptionalPort(port)) return badPort(port);
  const std::string_view address = host.substr(1, end - 1);
  const std::size_t zone = address.find("%25");
  ASSIGN_OR_RETURN(std::string decoded, unescape(address.substr(0, zone), Part::Host));
  if (zone != kNone) {
    ASSIGN_OR_RETURN(const std::string decodedZone, unescape(address.substr(zone), Part::Zone));
    decoded += decodedZone;
  }
  Result<IpAddress> parsed = parseIpAddress(decoded);
  if (!parsed) return tl::unexpected<Error>(parsed.error().withContext("invalid host"));
  if (parsed->isV4()) return goError("invalid IP-literal");
  return "[" + decoded + "]" + std::string(port);
}

Result<std::string> parseHost(std::string_view scheme, std::string_view host) {
  const std::size_t bracket = host.rfind('[');
  if (bracket == 0) return parseIpLiteral(host);
  if (bracket != kNone) return goError("invalid IP-literal");
  // Only hosts of the web must not have a colon in their name.
  const bool isStrict = scheme == "http" || scheme == "https";
  const std::size_t colon = isStrict ? host.find(':') : host.rfind(':');
  if (colon != kNone && !isOptionalPort(host.substr(colon))) return badPort(host.substr(colon));
  return unescape(host, Part::Host);
}

bool isValidUserInfo(std::string_view text) {
  for (const char c : text) {
    if (!isAsciiAlphanumeric(c) && !isOneOf(c, "-._:~!$&'()*+,;=%@")) return false;
  }
  return true;
}

Result<UserInfo> parseUserInfo(std::string_view text) {
  if (!isValidUserInfo(text)) return goError("net/url: invalid userinfo");
  UserInfo user;
  const std::size_t colon = text.find(':');
  ASSIGN_OR_RETURN(user.name, unescape(text.substr(0, colon), Part::UserPassword));
  if (colon != kNone) {
    ASSIGN_OR_RETURN(user.password, unescape(text.substr(colon + 1), Part::UserPassword));
  }
  return user;
}

// user@host:port
Status parseAuthority(std::string_view authority, Url& url) {
  const std::size_t at = authority.rfind('@');
  ASSIGN_OR_RETURN(url.host,
                   parseHost(url.scheme, at == kNone ? authority : authority.substr(at + 1)));
  if (at == kNone) return {};
  ASSIGN_OR_RETURN(url.user, parseUserInfo(authority.substr(0, at)));
  return {};
}

// Takes the scheme and its colon from the front of `text`; "" where there is none.
Result<std::string> takeScheme(std::string_view& text) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (isAsciiLetter(c)) continue;
    if (c == ':') {
      if (at == 0) return goError("missing protocol scheme");
      std::string scheme = lower(text.substr(0, at));
      text.remove_prefix(at + 1);
      return scheme;
    }
    if (at == 0 || (!isAsciiAlphanumeric(c) && !isOneOf(c, "+-."))) break;
  }
  return std::string();
}

bool hasControlByte(std::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7F) return true;
  }
  return false;
}

// A URL without its fragment.
Result<Url> parseWithoutFragment(std::string_view text) {
  if (hasControlByte(text)) return goError("net/url: invalid control character in URL");
  Url url;
  if (text == "*") {
    url.path = "*";
    return url;
  }
  std::string_view rest = text;
  ASSIGN_OR_RETURN(url.scheme, takeScheme(rest));
  if (const std::size_t question = rest.find('?'); question != kNone) {
    url.rawQuery = rest.substr(question + 1);
    url.forcesQuery = url.rawQuery.empty();
    rest = rest.substr(0, question);
  }
  if (!rest.starts_with('/')) {
    if (!url.scheme.empty()) {
      url.opaque = rest;
      return url;
    }
    if (rest.substr(0, rest.find('/')).find(':') != kNone) {
      return goError("first path segment in URL cannot contain colon");
    }
  }
  if (rest.starts_with("//") && (!url.scheme.empty() || !rest.starts_with("///"))) {
    rest.remove_prefix(2);
    const std::size_t slash = rest.find('/');
    RETURN_IF_ERROR(parseAuthority(rest.substr(0, slash), url));
    rest = slash == kNone ? std::string_view() : rest.substr(slash);
  } else if (!url.scheme.empty() && rest.starts_with('/')) {
    url.omitsHost = true;
  }
  RETURN_IF_ERROR(decodeInto(rest, Part::Path, url.path, url.rawPath));
  return url;
}

auto whileParsing(std::string_view text) {
  return [text](const Error& error) {
    return Error{error.code, "parse " + quote(text) + ": " + error.message, {}, 0};
  };
}

}  // namespace

Result<Url> parseUrl(std::string_view text) {
  const std::size_t hash = text.find('#');
  const std::string_view beforeFragment = text.substr(0, hash);
  ASSIGN_OR_RETURN(Url url,
                   parseWithoutFragment(beforeFragment).map_error(whileParsing(beforeFragment)));
  if (hash == kNone) return url;
  RETURN_IF_ERROR(decodeInto(text.substr(hash + 1), Part::Fragment, url.fragment, url.rawFragment)
                      .map_error(whileParsing(text)));
  return url;
}

std::string printUserInfo(const UserInfo& user) {
  std::string out = escape(user.name, Part::UserPassword);
  if (user.password) out += ":" + escape(*user.password, Part::UserPassword);
  return out;
}

std::string printUrl(const Url& url) {
  std::string out;
  if (!url.scheme.empty()) out += url.scheme + ":";
  if (!url.opaque.empty()) {
    out += url.opaque;
  } else {
    const bool hasAuthority = !url.host.empty() || url.user;
    if (hasAuthority || (!url.scheme.empty() && !url.omitsHost)) {
      if (hasAuthority || !url.path.empty()) out += "//";
      if (url.user) out += printUserInfo(*url.user) + "@";
      out += escape(url.host, Part::Host);
    }
    const std::string path = encodedPath(url);
    if (!path.empty() && path[0] != '/' && !url.host.empty()) out += "/";
    // A colon in the first segment would make a scheme of it (RFC 3986, section 4.2).
    if (out.empty() && path.substr(0, path.find('/')).find(':') != kNone) out += "./";
    out += path;
  }
  if (url.forcesQuery || !url.rawQuery.empty()) out += "?" + url.rawQuery;
  if (!url.fragment.empty()) {
    out += "#" + encodeWithRaw(url.fragment, url.rawFragment, Part::Fragment);
  }
  return out;
}

std::string_view hostnameOf(const Url& url) {
  std::string_view host = url.host;
  const std::size_t colon = host.rfind(':');
  if (colon != kNone && isOptionalPort(host.substr(colon))) host = host.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return host;
}

Result<UrlParts> splitUrl(std::string_view text) {
  ASSIGN_OR_RETURN(const Url url, parseUrl(text).map_error(addContext("unable to parse url")));
  UrlParts parts;
  parts.scheme = url.scheme;
  parts.host = url.host;
  parts.hostname = hostnameOf(url);
  parts.path = url.path;
  parts.query = url.rawQuery;
  parts.opaque = url.opaque;
  parts.fragment = url.fragment;
  if (url.user) parts.userinfo = printUserInfo(*url.user);
  return parts;
}

Result<std::string> joinUrl(const UrlParts& parts) {
  Url url;
  url.scheme = parts.scheme;
  url.host = parts.host;
  url.path = parts.path;
  url.rawQuery = parts.query;
  url.opaque = parts.opaque;
  url.fragment = parts.fragment;
  if (!parts.userinfo.empty()) {
    ASSIGN_OR_RETURN(const Url parsed,
                     parseUrl("proto://" + parts.userinfo + "@host")
                         .map_error(addContext("unable to parse userinfo in dict")));
    url.user = parsed.user;
  }
  return printUrl(url);
}

}  // namespace iop::gotemplate::internal
