#include "cel/internal/network.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <optional>

#include "cel/internal/characters.h"

namespace iop::cel::internal {
namespace {

struct Problem {
  std::string_view what;
  std::string_view at = {};
};

using Outcome = std::optional<Problem>;  // none: it went well

Outcome parseV4(std::string_view text, std::uint8_t* out) {
  int value = 0, length = 0;
  std::size_t field = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char byte = text[i];
    if (isDigit(byte)) {
      if (length == 1 && value == 0) return Problem{"IPv4 field has octet with leading zero"};
      value = value * 10 + (byte - '0');
      ++length;
      if (value > 255) return Problem{"IPv4 field has value >255"};
    } else if (byte == '.') {
      if (i == 0 || i + 1 == text.size() || text[i - 1] == '.')
        return Problem{"IPv4 field must have at least one digit", text.substr(i)};
      if (field == 3) return Problem{"IPv4 address too long"};
      out[field++] = static_cast<std::uint8_t>(value);
      value = length = 0;
    } else {
      return Problem{"unexpected character", text.substr(i)};
    }
  }
  if (field < 3) return Problem{"IPv4 address too short"};
  out[3] = static_cast<std::uint8_t>(value);
  return std::nullopt;
}

Outcome parseV6(std::string_view text, std::array<std::uint8_t, 16>& out) {
  std::size_t at = 0;
  std::optional<std::size_t> ellipsis;
  if (text.starts_with("::")) {
    ellipsis = 0;
    text.remove_prefix(2);
    if (text.empty()) return std::nullopt;
  }
  while (at < 16) {
    std::size_t length = 0;
    unsigned value = 0;
    for (; length < text.size() && hexValue(text[length]) >= 0; ++length) {
      if (length > 3) return Problem{"each group must have 4 or less digits", text};
      value = value << 4 | static_cast<unsigned>(hexValue(text[length]));
    }
    if (length == 0)
      return Problem{"each colon-separated field must have at least one digit", text};
    if (length < text.size() && text[length] == '.') {
      if (!ellipsis && at != 12)
        return Problem{"embedded IPv4 address must replace the final 2 fields of the address",
                       text};
      if (at + 4 > 16)
        return Problem{"too many hex fields to fit an embedded IPv4 at the end of the address",
                       text};
      if (Outcome problem = parseV4(text, &out[at])) return problem;
      at += 4;
      text = {};
      break;
    }
    out[at++] = static_cast<std::uint8_t>(value >> 8);
    out[at++] = static_cast<std::uint8_t>(value);
    text.remove_prefix(length);
    if (text.empty()) break;
    if (text.front() != ':') return Problem{"unexpected character, want colon", text};
    if (text.size() == 1) return Problem{"colon must be followed by more characters", text};
    text.remove_prefix(1);
    if (text.front() == ':') {
      if (ellipsis) return Problem{"multiple :: in address", text};
      ellipsis = at;
      text.remove_prefix(1);
      if (text.empty()) break;
    }
  }
  if (!text.empty()) return Problem{"trailing garbage after address", text};
  if (at < 16) {
    if (!ellipsis) return Problem{"address string too short"};
    const auto begin = out.begin() + static_cast<std::ptrdiff_t>(*ellipsis);
    const auto end = out.begin() + static_cast<std::ptrdiff_t>(at);
    std::move_backward(begin, end, out.end());
    std::fill(begin, out.end() - (end - begin), std::uint8_t{0});
  } else if (ellipsis) {
    return Problem{"the :: must expand to at least one field of zeros"};
  }
  return std::nullopt;
}

// Go's netip.ParseAddr, and what it says.
Outcome parseAddress(std::string_view text, Ip& out, std::string_view& zone) {
  const std::size_t first = text.find_first_of(".:%");
  if (first == std::string_view::npos) return Problem{"unable to parse IP"};
  if (text[first] == '.') return parseV4(text, out.bytes.data());
  if (text[first] == '%') return Problem{"missing IPv6 address"};
  out.isV6 = true;
  const std::size_t percent = text.find('%');
  if (percent != std::string_view::npos) {
    zone = text.substr(percent + 1);
    if (zone.empty()) return Problem{"zone must be a non-empty string"};
  }
  return parseV6(text.substr(0, percent), out.bytes);
}

std::string describe(std::string_view function, std::string_view text, const Problem& problem) {
  std::string out(function);
  out.append("(").append(quoted(text)).append("): ").append(problem.what);
  if (!problem.at.empty()) out.append(" (at ").append(quoted(problem.at)).append(")");
  return out;
}

// ::ffff:1.2.3.4
bool isMapped(const Ip& ip) {
  return ip.isV6 && ip.bytes[10] == 0xff && ip.bytes[11] == 0xff &&
         std::all_of(ip.bytes.begin(), ip.bytes.begin() + 10, [](auto byte) { return byte == 0; });
}

unsigned groupOf(const Ip& ip, std::size_t group) {
  return static_cast<unsigned>(ip.bytes[group * 2]) << 8 | ip.bytes[group * 2 + 1];
}

}  // namespace

