// What a number in a template can be taken for (text/template/parse's rules).

#include <cmath>

#include "gotemplate/internal/convert.h"
#include "gotemplate/internal/nodes.h"
#include "gotemplate/internal/strconv.h"

namespace iop::gotemplate::internal {
namespace {

void setInteger(NumberNode& out, std::int64_t value) {
  out.isInt = true;
  out.integer = value;
}

void setUnsigned(NumberNode& out, std::uint64_t value) {
  out.isUint = true;
  out.unsignedInteger = value;
}

// A float with an integral value can be an integer too.
void setFloat(NumberNode& out, double value) {
  out.isFloat = true;
  out.number = value;
  if (const std::int64_t integer = truncateToInt64(value); static_cast<double>(integer) == value) {
    setInteger(out, integer);
  }
  if (const std::uint64_t integer = truncateToUint64(value);
      static_cast<double>(integer) == value) {
    setUnsigned(out, integer);
  }
}

void setComplex(NumberNode& out, double real, double imaginary) {
  out.isComplex = true;
  out.real = real;
  out.imaginary = imaginary;
  if (imaginary == 0) setFloat(out, real);
}

Result<NumberNode> parseCharacter(NumberNode out) {
  ASSIGN_OR_RETURN(const UnquotedChar character, unquoteChar(out.text.substr(1), out.text[0]));
  if (character.tail != "'") {
    return fail(Code::Invalid, "malformed character constant: " + std::string(out.text));
  }
  setInteger(out, static_cast<std::int64_t>(character.value));
  setUnsigned(out, character.value);
  out.isFloat = true;
  out.number = static_cast<double>(character.value);
  return out;
}

// Where the first number of "1+2i" ends, as fmt.Sscan reads it: nan and inf are numbers, and their
// first letters are taken even where the others are missing.
std::size_t scanFloat(std::string_view text) {
  std::size_t at = 0;
  const auto accept = [&](std::string_view characters) {
    if (at == text.size() || characters.find(text[at]) == std::string_view::npos) return false;
    ++at;
    return true;
  };
  if (accept("nN") && accept("aA") && accept("nN")) return at;
  accept("+-");
  if (accept("iI") && accept("nN") && accept("fF")) return at;
  std::string_view digits = "0123456789_";
  std::string_view exponent = "eEpP";
  if (accept("0") && accept("xX")) {
    digits = "0123456789aAbBcCdDeEfF_";
    exponent = "pP";
  }
  while (accept(digits)) {
  }
  if (accept(".")) {
    while (accept(digits)) {
    }
  }
  if (accept(exponent)) {
    accept("+-");
    while (accept("0123456789_")) {
    }
  }
  return at;
}

Result<double> convertFloat(std::string_view text) {
  const Parsed<double> parsed = parseFloat(text);
  if (!parsed.ok()) return fail(Code::Invalid, numErrorText("ParseFloat", text, parsed.error));
  return parsed.value;
}

Result<NumberNode> parseComplex(NumberNode out) {
  const std::string_view text = out.text;
  const std::size_t middle = scanFloat(text);
  const std::string_view rest = text.substr(middle);
  const bool hasSign = !rest.empty() && (rest[0] == '+' || rest[0] == '-');
  const std::size_t end = hasSign ? scanFloat(rest) : 0;
  if (!hasSign || end >= rest.size() || rest[end] != 'i') {
    return fail(Code::Invalid, "syntax error scanning complex number");
  }
  ASSIGN_OR_RETURN(const double real, convertFloat(text.substr(0, middle)));
  ASSIGN_OR_RETURN(const double imaginary, convertFloat(rest.substr(0, end)));
  setComplex(out, real, imaginary);
  return out;
}

}  // namespace

Result<NumberNode> parseNumber(std::string_view text, NumberSyntax syntax) {
  NumberNode out{};
  out.kind = NodeKind::Number;
  out.text = text;
  if (syntax == NumberSyntax::Character) return parseCharacter(out);
  if (syntax == NumberSyntax::Complex) return parseComplex(out);
  if (text.ends_with('i')) {
    if (const Parsed<double> imaginary = parseFloat(text.substr(0, text.size() - 1));
        imaginary.ok()) {
      setComplex(out, 0, imaginary.value);
      return out;
    }
  }
  if (const Parsed<std::uint64_t> parsed = parseUint(text, 0); parsed.ok())
    setUnsigned(out, parsed.value);
  if (const Parsed<std::int64_t> parsed = parseInt(text, 0); parsed.ok()) {
    setInteger(out, parsed.value);
    if (parsed.value == 0) setUnsigned(out, 0);  // -0
  }
  if (out.isInt || out.isUint) {
    out.isFloat = true;
    out.number =
        out.isInt ? static_cast<double>(out.integer) : static_cast<double>(out.unsignedInteger);
    return out;
  }
  const Parsed<double> parsed = parseFloat(text);
  if (!parsed.ok()) return fail(Code::Invalid, "illegal number syntax: " + quote(text));
  // What looks like an integer and is none is too large for one.
  if (text.find_first_of(".eEpP") == std::string_view::npos) {
    return fail(Code::Invalid, "integer overflow: " + quote(text));
  }
  setFloat(out, parsed.value);
  return out;
}

}  // namespace iop::gotemplate::internal
