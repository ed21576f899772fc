#include "cel/internal/conversions.h"

#include <charconv>
#include <cmath>

#include "cel/internal/functions.h"
#include "cel/internal/network.h"
#include "cel/internal/time_text.h"

namespace iop::cel::internal {
namespace {

Item cannotConvert(std::string_view from, std::string_view to) {
  return Item::error("type conversion error from '" + std::string(from) + "' to '" +
                     std::string(to) + "'");
}

Item integerOverflow() { return Item::error("integer overflow"); }
Item naturalOverflow() { return Item::error("unsigned integer overflow"); }

Item same(Call& call) { return call[0]; }

Item typeOf(Call& call) { return Item::typeNamed(typeNameOf(call[0])); }

Item textToBool(Call& call) {
  const std::string_view text = call.text(0);
  for (const std::string_view yes : {"1", "t", "T", "true", "TRUE", "True"}) {
    if (text == yes) return Item::boolean(true);
  }
  for (const std::string_view no : {"0", "f", "F", "false", "FALSE", "False"}) {
    if (text == no) return Item::boolean(false);
  }
  return cannotConvert("string", "bool");
}

Item textToInt(Call& call) {
  std::string_view text = call.text(0);
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  std::int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [last, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || last != end) return cannotConvert("string", "int");
  return Item::integer(value);
}

Item textToNatural(Call& call) {
  const std::string_view text = call.text(0);
  std::uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [last, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || last != end) return cannotConvert("string", "uint");
  return Item::natural(value);
}

Item textToDouble(Call& call) {
  const auto value = parseDouble(call.text(0));
  return value ? Item::floating(*value) : cannotConvert("string", "double");
}

Item doubleToInt(Call& call) {
  const double value = call[0].real;
  if (!(value > -0x1p63 && value < 0x1p63)) return integerOverflow();
  return Item::integer(static_cast<std::int64_t>(value));
}

Item doubleToNatural(Call& call) {
  const double value = call[0].real;
  if (!(value >= 0 && value < 0x1p64)) return naturalOverflow();
  return Item::natural(static_cast<std::uint64_t>(value));
}

Item naturalToInt(Call& call) {
  return call.number(0) < 0 ? integerOverflow() : Item::integer(call.number(0));
}

Item intToNatural(Call& call) {
  return call.number(0) < 0 ? naturalOverflow() : Item::natural(call[0].asNatural());
}

Item numberToInt(Call& call) { return Item::integer(call.number(0)); }
Item intToDouble(Call& call) { return Item::floating(static_cast<double>(call.number(0))); }
Item naturalToDouble(Call& call) {
  return Item::floating(static_cast<double>(call[0].asNatural()));
}
Item textToBytes(Call& call) { return Item::bytes(call.text(0)); }

Item bytesToText(Call& call) {
  if (!isUtf8(call.text(0))) return Item::error("invalid UTF-8 in bytes, cannot convert to string");
  return Item::text(call.text(0));
}

Item toText(Call& call) {
  const Item& from = call[0];
  switch (from.kind) {
    case Kind::Bool:
      return Item::text(from.number != 0 ? "true" : "false");
    case Kind::Int:
      return Item::text(std::to_string(from.number));
    case Kind::Uint:
      return Item::text(std::to_string(from.asNatural()));
    case Kind::Double:
      return Item::text(printDouble(from.real));
    case Kind::Duration:
      return Item::text(printDuration(from.number));
    case Kind::Timestamp:
      return Item::text(printTimestamp(from));
    case Kind::Ip:
      return Item::text(printIp(from.as<Ip>()));
    case Kind::Cidr:
      return Item::text(printCidr(from.as<Cidr>()));
    default:
      return Item::noOverload();
  }
}

constexpr Declaration kFunctions[] = {
    {"bool", "(bool) -> bool", same},
    {"bool", "(string) -> bool", textToBool},
    {"bytes", "(bytes) -> bytes", same},
    {"bytes", "(string) -> bytes", textToBytes},
    {"double", "(double) -> double", same},
    {"double", "(int) -> double", intToDouble},
    {"double", "(string) -> double", textToDouble},
    {"double", "(uint) -> double", naturalToDouble},
    {"dyn", "(A) -> dyn", same},
    {"int", "(double) -> int", doubleToInt},
    {"int", "(duration) -> int", numberToInt},
    {"int", "(timestamp) -> int", numberToInt},
    {"int", "(int) -> int", same},
    {"int", "(string) -> int", textToInt},
    {"int", "(uint) -> int", naturalToInt},
    {"string", "(bool) -> string", toText},
    {"string", "(bytes) -> string", bytesToText},
    {"string", "(double) -> string", toText},
    {"string", "(duration) -> string", toText},
    {"string", "(timestamp) -> string", toText},
    {"string", "(int) -> string", toText},
    {"string", "(cidr) -> string", toText},
    {"string", "(ip) -> string", toText},
    {"string", "(string) -> string", same},
    {"string", "(uint) -> string", toText},
    {"type", "(A) -> type(A)", typeOf},
    {"uint", "(double) -> uint", doubleToNatural},
    {"uint", "(int) -> uint", intToNatural},
    {"uint", "(string) -> uint", textToNatural},
    {"uint", "(uint) -> uint", same},
};

}  // namespace

std::span<const Declaration> conversionFunctions() { return kFunctions; }

std::string printDouble(double number) {
  if (std::isnan(number)) return "NaN";
  if (std::isinf(number)) return number > 0 ? "+Inf" : "-Inf";
  char buffer[64];
  const auto shortest =
      std::to_chars(buffer, buffer + sizeof buffer, number, std::chars_format::scientific);
  const std::string_view scientific(buffer, static_cast<std::size_t>(shortest.ptr - buffer));
  const std::size_t mark = scientific.find('e');
  int exponent = 0;
  std::string_view power = scientific.substr(mark + 1);
  if (power.starts_with('+')) power.remove_prefix(1);
  std::from_chars(power.data(), power.data() + power.size(), exponent);
  if (exponent < -4 || exponent >= 6) return std::string(scientific);
  const auto fixed =
      std::to_chars(buffer, buffer + sizeof buffer, number, std::chars_format::fixed);
  return std::string(buffer, fixed.ptr);
}

std::optional<double> parseDouble(std::string_view text) {
  bool isNegative = text.starts_with('-');
  if (isNegative || text.starts_with('+')) text.remove_prefix(1);
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char byte = text[i];
    const bool isLetterOrDigit = std::isalnum(static_cast<unsigned char>(byte)) != 0;
    if (byte == '_' && i > 0 && i + 1 < text.size()) continue;
    if (!isLetterOrDigit && byte != '.' && byte != '-' && byte != '+') return std::nullopt;
    plain += static_cast<char>(std::tolower(static_cast<unsigned char>(byte)));
  }
  double value = 0;
  if (plain == "inf" || plain == "infinity") {
    value = HUGE_VAL;
  } else if (plain == "nan") {
    value = std::nan("");
  } else {
    const bool isHex = plain.starts_with("0x");
    // A hexadecimal one needs its exponent.
    if (isHex && plain.find('p') == std::string::npos) return std::nullopt;
    if (plain.empty() || plain[0] == 'i' || plain[0] == 'n' || plain[0] == '-' || plain[0] == '+')
      return std::nullopt;
    const char* begin = plain.data() + (isHex ? 2 : 0);
    const char* end = plain.data() + plain.size();
    const auto [last, error] = std::from_chars(
        begin, end, value, isHex ? std::chars_format::hex : std::chars_format::general);
    if (last != end) return std::nullopt;
    if (error == std::errc::result_out_of_range) {
      // Too small is zero, too large is an error.
      const std::size_t mark = plain.find_first_of(isHex ? "p" : "e");
      if (mark == std::string::npos || plain.substr(mark + 1, 1) != "-") return std::nullopt;
      value = 0;
    } else if (error != std::errc()) {
      return std::nullopt;
    }
  }
  return isNegative ? -value : value;
}

bool isUtf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t size = lead < 0x80   ? 1
                             : lead < 0xc2 ? 0
                             : lead < 0xe0 ? 2
                             : lead < 0xf0 ? 3
                             : lead < 0xf5 ? 4
                                           : 0;
    if (size == 0 || i + size > text.size()) return false;
    std::uint32_t code = size == 1 ? lead : lead & (0x7fU >> size);
    for (std::size_t k = 1; k < size; ++k) {
      const auto next = static_cast<unsigned char>(text[i + k]);
      if ((next & 0xc0) != 0x80) return false;
      code = code << 6 | (next & 0x3f);
    }
    if ((size == 3 && code < 0x800) || (size == 4 && (code < 0x10000 || code > 0x10ffff)) ||
        (code >= 0xd800 && code <= 0xdfff))
      return false;
    i += size;
  }
  return true;
}

}  // namespace iop::cel::internal