Result<Ip> parseIp(std::string_view text) {
  Ip out;
  std::string_view zone;
  const std::string shown = quoted(text);
  if (const Outcome problem = parseAddress(text, out, zone))
    return fail(Code::Invalid, "IP Address " + shown +
                                   " parse error during conversion from string: " +
                                   describe("ParseAddr", text, *problem));
  if (!zone.empty())
    return fail(Code::Invalid, "IP address " + shown + " with zone value is not allowed");
  if (isMapped(out))
    return fail(Code::Invalid, "IPv4-mapped IPv6 address " + shown + " is not allowed");
  return out;
}

Result<Cidr> parseCidr(std::string_view text) {
  static constexpr std::string_view kContext =
      "network address parse error during conversion from string: ";
  const auto invalid = [&](std::string_view what) {
    return fail(Code::Invalid, std::string(kContext) + std::string(kContext) +
                                   "netip.ParsePrefix(" + quoted(text) + "): " + std::string(what));
  };
  const std::size_t slash = text.rfind('/');
  if (slash == std::string_view::npos) return invalid("no '/'");
  Cidr out;
  std::string_view zone;
  const std::string_view address = text.substr(0, slash);
  if (const Outcome problem = parseAddress(address, out.ip, zone))
    return invalid(describe("ParseAddr", address, *problem));
  if (!zone.empty()) return invalid("IPv6 zones cannot be present in a prefix");
  const std::string_view bits = text.substr(slash + 1);
  if (bits.empty() || bits.size() > 3 || !std::all_of(bits.begin(), bits.end(), isDigit) ||
      (bits.size() > 1 && bits[0] == '0'))
    return invalid("bad bits after slash: " + quoted(bits));
  for (const char digit : bits) out.prefix = out.prefix * 10 + (digit - '0');
  if (out.prefix > (out.ip.isV6 ? 128 : 32)) return invalid("prefix length out of range");
  if (isMapped(out.ip))
    return fail(Code::Invalid, std::string(kContext) + "IPv4-mapped IPv6 address " + quoted(text) +
                                   " is not allowed");
  return out;
}

std::string printIp(const Ip& ip) {
  std::string out;
  if (!ip.isV6) {
    for (std::size_t i = 0; i < 4; ++i) {
      if (i > 0) out += '.';
      out += std::to_string(ip.bytes[i]);
    }
    return out;
  }
  std::size_t best = 8, bestLength = 1;  // a single zero is written out
  for (std::size_t i = 0; i < 8; ++i) {
    std::size_t length = 0;
    while (i + length < 8 && groupOf(ip, i + length) == 0) ++length;
    if (length > bestLength) {
      best = i;
      bestLength = length;
    }
  }
  for (std::size_t i = 0; i < 8; ++i) {
    if (i == best) {
      out += "::";
      i += bestLength - 1;
      continue;
    }
    if (!out.empty() && out.back() != ':') out += ':';
    char digits[4];
    const auto [end, error] = std::to_chars(digits, digits + 4, groupOf(ip, i), 16);
    out.append(digits, end);
  }
  return out;
}

std::string printCidr(const Cidr& cidr) {
  return printIp(cidr.ip) + "/" + std::to_string(cidr.prefix);
}

Cidr masked(const Cidr& cidr) {
  Cidr out = cidr;
  for (std::size_t i = 0; i < 16; ++i) {
    const int kept = std::clamp(cidr.prefix - static_cast<int>(i) * 8, 0, 8);
    out.ip.bytes[i] = static_cast<std::uint8_t>(out.ip.bytes[i] & (0xff00 >> kept));
  }
  return out;
}

bool containsIp(const Cidr& cidr, const Ip& ip) {
  Cidr other;
  other.ip = ip;
  other.prefix = cidr.prefix;
  return cidr.ip.isV6 == ip.isV6 && masked(cidr).ip == masked(other).ip;
}

bool containsCidr(const Cidr& outer, const Cidr& inner) {
  return outer.prefix <= inner.prefix && containsIp(outer, inner.ip);
}

std::string quoted(std::string_view text) {
  static constexpr std::string_view kBytes = "\a\b\f\n\r\t\v\\\"";
  static constexpr std::string_view kNames = "abfnrtv\\\"";
  std::string out = "\"";
  for (const char byte : text) {
    const std::size_t known = kBytes.find(byte);
    if (known != std::string_view::npos) {
      out += '\\';
      out += kNames[known];
    } else if (static_cast<unsigned char>(byte) < 0x20 || byte == 0x7f) {
      char hex[5];
      std::snprintf(hex, sizeof hex, "\\x%02x", static_cast<unsigned>(byte));
      out += hex;
    } else {
      out += byte;
    }
  }
  return out + "\"";
}

}  // namespace iop::cel::internal
