#include "apiserver/kinds/internal/quantity.h"

#include <algorithm>

#include "text/json.h"

namespace iop::apiserver::kinds::internal {
namespace {

constexpr Int128 kNano = 1'000'000'000;
constexpr Int128 kMax = Int128{1} << 100;

struct Suffix {
  std::string_view text;
  int power;  // of 10, or of 1024
};
constexpr Suffix kDecimal[] = {{"n", -9}, {"u", -6}, {"m", -3}, {"", 0},   {"k", 3},
                               {"M", 6},  {"G", 9},  {"T", 12}, {"P", 15}, {"E", 18}};
constexpr Suffix kBinary[] = {{"Ki", 1}, {"Mi", 2}, {"Gi", 3}, {"Ti", 4}, {"Pi", 5}, {"Ei", 6}};

template <std::size_t Size>
const Suffix* findSuffix(const Suffix (&table)[Size], std::string_view text) {
  const Suffix* found = std::find_if(std::begin(table), std::end(table),
                                     [&](const Suffix& each) { return each.text == text; });
  return found == std::end(table) ? nullptr : found;
}

std::string printInteger(Int128 number) {
  const bool negative = number < 0;
  if (negative) number = -number;
  std::string out;
  do {
    out += static_cast<char>('0' + static_cast<int>(number % 10));
    number /= 10;
  } while (number > 0);
  if (negative) out += '-';
  std::reverse(out.begin(), out.end());
  return out;
}

bool isDecimalDigit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

bool Quantity::isWhole() const { return nano % kNano == 0; }

std::optional<Quantity> parseQuantity(std::string_view text) {
  constexpr std::size_t kMaxDigits = 28;
  Quantity out;
  bool negative = false;
  if (text.starts_with('-') || text.starts_with('+')) {
    negative = text.front() == '-';
    text.remove_prefix(1);
  }
  Int128 number = 0;
  int scale = 0;  // digits behind the point
  std::size_t digits = 0;
  bool inFraction = false;
  std::size_t at = 0;
  for (; at < text.size() && (isDecimalDigit(text[at]) || (text[at] == '.' && !inFraction)); ++at) {
    if (text[at] == '.') {
      inFraction = true;
      continue;
    }
    ++digits;
    if (number > kMax / 10 || digits > kMaxDigits) {
      // Too many digits: those before the point saturate, those behind it are passed over.
      if (!inFraction) number = kMax;
      continue;
    }
    number = number * 10 + (text[at] - '0');
    scale += inFraction ? 1 : 0;
  }
  if (digits == 0) return std::nullopt;
  const std::string_view suffix = text.substr(at);
  int power = 9 - scale;  // of ten, from `number` to billionths
  Int128 factor = 1;
  if (const Suffix* binary = findSuffix(kBinary, suffix)) {
    out.format = Quantity::Format::Binary;
    factor = Int128{1} << (10 * binary->power);
  } else if (const Suffix* decimal = findSuffix(kDecimal, suffix)) {
    power += decimal->power;
  } else if (suffix.size() > 1 && (suffix[0] == 'e' || suffix[0] == 'E')) {
    out.format = Quantity::Format::Exponent;
    std::string_view exponent = suffix.substr(1);
    const bool minus = exponent.starts_with('-');
    if (minus || exponent.starts_with('+')) exponent.remove_prefix(1);
    if (exponent.empty() || exponent.size() > 3 ||
        !std::all_of(exponent.begin(), exponent.end(), isDecimalDigit))
      return std::nullopt;
    int value = 0;
    for (const char c : exponent) value = value * 10 + (c - '0');
    power += minus ? -value : value;
  } else {
    return std::nullopt;
  }
  number = number > kMax / factor ? kMax : number * factor;
  for (; power > 0 && number != 0; --power) number = number > kMax / 10 ? kMax : number * 10;
  bool rest = false;
  for (; power < 0 && number != 0; ++power) {
    rest = rest || number % 10 != 0;
    number /= 10;
  }
  number += rest ? 1 : 0;
  out.nano = negative ? -number : number;
  return out;
}

std::string Quantity::print() const {
  if (nano == 0) return "0";
  if (format == Format::Binary && isWhole()) {
    Int128 number = nano / kNano;
    // Go writes numbers below 1024 in the decimal form, which has no suffix here.
    const Int128 size = number < 0 ? -number : number;
    if (size >= 1024) {
      std::size_t suffix = 0;
      while (suffix < std::size(kBinary) && number % 1024 == 0) {
        number /= 1024;
        ++suffix;
      }
      return printInteger(number) + (suffix == 0 ? "" : std::string(kBinary[suffix - 1].text));
    }
  }
  Int128 number = nano;
  std::size_t suffix = 0;
  while (suffix + 1 < std::size(kDecimal) && number % 1000 == 0) {
    number /= 1000;
    ++suffix;
  }
  if (format == Format::Exponent) {
    const int power = kDecimal[suffix].power;
    return printInteger(number) + (power == 0 ? "" : "e" + std::to_string(power));
  }
  return printInteger(number) + std::string(kDecimal[suffix].text);
}

Quantity quantityOf(const Value& value) {
  if (value.isString()) return parseQuantity(value.asString()).value_or(Quantity());
  if (value.isNumber()) return parseQuantity(text::printJson(value)).value_or(Quantity());
  return {};
}

void makeCanonical(Value& quantity) {
  if (quantity.isString()) {
    // Most are canonical already, as short whole numbers with a letter: those need no new string.
    if (const auto parsed = parseQuantity(quantity.asString())) {
      std::string printed = parsed->print();
      if (printed != quantity.asString()) quantity = Value(printed);
    }
  } else if (quantity.isNumber()) {
    quantity = Value(quantityOf(quantity).print());
  }
}

void makeAllCanonical(Value& object, std::string_view key) {
  const Value* map = object.find(key);
  if (map == nullptr || !map->isObject()) return;
  const Value before = *map;
  for (const Member& member : before.members()) {
    Value changed = member.value;
    makeCanonical(changed);
    if (changed != member.value) object.edit(key).set(member.key(), std::move(changed));
  }
}

}  // namespace iop::apiserver::kinds::internal
