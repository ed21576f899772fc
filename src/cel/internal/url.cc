// The URLs of network.h (Go's net/url, ParseRequestURI and Parse).

#include <algorithm>
#include <map>

#include "cel/internal/characters.h"
#include "cel/internal/network.h"

namespace iop::cel::internal {
namespace {

bool isLetter(char byte) { return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z'); }

bool isUnreserved(char byte) {
  return isLetter(byte) || isDigit(byte) || byte == '-' || byte == '_' || byte == '.' ||
         byte == '~';
}

bool isOneOf(char byte, std::string_view set) { return set.find(byte) != std::string_view::npos; }

enum class Part { Host, Path, Query };

Result<std::string> unescape(std::string_view text, Part part) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char byte = text[i];
    if (byte == '%') {
      const std::string_view escape = text.substr(i, 3);
      const bool isHex = escape.size() == 3 && hexValue(escape[1]) >= 0 && hexValue(escape[2]) >= 0;
      // In a host only what is not ASCII may be escaped.
      if (!isHex || (part == Part::Host && hexValue(escape[1]) < 8 && escape != "%25"))
        return fail(Code::Invalid, "invalid URL escape " + quoted(escape));
      out += static_cast<char>(hexValue(escape[1]) << 4 | hexValue(escape[2]));
      i += 2;
    } else if (part == Part::Host && static_cast<unsigned char>(byte) < 0x80 &&
               !isUnreserved(byte) && !isOneOf(byte, "!$&'()*+,;=:[]<>\"")) {
      return fail(Code::Invalid,
                  "invalid character " + quoted(text.substr(i, 1)) + " in host name");
    } else {
      out += part == Part::Query && byte == '+' ? ' ' : byte;
    }
  }
  return out;
}

// The path as it is sent: as it was written where that is a valid way to write it.
std::string escapedPath(std::string_view written, std::string_view plain) {
  const bool isValid = std::all_of(written.begin(), written.end(), [](char byte) {
    return isUnreserved(byte) || isOneOf(byte, "!$&'()*+,;=:@[]%/");
  });
  if (isValid) return std::string(written);
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  for (const char byte : plain) {
    if (isUnreserved(byte) || isOneOf(byte, "$&+,/:;=@")) {
      out += byte;
    } else {
      out += '%';
      out += kDigits[static_cast<unsigned char>(byte) >> 4];
      out += kDigits[static_cast<unsigned char>(byte) & 15];
    }
  }
  return out;
}

Status takeScheme(std::string_view& rest, std::string& scheme) {
  for (std::size_t i = 0; i < rest.size(); ++i) {
    const char byte = rest[i];
    if (isLetter(byte)) continue;
    if (byte == ':') {
      if (i == 0) return fail(Code::Invalid, "missing protocol scheme");
      scheme = rest.substr(0, i);
      for (char& letter : scheme) letter = static_cast<char>(letter | (isLetter(letter) << 5));
      rest.remove_prefix(i + 1);
      return {};
    }
    if (i == 0 || !(isDigit(byte) || isOneOf(byte, "+-."))) return {};
  }
  return {};
}

Status parseHost(std::string_view host, Url& out) {
  std::string_view port;
  if (host.starts_with('[')) {
    const std::size_t end = host.rfind(']');
    if (end == std::string_view::npos) return fail(Code::Invalid, "missing ']' in host");
    port = host.substr(end + 1);
  } else if (const std::size_t colon = host.rfind(':'); colon != std::string_view::npos) {
    port = host.substr(colon);
  }
  if (!port.empty() && (port[0] != ':' || !std::all_of(port.begin() + 1, port.end(), isDigit)))
    return fail(Code::Invalid, "invalid port " + quoted(port) + " after host");
  ASSIGN_OR_RETURN(out.host, unescape(host, Part::Host));
  return {};
}

Status parseAuthority(std::string_view authority, Url& out) {
  const std::size_t at = authority.rfind('@');
  if (at != std::string_view::npos) {
    out.user = authority.substr(0, at);
    const bool isValid = std::all_of(out.user.begin(), out.user.end(), [](char byte) {
      return isUnreserved(byte) || isOneOf(byte, ":!$&'()*+,;=%@");
    });
    if (!isValid) return fail(Code::Invalid, "net/url: invalid userinfo");
    RETURN_IF_ERROR(unescape(out.user, Part::Path));
    authority.remove_prefix(at + 1);
  }
  return parseHost(authority, out);
}

Status parseParts(std::string_view text, Url& out) {
  const auto isControl = [](char byte) {
    return static_cast<unsigned char>(byte) < 0x20 || byte == 0x7f;
  };
  if (std::any_of(text.begin(), text.end(), isControl))
    return fail(Code::Invalid, "net/url: invalid control character in URL");
  if (text.empty()) return fail(Code::Invalid, "empty url");
  if (text == "*") {
    out.path = "*";
    return {};
  }
  std::string_view rest = text;
  if (const std::size_t hash = rest.find('#'); hash != std::string_view::npos) {
    ASSIGN_OR_RETURN(out.fragment, unescape(rest.substr(hash + 1), Part::Path));
    rest = rest.substr(0, hash);
  }
  RETURN_IF_ERROR(takeScheme(rest, out.scheme));
  if (const std::size_t question = rest.find('?'); question != std::string_view::npos) {
    out.query = rest.substr(question + 1);
    rest = rest.substr(0, question);
  }
  if (!rest.starts_with('/')) {
    if (out.scheme.empty()) return fail(Code::Invalid, "invalid URI for request");
    out.opaque = rest;
    return {};
  }
  if (rest.starts_with("//") && (!out.scheme.empty() || !rest.starts_with("///"))) {
    rest.remove_prefix(2);
    const std::size_t slash = std::min(rest.find('/'), rest.size());
    RETURN_IF_ERROR(parseAuthority(rest.substr(0, slash), out));
    rest.remove_prefix(slash);
  }
  ASSIGN_OR_RETURN(const std::string plain, unescape(rest, Part::Path));
  out.path = escapedPath(rest, plain);
  return {};
}

}  // namespace

Result<Url> parseUrl(std::string_view text) {
  Url out;
  out.text = text;
  RETURN_IF_ERROR(parseParts(text, out).map_error(addContext("parse " + quoted(text))));
  return out;
}

std::string hostnameOf(const Url& url) {
  std::string_view host = url.host;
  if (host.starts_with('[')) {
    const std::size_t end = host.find(']');
    if (end != std::string_view::npos) return std::string(host.substr(1, end - 1));
  }
  return std::string(host.substr(0, host.rfind(':')));
}

std::string portOf(const Url& url) {
  const std::string_view host = url.host;
  const std::size_t colon = host.rfind(':');
  if (colon == std::string_view::npos || host.find(']', colon) != std::string_view::npos) return {};
  return std::string(host.substr(colon + 1));
}

std::vector<std::pair<std::string, std::vector<std::string>>> queryOf(const Url& url) {
  std::map<std::string, std::vector<std::string>> values;
  std::string_view rest = url.query;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('&'), rest.size());
    const std::string_view pair = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (pair.empty() || pair.find(';') != std::string_view::npos) continue;
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const auto key = unescape(pair.substr(0, equals), Part::Query);
    const auto value = unescape(pair.substr(std::min(equals + 1, pair.size())), Part::Query);
    if (key && value) values[*key].push_back(*value);
  }
  return {values.begin(), values.end()};
}

}  // namespace iop::cel::internal
