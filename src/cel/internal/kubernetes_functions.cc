// Quantities, addresses, networks, URLs and versions (k8s.io/apiserver/pkg/cel/library).

#include "cel/internal/functions.h"
#include "cel/internal/network.h"
#include "cel/internal/quantity.h"
#include "cel/internal/semver.h"

namespace iop::cel::internal {
namespace {

template <typename T>
Item made(Kind kind, T value) {
  return Item::withBlock(kind, std::make_shared<const T>(std::move(value)));
}

template <typename T>
Item madeOrError(Kind kind, Result<T> value) {
  return value ? made(kind, std::move(*value)) : Item::error(value.error().message);
}

const Quantity& quantityIn(Call& call, std::size_t index) { return call[index].as<Quantity>(); }

Item quantity(Call& call) {
  auto parsed = parseQuantity(call.text(0));
  if (parsed) return made(Kind::Quantity, std::move(*parsed));
  return Item::error(
      "quantities must match the regular expression "
      "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");
}
Item isQuantity(Call& call) { return Item::boolean(parseQuantity(call.text(0)).has_value()); }
Item sign(Call& call) {
  const Nanos nanos = quantityIn(call, 0).nanos;
  return Item::integer(nanos < 0 ? -1 : nanos > 0 ? 1 : 0);
}
Item isInteger(Call& call) { return Item::boolean(asInteger(quantityIn(call, 0)).has_value()); }
Item toInteger(Call& call) {
  const auto value = asInteger(quantityIn(call, 0));
  return value ? Item::integer(*value) : Item::error("cannot convert value to integer");
}
Item toDouble(Call& call) { return Item::floating(asDouble(quantityIn(call, 0))); }
Nanos secondNanos(Call& call) {
  return call[1].kind == Kind::Int ? Nanos{call.number(1)} * 1'000'000'000
                                   : quantityIn(call, 1).nanos;
}
Item add(Call& call) {
  return made(Kind::Quantity, quantityOf(quantityIn(call, 0).nanos + secondNanos(call)));
}
Item subtract(Call& call) {
  return made(Kind::Quantity, quantityOf(quantityIn(call, 0).nanos - secondNanos(call)));
}
Item compareQuantity(Call& call) {
  return Item::integer(compareQuantities(quantityIn(call, 0), quantityIn(call, 1)));
}
Item isLessQuantity(Call& call) {
  return Item::boolean(compareQuantities(quantityIn(call, 0), quantityIn(call, 1)) < 0);
}
Item isGreaterQuantity(Call& call) {
  return Item::boolean(compareQuantities(quantityIn(call, 0), quantityIn(call, 1)) > 0);
}

const Ip& ipIn(Call& call, std::size_t index) { return call[index].as<Ip>(); }
const Cidr& cidrIn(Call& call, std::size_t index) { return call[index].as<Cidr>(); }

Item ip(Call& call) { return madeOrError(Kind::Ip, parseIp(call.text(0))); }
Item isIp(Call& call) { return Item::boolean(parseIp(call.text(0)).has_value()); }
Item isCanonical(Call& call) {
  const auto parsed = parseIp(call.text(0));
  if (!parsed) return Item::error(parsed.error().message);
  return Item::boolean(printIp(*parsed) == call.text(0));
}
Item family(Call& call) { return Item::integer(ipIn(call, 0).isV6 ? 6 : 4); }

bool isUnspecified(const Ip& ip) { return ip.bytes == std::array<std::uint8_t, 16>{}; }
bool isLoopback(const Ip& ip) {
  std::array<std::uint8_t, 16> one = {};
  one[15] = 1;
  return ip.isV6 ? ip.bytes == one : ip.bytes[0] == 127;
}
bool isMulticast(const Ip& ip) {
  return ip.isV6 ? ip.bytes[0] == 0xff : (ip.bytes[0] & 0xf0) == 0xe0;
}
bool isLinkLocalMulticast(const Ip& ip) {
  if (ip.isV6) return ip.bytes[0] == 0xff && (ip.bytes[1] & 0x0f) == 0x02;
  return ip.bytes[0] == 224 && ip.bytes[1] == 0 && ip.bytes[2] == 0;
}
bool isLinkLocalUnicast(const Ip& ip) {
  if (ip.isV6) return ip.bytes[0] == 0xfe && (ip.bytes[1] & 0xc0) == 0x80;
  return ip.bytes[0] == 169 && ip.bytes[1] == 254;
}
bool isGlobalUnicast(const Ip& ip) {
  const bool isBroadcast = !ip.isV6 && ip.bytes[0] == 255 && ip.bytes[1] == 255 &&
                           ip.bytes[2] == 255 && ip.bytes[3] == 255;
  return !isUnspecified(ip) && !isLoopback(ip) && !isMulticast(ip) && !isLinkLocalUnicast(ip) &&
         !isBroadcast;
}

template <bool (*kJudge)(const Ip&)>
Item judge(Call& call) {
  return Item::boolean(kJudge(ipIn(call, 0)));
}

Item cidr(Call& call) { return madeOrError(Kind::Cidr, parseCidr(call.text(0))); }
Item isCidr(Call& call) { return Item::boolean(parseCidr(call.text(0)).has_value()); }
Item cidrIp(Call& call) { return made(Kind::Ip, cidrIn(call, 0).ip); }
Item prefixLength(Call& call) { return Item::integer(cidrIn(call, 0).prefix); }
Item maskedCidr(Call& call) { return made(Kind::Cidr, masked(cidrIn(call, 0))); }
Item containsAddress(Call& call) {
  if (call[1].kind == Kind::Ip) return Item::boolean(containsIp(cidrIn(call, 0), ipIn(call, 1)));
  const auto parsed = parseIp(call.text(1));
  if (!parsed) return Item::noOverload();
  return Item::boolean(containsIp(cidrIn(call, 0), *parsed));
}
Item containsNetwork(Call& call) {
  if (call[1].kind == Kind::Cidr)
    return Item::boolean(containsCidr(cidrIn(call, 0), cidrIn(call, 1)));
  const auto parsed = parseCidr(call.text(1));
  if (!parsed) return Item::error(parsed.error().message);
  return Item::boolean(containsCidr(cidrIn(call, 0), *parsed));
}

const Url& urlIn(Call& call) { return call[0].as<Url>(); }

Item url(Call& call) {
  auto parsed = parseUrl(call.text(0));
  if (parsed) return made(Kind::Url, std::move(*parsed));
  return Item::error("URL parse error during conversion from string: " + parsed.error().message);
}
Item isUrl(Call& call) { return Item::boolean(parseUrl(call.text(0)).has_value()); }
Item scheme(Call& call) { return Item::text(urlIn(call).scheme); }
Item host(Call& call) { return Item::text(urlIn(call).host); }
Item hostname(Call& call) { return Item::text(hostnameOf(urlIn(call))); }
Item port(Call& call) { return Item::text(portOf(urlIn(call))); }
Item escapedPath(Call& call) { return Item::text(urlIn(call).path); }
Item query(Call& call) {
  MapBuilder builder;
  for (const auto& [key, values] : queryOf(urlIn(call))) {
    std::vector<Item> items;
    for (const std::string& value : values) items.push_back(Item::text(value));
    if (!call.budget.take((items.size() + 2) * sizeof(Item))) return Budget::overrun();
    builder.insert(Item::text(key), Item::list(std::move(items)), true);
  }
  return std::move(builder).finish();
}

const Semver& semverIn(Call& call, std::size_t index) { return call[index].as<Semver>(); }

Result<Semver> readSemver(Call& call) {
  return parseSemver(call.text(0), call.size() == 2 && call[1].isTrue());
}
Item semver(Call& call) { return madeOrError(Kind::Semver, readSemver(call)); }
Item isSemver(Call& call) { return Item::boolean(readSemver(call).has_value()); }
template <std::size_t kIndex>
Item semverNumber(Call& call) {
  return Item::integer(static_cast<std::int64_t>(semverIn(call, 0).numbers[kIndex]));
}
Item compareVersions(Call& call) {
  return Item::integer(compareSemver(semverIn(call, 0), semverIn(call, 1)));
}
Item isLessSemver(Call& call) {
  return Item::boolean(compareSemver(semverIn(call, 0), semverIn(call, 1)) < 0);
}
Item isGreaterSemver(Call& call) {
  return Item::boolean(compareSemver(semverIn(call, 0), semverIn(call, 1)) > 0);
}

std::uint64_t costOfCanonical(std::span<const Item> arguments) {
  return tenth(2 * sizeForCost(arguments[0]));
}
// A text is read before it is looked for.
std::uint64_t costOfContained(std::span<const Item> arguments) {
  return arguments[1].kind == Kind::String ? 1 + tenth(sizeForCost(arguments[1])) : 1;
}

constexpr Declaration kQuantities[] = {
    {"quantity", "(string) -> quantity", quantity, costOfText},
    {"isQuantity", "(string) -> bool", isQuantity, costOfText},
    {"sign", "(quantity) -> int", sign},
    {"isInteger", "quantity.() -> bool", isInteger},
    {"asInteger", "quantity.() -> int", toInteger},
    {"asApproximateFloat", "quantity.() -> double", toDouble},
    {"add", "quantity.(quantity) -> quantity", add},
    {"add", "quantity.(int) -> quantity", add},
    {"sub", "quantity.(quantity) -> quantity", subtract},
    {"sub", "quantity.(int) -> quantity", subtract},
    {"compareTo", "quantity.(quantity) -> int", compareQuantity},
    {"isLessThan", "quantity.(quantity) -> bool", isLessQuantity},
    {"isGreaterThan", "quantity.(quantity) -> bool", isGreaterQuantity},
};

constexpr Declaration kNetwork[] = {
    {"ip", "(string) -> ip", ip, costOfText},
    {"ip", "cidr.() -> ip", cidrIp},
    {"isIP", "(string) -> bool", isIp, costOfText},
    {"ip.isCanonical", "(string) -> bool", isCanonical, costOfCanonical},
    {"family", "ip.() -> int", family},
    {"isUnspecified", "ip.() -> bool", judge<isUnspecified>},
    {"isLoopback", "ip.() -> bool", judge<isLoopback>},
    {"isLinkLocalMulticast", "ip.() -> bool", judge<isLinkLocalMulticast>},
    {"isLinkLocalUnicast", "ip.() -> bool", judge<isLinkLocalUnicast>},
    {"isGlobalUnicast", "ip.() -> bool", judge<isGlobalUnicast>},
    {"cidr", "(string) -> cidr", cidr, costOfText},
    {"isCIDR", "(string) -> bool", isCidr, costOfText},
    {"prefixLength", "cidr.() -> int", prefixLength},
    {"masked", "cidr.() -> cidr", maskedCidr},
    {"containsIP", "cidr.(ip) -> bool", containsAddress, costOfContained},
    {"containsIP", "cidr.(string) -> bool", containsAddress, costOfContained},
    {"containsCIDR", "cidr.(cidr) -> bool", containsNetwork, costOfContained},
    {"containsCIDR", "cidr.(string) -> bool", containsNetwork, costOfContained},
    {"url", "(string) -> url", url, costOfText},
    {"isURL", "(string) -> bool", isUrl, costOfText},
    {"getScheme", "url.() -> string", scheme},
    {"getHost", "url.() -> string", host},
    {"getHostname", "url.() -> string", hostname},
    {"getPort", "url.() -> string", port},
    {"getEscapedPath", "url.() -> string", escapedPath},
    {"getQuery", "url.() -> map(string, list(string))", query},
};

constexpr Declaration kVersions[] = {
    {"semver", "(string) -> semver", semver, costOfText},
    {"semver", "(string, bool) -> semver", semver, costOfText},
    {"isSemver", "(string) -> bool", isSemver, costOfText},
    {"isSemver", "(string, bool) -> bool", isSemver, costOfText},
    {"major", "semver.() -> int", semverNumber<0>},
    {"minor", "semver.() -> int", semverNumber<1>},
    {"patch", "semver.() -> int", semverNumber<2>},
    {"compareTo", "semver.(semver) -> int", compareVersions},
    {"isLessThan", "semver.(semver) -> bool", isLessSemver},
    {"isGreaterThan", "semver.(semver) -> bool", isGreaterSemver},
};

}  // namespace

std::span<const Declaration> quantityFunctions() { return kQuantities; }
std::span<const Declaration> networkFunctions() { return kNetwork; }
std::span<const Declaration> semverFunctions() { return kVersions; }

}  // namespace iop::cel::internal
