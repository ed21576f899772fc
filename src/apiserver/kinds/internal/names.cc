#include "apiserver/kinds/internal/names.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace iop::apiserver::kinds::internal {
namespace {

constexpr std::size_t kMaxLabel = 63, kMaxSubdomain = 253, kMaxPortName = 15;

constexpr std::string_view kDnsLabelRule =
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and "
    "must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used "
    "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
constexpr std::string_view kDnsLabel1035Rule =
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an "
    "alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', "
    "regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
constexpr std::string_view kDnsSubdomainRule =
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
    "'.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used "
    "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
constexpr std::string_view kWildcardRule =
    "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which "
    "must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric "
    "character (e.g. '*.example.com', regex used for validation is "
    "'\\*\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
constexpr std::string_view kNameRule =
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
    "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for "
    "validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
constexpr std::string_view kPrefixRule =
    " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')";
constexpr std::string_view kLabelValueRule =
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or "
    "'.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  "
    "or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
constexpr std::string_view kConfigKeyRule =
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. "
    "'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";

bool isLower(char c) { return c >= 'a' && c <= 'z'; }
bool isNumeral(char c) { return c >= '0' && c <= '9'; }
bool isLetter(char c) { return isLower(c) || (c >= 'A' && c <= 'Z'); }
bool isAlphanumeric(char c) { return isLetter(c) || isNumeral(c); }

template <typename Predicate>
bool all(std::string_view text, Predicate predicate) {
  return std::all_of(text.begin(), text.end(), predicate);
}

// '[a-z0-9]([-a-z0-9]*[a-z0-9])?' of any length.
bool hasLabelForm(std::string_view text) {
  const auto isOuter = [](char c) { return isLower(c) || isNumeral(c); };
  return !text.empty() && isOuter(text.front()) && isOuter(text.back()) &&
         all(text, [&](char c) { return isOuter(c) || c == '-'; });
}

bool hasSubdomainForm(std::string_view text) {
  while (true) {
    const std::size_t dot = text.find('.');
    if (!hasLabelForm(text.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

// '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]'
bool hasNameForm(std::string_view text) {
  return !text.empty() && isAlphanumeric(text.front()) && isAlphanumeric(text.back()) &&
         all(text, [](char c) { return isAlphanumeric(c) || c == '-' || c == '_' || c == '.'; });
}

std::string tooLong(std::size_t max, const char* unit = "characters") {
  return "must be no more than " + std::to_string(max) + " " + unit;
}

// The rules of length and form.
Messages check(std::string_view text, std::size_t max, bool hasForm, std::string_view rule) {
  Messages out;
  if (text.size() > max) out.push_back(tooLong(max));
  if (!hasForm) out.emplace_back(rule);
  return out;
}

}  // namespace

Messages checkQualifiedName(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash != std::string_view::npos && text.find('/', slash + 1) != std::string_view::npos)
    return {"a valid label key " + std::string(kNameRule) + std::string(kPrefixRule)};
  Messages out;
  std::string_view name = text;
  if (slash != std::string_view::npos) {
    const std::string_view prefix = text.substr(0, slash);
    name = text.substr(slash + 1);
    if (prefix.empty()) {
      out.emplace_back("prefix part must be non-empty");
    } else {
      for (const std::string& message : checkDnsSubdomain(prefix))
        out.push_back("prefix part " + message);
    }
  }
  if (name.empty()) {
    out.emplace_back("name part must be non-empty");
  } else if (name.size() > kMaxLabel) {
    out.push_back("name part " + tooLong(kMaxLabel, "bytes"));
  }
  if (!hasNameForm(name)) out.push_back("name part " + std::string(kNameRule));
  return out;
}

Messages checkDnsLabel(std::string_view text) {
  return check(text, kMaxLabel, hasLabelForm(text), kDnsLabelRule);
}

Messages checkDnsLabel1035(std::string_view text) {
  return check(text, kMaxLabel, hasLabelForm(text) && isLower(text.front()), kDnsLabel1035Rule);
}

Messages checkDnsSubdomain(std::string_view text) {
  return check(text, kMaxSubdomain, hasSubdomainForm(text), kDnsSubdomainRule);
}

Messages checkWildcardSubdomain(std::string_view text) {
  const bool hasForm = text.starts_with("*.") && hasSubdomainForm(text.substr(2));
  return check(text, kMaxSubdomain, hasForm, kWildcardRule);
}

Messages checkPathSegment(std::string_view text) {
  if (text == "." || text == "..") return {"may not be '" + std::string(text) + "'"};
  Messages out;
  for (const char c : {'/', '%'}) {
    if (text.find(c) != std::string_view::npos)
      out.push_back(std::string("may not contain '") + c + "'");
  }
  return out;
}

Messages checkLabelValue(std::string_view text) {
  Messages out;
  if (text.size() > kMaxLabel) out.push_back(tooLong(kMaxLabel, "bytes"));
  if (!text.empty() && !hasNameForm(text)) out.emplace_back(kLabelValueRule);
  return out;
}

Messages checkDomainPrefixedPath(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos || slash == 0 || slash + 1 == text.size())
    return {"must be a domain-prefixed path (such as \"acme.io/foo\")"};
  Messages out;
  for (const std::string& message : checkDnsSubdomain(text.substr(0, slash)))
    out.push_back(message);
  const std::string_view path = text.substr(slash + 1);
  if (!all(path, [](char c) {
        return isAlphanumeric(c) ||
               std::string_view("/-._~%!$&'()*+,;=:").find(c) != std::string_view::npos;
      })) {
    out.emplace_back(
        "Invalid path (regex used for validation is '"
        R"([A-Za-z0-9/\-._~%!$&'()*+,;=:]+)"
        "')");
  }
  return out;
}

Messages checkConfigKey(std::string_view text) {
  const bool hasForm = !text.empty() && all(text, [](char c) {
    return isAlphanumeric(c) || c == '-' || c == '_' || c == '.';
  });
  Messages out = check(text, kMaxSubdomain, hasForm, kConfigKeyRule);
  if (text == "." || text == "..") {
    out.push_back("must not be '" + std::string(text) + "'");
  } else if (text.starts_with("..")) {
    out.emplace_back("must not start with '..'");
  }
  return out;
}

Messages checkEnvName(std::string_view text) {
  if (!text.empty() && all(text, [](char c) { return c >= ' ' && c <= '~' && c != '='; }))
    return {};
  return {
      "a valid environment variable name must consist only of printable ASCII characters other "
      "than '='"};
}

Messages checkPortName(std::string_view text) {
  Messages out;
  if (text.size() > kMaxPortName) out.push_back(tooLong(kMaxPortName));
  if (!all(text, [](char c) { return isLower(c) || isNumeral(c) || c == '-'; }) || text.empty())
    out.emplace_back("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
  if (std::none_of(text.begin(), text.end(), isLetter))
    out.emplace_back("must contain at least one letter (a-z)");
  if (text.find("--") != std::string_view::npos)
    out.emplace_back("must not contain consecutive hyphens");
  if (!text.empty() && (text.front() == '-' || text.back() == '-'))
    out.emplace_back("must not begin or end with a hyphen");
  return out;
}

Messages checkHttpHeaderName(std::string_view text) {
  if (!text.empty() && all(text, [](char c) { return isAlphanumeric(c) || c == '-'; })) return {};
  return {
      "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', "
      "regex used for validation is '[-A-Za-z0-9]+')"};
}

bool parseIp(std::string_view text, Ip& out) {
  constexpr std::size_t kMax = 45;
  if (text.empty() || text.size() > kMax) return false;
  const std::string copy(text);
  in_addr v4{};
  if (copy.find(':') == std::string::npos) {
    if (inet_pton(AF_INET, copy.c_str(), &v4) != 1) return false;
    out.isV4 = true;
    out.bytes[10] = out.bytes[11] = 0xff;
    std::memcpy(out.bytes + 12, &v4, sizeof v4);
    return true;
  }
  out.isV4 = false;
  return inet_pton(AF_INET6, copy.c_str(), out.bytes) == 1;
}

bool parseCidr(std::string_view text, Ip& out, int& bits) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos || !parseIp(text.substr(0, slash), out)) return false;
  const std::string_view number = text.substr(slash + 1);
  const char* end = number.data() + number.size();
  const auto [at, error] = std::from_chars(number.data(), end, bits);
  return error == std::errc() && at == end && !number.starts_with('-') && bits >= 0 &&
         bits <= (out.isV4 ? 32 : 128) && (number.size() == 1 || number[0] != '0');
}

Messages checkIp(std::string_view text) {
  Ip ip;
  if (parseIp(text, ip)) return {};
  return {"must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"};
}

Messages checkCidr(std::string_view text) {
  Ip ip;
  int bits = 0;
  if (parseCidr(text, ip, bits)) return {};
  return {"must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"};
}

Messages checkFullyQualifiedDomainName(std::string_view text) {
  Messages out;
  if (text.empty()) return {"Required value"};
  if (text.ends_with('.')) text.remove_suffix(1);
  for (const std::string& message : checkDnsSubdomain(text)) out.push_back(message);
  if (text.find('.') == std::string_view::npos)
    out.emplace_back("should be a domain with at least two segments separated by dots");
  return out;
}

bool isCelIdentifier(std::string_view text) {
  static constexpr std::string_view kReserved[] = {
      "as",     "break",  "const", "continue", "else", "for",     "function",
      "if",     "import", "in",    "let",      "loop", "package", "namespace",
      "return", "var",    "void",  "while",    "true", "false",   "null"};
  return !text.empty() && !isNumeral(text.front()) &&
         all(text, [](char c) { return isAlphanumeric(c) || c == '_'; }) &&
         !isOneOf(text, kReserved);
}

void checkNonSpecialIp(Errors& errors, const Path& path, std::string_view text) {
  Ip ip;
  if (!parseIp(text, ip)) {
    errors.invalid(path, text, "must be a valid IP address");
    return;
  }
  const auto isZeros = [](const unsigned char* from, const unsigned char* to) {
    return std::all_of(from, to, [](unsigned char byte) { return byte == 0; });
  };
  const unsigned char* all = ip.bytes;
  const unsigned char* v4 = all + 12;
  const bool zero = isZeros(ip.isV4 ? v4 : all, all + 16);
  const bool loopback = ip.isV4 ? v4[0] == 127 : all[15] == 1 && isZeros(all, all + 15);
  if (zero) errors.invalid(path, text, "may not be unspecified (" + std::string(text) + ")");
  if (loopback)
    errors.invalid(path, text, "may not be in the loopback range (127.0.0.0/8, ::1/128)");
  if (ip.isV4 ? v4[0] == 169 && v4[1] == 254 : ip.bytes[0] == 0xfe && (ip.bytes[1] & 0xc0) == 0x80)
    errors.invalid(path, text, "may not be in the link-local range (169.254.0.0/16, fe80::/10)");
  if (ip.isV4 ? v4[0] == 224 && v4[1] == 0 && v4[2] == 0
              : ip.bytes[0] == 0xff && (ip.bytes[1] & 0x0f) == 2)
    errors.invalid(path, text,
                   "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)");
}

}  // namespace iop::apiserver::kinds::internal
