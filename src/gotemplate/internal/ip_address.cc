#include "gotemplate/internal/ip_address.h"

#include "gotemplate/internal/ascii.h"
#include "gotemplate/internal/strconv.h"

namespace iop::gotemplate::internal {
namespace {

// Reads one address; each failure tells the whole text and, where it helps, the place.
class IpReader {
 public:
  explicit IpReader(std::string_view text) : text_(text) {}

  Result<IpAddress> read() {
    for (const char c : text_) {
      if (c == '.') return readV4();
      if (c == ':') return readV6();
      if (c == '%') return error("missing IPv6 address");
    }
    return error("unable to parse IP");
  }

 private:
  static constexpr std::size_t kFields = 16;  // bytes of an IPv6 address
  static constexpr std::size_t kNone = std::string_view::npos;

  tl::unexpected<Error> error(std::string_view message, std::string_view at = {}) const {
    std::string out = "ParseAddr(" + quote(text_) + "): ";
    out += message;
    if (!at.empty()) out += " (at " + quote(at) + ")";
    return fail(Code::Invalid, std::move(out));
  }

  Result<IpAddress> readV4() const {
    IpAddress address;
    RETURN_IF_ERROR(appendV4(text_, address.bytes));
    return address;
  }

  Status appendV4(std::string_view text, std::vector<std::uint8_t>& bytes) const {
    unsigned value = 0;
    unsigned digits = 0;
    unsigned fields = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
      const char c = text[at];
      if (isAsciiDigit(c)) {
        if (digits == 1 && value == 0) return error("IPv4 field has octet with leading zero");
        value = value * 10 + static_cast<unsigned>(c - '0');
        ++digits;
        if (value > 255) return error("IPv4 field has value >255");
      } else if (c == '.') {
        if (digits == 0 || at + 1 == text.size()) {
          return error("IPv4 field must have at least one digit", text.substr(at));
        }
        if (fields == 3) return error("IPv4 address too long");
        bytes.push_back(static_cast<std::uint8_t>(value));
        ++fields;
        value = digits = 0;
      } else {
        return error("unexpected character", text.substr(at));
      }
    }
    if (fields < 3) return error("IPv4 address too short");
    bytes.push_back(static_cast<std::uint8_t>(value));
    return {};
  }

  // Reads one group of hexadecimal digits from the front of `rest`, or the IPv4 address at its end.
  Status readGroup(std::string_view& rest, std::vector<std::uint8_t>& bytes, bool hasGap) const {
    unsigned value = 0;
    std::size_t digits = 0;
    for (; digits < rest.size() && hexDigitValue(rest[digits]) >= 0; ++digits) {
      if (digits > 3) return error("each group must have 4 or less digits", rest);
      value = value << 4 | static_cast<unsigned>(hexDigitValue(rest[digits]));
    }
    if (digits == 0) return error("each colon-separated field must have at least one digit", rest);
    if (digits < rest.size() && rest[digits] == '.') {
      if (!hasGap && bytes.size() != 12) {
        return error("embedded IPv4 address must replace the final 2 fields of the address", rest);
      }
      if (bytes.size() + 4 > kFields) {
        return error("too many hex fields to fit an embedded IPv4 at the end of the address", rest);
      }
      const std::string_view tail = rest;
      rest = {};
      return appendV4(tail, bytes);
    }
    bytes.push_back(static_cast<std::uint8_t>(value >> 8));
    bytes.push_back(static_cast<std::uint8_t>(value & 0xFF));
    rest.remove_prefix(digits);
    return {};
  }

  Result<IpAddress> readV6() const {
    IpAddress address;
    std::vector<std::uint8_t>& bytes = address.bytes;
    std::string_view rest = text_;
    if (const std::size_t percent = text_.find('%'); percent != kNone) {
      rest = text_.substr(0, percent);
      address.zone = text_.substr(percent + 1);
      if (address.zone.empty()) return error("zone must be a non-empty string");
    }
    std::size_t gap = kNone;  // where "::" stands, in bytes
    if (rest.starts_with("::")) {
      gap = 0;
      rest.remove_prefix(2);
    }
    while (!rest.empty() && bytes.size() < kFields) {
      RETURN_IF_ERROR(readGroup(rest, bytes, gap != kNone));
      if (rest.empty()) break;
      if (rest[0] != ':') return error("unexpected character, want colon", rest);
      if (rest.size() == 1) return error("colon must be followed by more characters", rest);
      rest.remove_prefix(1);
      if (rest[0] != ':') continue;
      if (gap != kNone) return error("multiple :: in address", rest);
      gap = bytes.size();
      rest.remove_prefix(1);
    }
    if (!rest.empty()) return error("trailing garbage after address", rest);
    if (bytes.size() < kFields) {
      if (gap == kNone) return error("address string too short");
      bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(gap), kFields - bytes.size(), 0);
    } else if (gap != kNone) {
      return error("the :: must expand to at least one field of zeros");
    }
    return address;
  }

  std::string_view text_;
};

}  // namespace

Result<IpAddress> parseIpAddress(std::string_view text) { return IpReader(text).read(); }

}  // namespace iop::gotemplate::internal
