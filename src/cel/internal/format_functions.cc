// format.dns1123Label().validate(…): the named formats of k8s.io/apiserver/pkg/cel/library.

#include <algorithm>

#include "cel/internal/characters.h"
#include "cel/internal/functions.h"
#include "cel/internal/network.h"
#include "cel/internal/time_text.h"
#include "text/base64.h"

namespace iop::cel::internal {
namespace {

using Complaints = std::vector<std::string>;

constexpr std::string_view kLabelText =
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and "
    "must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used "
    "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
constexpr std::string_view kSubdomainText =
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
    "'.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used "
    "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
constexpr std::string_view kLabel1035Text =
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an "
    "alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', "
    "regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
constexpr std::string_view kNamePartText =
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end "
    "with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for "
    "validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
constexpr std::string_view kLabelKeyText =
    "a valid label key must consist of alphanumeric characters, '-', '_' or '.', and must start "
    "and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex "
    "used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS "
    "subdomain prefix and '/' (e.g. 'example.com/MyName')";
constexpr std::string_view kLabelValueText =
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or "
    "'.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  "
    "or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

bool isLower(char byte) { return byte >= 'a' && byte <= 'z'; }
bool isLowerOrDigit(char byte) { return isLower(byte) || isDigit(byte); }
bool isAlphanumeric(char byte) { return isLowerOrDigit(byte) || (byte >= 'A' && byte <= 'Z'); }

bool isLabel(std::string_view text) {
  return !text.empty() && isLowerOrDigit(text.front()) && isLowerOrDigit(text.back()) &&
         std::all_of(text.begin(), text.end(),
                     [](char byte) { return isLowerOrDigit(byte) || byte == '-'; });
}

bool isSubdomain(std::string_view text) {
  while (true) {
    const std::size_t dot = text.find('.');
    if (!isLabel(text.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

// What names of labels and annotations consist of.
bool isName(std::string_view text) {
  return !text.empty() && isAlphanumeric(text.front()) && isAlphanumeric(text.back()) &&
         std::all_of(text.begin(), text.end(), [](char byte) {
           return isAlphanumeric(byte) || byte == '-' || byte == '_' || byte == '.';
         });
}

void expectAtMost(Complaints& out, std::string_view text, std::size_t most,
                  std::string_view unit = "characters", std::string_view prefix = {}) {
  if (text.size() > most)
    out.push_back(std::string(prefix) + "must be no more than " + std::to_string(most) + " " +
                  std::string(unit));
}

// A name that more is put behind may end in a dash.
std::string withoutDash(std::string_view text) {
  std::string out(text);
  if (out.size() > 1 && out.back() == '-') out.back() = 'a';
  return out;
}

Complaints label(std::string_view text) {
  Complaints out;
  expectAtMost(out, text, 63);
  if (!isLabel(text)) out.emplace_back(kLabelText);
  return out;
}
Complaints labelPrefix(std::string_view text) { return label(withoutDash(text)); }

Complaints subdomain(std::string_view text) {
  Complaints out;
  expectAtMost(out, text, 253);
  if (!isSubdomain(text)) out.emplace_back(kSubdomainText);
  return out;
}
Complaints subdomainPrefix(std::string_view text) { return subdomain(withoutDash(text)); }

Complaints label1035(std::string_view text) {
  Complaints out;
  expectAtMost(out, text, 63);
  if (!isLabel(text) || !isLower(text.front())) out.emplace_back(kLabel1035Text);
  return out;
}
Complaints label1035Prefix(std::string_view text) { return label1035(withoutDash(text)); }

Complaints qualifiedName(std::string_view text) {
  Complaints out;
  std::string_view name = text;
  const std::size_t slash = text.find('/');
  if (slash != std::string_view::npos) {
    if (text.find('/', slash + 1) != std::string_view::npos) return {std::string(kLabelKeyText)};
    const std::string_view prefix = text.substr(0, slash);
    name = text.substr(slash + 1);
    if (prefix.empty()) {
      out.emplace_back("prefix part must be non-empty");
    } else {
      for (const std::string& complaint : subdomain(prefix))
        out.push_back("prefix part " + complaint);
    }
  }
  if (name.empty()) {
    out.emplace_back("name part must be non-empty");
  } else {
    expectAtMost(out, name, 63, "characters", "name part ");
  }
  if (!isName(name)) out.emplace_back(kNamePartText);
  return out;
}

Complaints labelValue(std::string_view text) {
  Complaints out;
  expectAtMost(out, text, 63, "bytes");
  if (!text.empty() && !isName(text)) out.emplace_back(kLabelValueText);
  return out;
}

Complaints uri(std::string_view text) {
  const auto parsed = parseUrl(text);
  if (parsed) return {};
  return {parsed.error().message};
}

Complaints uuid(std::string_view text) {
  static constexpr std::string_view kShape = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  std::size_t at = 0;
  bool isGood = true;
  for (const char want : kShape) {
    if (want == '-') {
      // The dashes may be left out.
      if (at < text.size() && text[at] == '-') ++at;
      continue;
    }
    const char byte = at < text.size() ? static_cast<char>(text[at] | 0x20) : '\0';
    isGood = isGood && (isDigit(byte) || (byte >= 'a' && byte <= 'f'));
    ++at;
  }
  if (isGood && at == text.size()) return {};
  return {"does not match the UUID format"};
}

Complaints byte(std::string_view text) {
  if (text::decodeBase64(text)) return {};
  return {"invalid base64"};
}

Complaints date(std::string_view text) {
  if (text.size() == 10 && parseLooseTimestamp(text)) return {};
  return {"invalid date"};
}

Complaints datetime(std::string_view text) {
  if (text.size() > 10 && parseLooseTimestamp(text)) return {};
  return {"invalid datetime"};
}

struct Format {
  std::string_view name;
  Complaints (*validate)(std::string_view text);
};

constexpr Format kFormats[] = {
    {"byte", byte},
    {"date", date},
    {"datetime", datetime},
    {"dns1035Label", label1035},
    {"dns1035LabelPrefix", label1035Prefix},
    {"dns1123Label", label},
    {"dns1123LabelPrefix", labelPrefix},
    {"dns1123Subdomain", subdomain},
    {"dns1123SubdomainPrefix", subdomainPrefix},
    {"labelValue", labelValue},
    {"qualifiedName", qualifiedName},
    {"uri", uri},
    {"uuid", uuid},
};

Item formatNamed(std::string_view name) {
  Item out = Item::text(name);
  out.kind = Kind::Format;
  return out;
}

template <std::size_t kIndex>
Item format(Call&) {
  return formatNamed(kFormats[kIndex].name);
}

const Format* findFormat(std::string_view name) {
  const auto* found = std::find_if(std::begin(kFormats), std::end(kFormats),
                                   [&](const Format& known) { return known.name == name; });
  return found == std::end(kFormats) ? nullptr : found;
}

Item named(Call& call) {
  const Format* found = findFormat(call.text(0));
  return found == nullptr ? Item::none() : Item::some(formatNamed(found->name));
}

Item validate(Call& call) {
  const Complaints complaints = findFormat(call.text(0))->validate(call.text(1));
  if (complaints.empty()) return Item::none();
  std::vector<Item> out;
  for (const std::string& complaint : complaints) out.push_back(Item::text(complaint));
  return Item::some(Item::list(std::move(out)));
}

std::uint64_t costOfValidation(std::span<const Item> arguments) {
  return 1 + 9 * tenth(sizeForCost(arguments[1]));
}

constexpr Declaration kFunctions[] = {
    {"format.named", "(string) -> optional(format)", named},
    {"validate", "format.(string) -> optional(list(string))", validate, costOfValidation},
    {"format.byte", "() -> format", format<0>},
    {"format.date", "() -> format", format<1>},
    {"format.datetime", "() -> format", format<2>},
    {"format.dns1035Label", "() -> format", format<3>},
    {"format.dns1035LabelPrefix", "() -> format", format<4>},
    {"format.dns1123Label", "() -> format", format<5>},
    {"format.dns1123LabelPrefix", "() -> format", format<6>},
    {"format.dns1123Subdomain", "() -> format", format<7>},
    {"format.dns1123SubdomainPrefix", "() -> format", format<8>},
    {"format.labelValue", "() -> format", format<9>},
    {"format.qualifiedName", "() -> format", format<10>},
    {"format.uri", "() -> format", format<11>},
    {"format.uuid", "() -> format", format<12>},
};

}  // namespace

std::span<const Declaration> formatFunctions() { return kFunctions; }

}  // namespace iop::cel::internal
