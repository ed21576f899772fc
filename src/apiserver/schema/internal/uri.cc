#include "apiserver/schema/internal/uri.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <string>

namespace iop::apiserver::schema::internal {
namespace {

bool isAlpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool isDigit(char c) { return c >= '0' && c <= '9'; }
bool isHex(char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0; }

// The text behind "scheme:"; the text itself where there is no scheme; nothing for ":x".
std::optional<std::string_view> withoutScheme(std::string_view text, bool& hasScheme) {
  hasScheme = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (isAlpha(c)) continue;
    if (isDigit(c) || c == '+' || c == '-' || c == '.') {
      if (i == 0) return text;
      continue;
    }
    if (c != ':') return text;
    if (i == 0) return std::nullopt;
    hasScheme = true;
    return text.substr(i + 1);
  }
  return text;
}

bool escapesAreValid(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i)
    if (text[i] == '%' && (i + 2 >= text.size() || !isHex(text[i + 1]) || !isHex(text[i + 2])))
      return false;
  return true;
}

bool isOptionalPort(std::string_view text) {
  if (text.empty()) return true;
  return text[0] == ':' && std::all_of(text.begin() + 1, text.end(), isDigit);
}

bool isHostCharacter(char c) {
  static constexpr std::string_view kAllowed = "-_.~!$&'()*+,;=:[]<>\"";
  return static_cast<unsigned char>(c) >= 0x80 || isAlpha(c) || isDigit(c) ||
         kAllowed.find(c) != std::string_view::npos;
}

bool isHost(std::string_view host) {
  if (!host.empty() && host[0] == '[') {
    const std::size_t end = host.rfind(']');
    if (end == std::string_view::npos || !isOptionalPort(host.substr(end + 1))) return false;
  } else if (const std::size_t colon = host.rfind(':'); colon != std::string_view::npos) {
    if (!isOptionalPort(host.substr(colon))) return false;
  }
  for (std::size_t i = 0; i < host.size(); ++i) {
    if (host[i] != '%') {
      if (!isHostCharacter(host[i])) return false;
      continue;
    }
    // Only bytes beyond ASCII and the percent sign of a zone may be escaped in a host.
    if (i + 2 >= host.size() || !isHex(host[i + 1]) || !isHex(host[i + 2])) return false;
    if (host[i + 1] < '8' && host.substr(i, 3) != "%25") return false;
    i += 2;
  }
  return true;
}

bool isUserInfo(std::string_view text) {
  static constexpr std::string_view kAllowed = "-._:~!$&'()*+,;=%@";
  return escapesAreValid(text) && std::all_of(text.begin(), text.end(), [](char c) {
           return isAlpha(c) || isDigit(c) || kAllowed.find(c) != std::string_view::npos;
         });
}

}  // namespace

bool isRequestUri(std::string_view text) {
  const auto isControl = [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) == 0x7F;
  };
  if (text.empty() || std::any_of(text.begin(), text.end(), isControl)) return false;
  if (text == "*") return true;
  bool hasScheme = false;
  const std::optional<std::string_view> behind = withoutScheme(text, hasScheme);
  if (!behind) return false;
  std::string_view rest = behind->substr(0, behind->find('?'));
  if (rest.empty() || rest[0] != '/') return hasScheme;
  if (rest.starts_with("//") && (hasScheme || !rest.starts_with("///"))) {
    rest.remove_prefix(2);
    const std::size_t slash = rest.find('/');
    const std::string_view authority = rest.substr(0, slash);
    const std::size_t at = authority.rfind('@');
    if (at != std::string_view::npos && !isUserInfo(authority.substr(0, at))) return false;
    if (!isHost(at == std::string_view::npos ? authority : authority.substr(at + 1))) return false;
    rest = slash == std::string_view::npos ? std::string_view() : rest.substr(slash);
  }
  return escapesAreValid(rest);
}

}  // namespace iop::apiserver::schema::internal
