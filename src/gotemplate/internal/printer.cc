#include "gotemplate/internal/printer.h"

#include <algorithm>

#include "gotemplate/internal/semver.h"
#include "gotemplate/internal/strconv.h"
#include "gotemplate/internal/times.h"
#include "gotemplate/internal/unicode.h"

namespace iop::gotemplate::internal {
namespace {

// Verbs that print a pointer as a number.
constexpr std::u32string_view kAddressVerbs = U"vbodxX";

// Seconds from the year 1, from which Go counts, to 1970.
constexpr std::int64_t kUnixToYearOne = 62135596800;

bool isTextVerb(char32_t verb) {
  return verb == 'v' || verb == 's' || verb == 'x' || verb == 'X' || verb == 'q';
}

std::string bytesOf(const Any& list) {
  const SliceView bytes(list);
  std::string out(bytes.size(), '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) out[i] = static_cast<char>(bytes[i].integer);
  return out;
}

}  // namespace

bool textOfStringer(const Any& value, std::string& out) {
  switch (value.type) {
    case Type::Time:
      out = printTime(*value.time);
      return true;
    case Type::Duration:
      out = printDuration(value.integer);
      return true;
    case Type::Month:
      out = monthName(value.integer);
      return true;
    case Type::Weekday:
      out = weekdayName(value.integer);
      return true;
    case Type::Location:
      out = value.location != nullptr && *value.location != nullptr ? (*value.location)->name()
                                                                    : "UTC";
      return true;
    case Type::SemverPointer:
    case Type::Semver:
      out = value.semver != nullptr ? printSemver(*value.semver) : "<nil>";
      return true;
    default:
      return false;
  }
}

void Printer::useValueFlags() {
  flags.sharpV = flags.sharp;
  flags.sharp = false;
  flags.plusV = flags.plus;
  flags.plus = false;
}

void Printer::printArgument(const Any& value, char32_t verb) {
  argument_ = value;
  if (value.isNil()) {
    if (verb == 'T' || verb == 'v') {
      pad("<nil>");
    } else {
      badVerb(verb);
    }
  } else if (verb == 'T') {
    pad(truncated(typeName(value.type)));
  } else if (verb == 'p') {
    if (value.isTypedNil()) {
      writeHexInteger(0);
    } else {
      badVerb(verb);
    }
  } else if (!printByMethod(value, verb)) {
    printValue(value, verb, 0);
  }
  checkSize();
}

void Printer::printValue(const Any& value, char32_t verb, int depth) {
  runtime_.charge(1);
  if (depth > 0) {
    runtime_.checkDepth(depth);
    checkSize();
    argument_ = value;
    if (printByMethod(value, verb)) return;
  }
  switch (value.type) {
    case Type::Nil:
      write(flags.sharpV ? "interface {}(nil)" : "<nil>");
      return;
    case Type::Bool:
      return formatBool(value.asBool(), verb);
    case Type::Int:
    case Type::Int64:
    case Type::Duration:
    case Type::Month:
    case Type::Weekday:
      return formatInteger(value.unsignedInteger, true, verb);
    case Type::Uint8:
    case Type::Uint64:
      return formatInteger(value.unsignedInteger, false, verb);
    case Type::Float64:
      return formatFloat(value.number, verb);
    case Type::Complex128:
      return formatComplex(*value.complex, verb);
    case Type::String:
      return formatString(value.asText(), verb);
    case Type::ByteSlice:
      return formatBytes(value, verb);
    case Type::AnySlice:
    case Type::StringSlice:
    case Type::IntSlice:
    case Type::AnySliceSlice:
      return printList(value, verb, depth);
    case Type::AnyMap:
    case Type::StringMap:
      return printMap(value, verb, depth);
    case Type::SemverPointer:
    case Type::Location:
      return printPointer(value, verb, depth);
    case Type::Time:
    case Type::Semver:
    case Type::Certificate:
      return printStruct(value, verb);
  }
}

bool Printer::printByMethod(const Any& value, char32_t verb) {
  if (isReporting_) return false;
  if (verb == 'w') {  // for errors, which no template has
    badVerb(verb);
    return true;
  }
  if (flags.sharpV) {
    if (value.type != Type::Time) return false;
    pad(truncated(printGoTime(*value.time)));
    return true;
  }
  std::string text;
  if (!isTextVerb(verb) || !textOfStringer(value, text)) return false;
  formatString(text, verb);
  return true;
}

void Printer::badVerb(char32_t verb) {
  isReporting_ = true;
  write("%!");
  appendRune(out_, verb);
  write("(");
  if (argument_.isNil()) {
    write("<nil>");
  } else {
    const Any argument = argument_;
    write(typeName(argument.type));
    write("=");
    printValue(argument, 'v', 0);
  }
  write(")");
  isReporting_ = false;
}

void Printer::printList(const Any& list, char32_t verb, int depth) {
  const SliceView items(list);
  if (flags.sharpV) {
    write(typeName(list.type));
    if (list.isTypedNil()) return write("(nil)");
  }
  write(flags.sharpV ? "{" : "[");
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i > 0) write(flags.sharpV ? ", " : " ");
    printValue(items[i], verb, depth + 1);
  }
  write(flags.sharpV ? "}" : "]");
}

void Printer::printMap(const Any& map, char32_t verb, int depth) {
  if (flags.sharpV) {
    write(typeName(map.type));
    if (map.isTypedNil()) return write("(nil)");
  }
  write(flags.sharpV ? "{" : "map[");
  const MapView entries(runtime_, map);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (i > 0) write(flags.sharpV ? ", " : " ");
    printValue(Any::string(entries.key(i)), verb, depth + 1);
    write(":");
    printValue(entries.value(i), verb, depth + 1);
  }
  write(flags.sharpV ? "}" : "]");
}

void Printer::printPointer(const Any& pointer, char32_t verb, int depth) {
  if (pointer.isTypedNil()) return write("<nil>");
  if (depth == 0) {
    write("&");
    return printStruct(pointer, verb);
  }
  if (kAddressVerbs.find(verb) == std::u32string_view::npos) return badVerb(verb);
  // Go prints the address.
  std::string text;
  textOfStringer(pointer, text);
  pad(text);
}

void Printer::printField(std::string_view name, const Any& value, char32_t verb) {
  if (out_.back() != '{') write(flags.sharpV ? ", " : " ");
  if (flags.plusV || flags.sharpV) {
    write(name);
    write(":");
  }
  argument_ = value;
  switch (value.type) {
    case Type::String:
      return formatString(value.asText(), verb);
    case Type::Location:
      if (value.isTypedNil())
        return printNilField(name == "loc" ? "*time.Location" : "*time.zone", verb);
      return badVerb(verb);
    default:
      return formatInteger(value.unsignedInteger, value.type == Type::Int64, verb);
  }
}

void Printer::printNilField(std::string_view type, char32_t verb) {
  const std::string name(type);
  if (verb == 'v') return pad(flags.sharpV ? "(" + name + ")(nil)" : "<nil>");
  if (kAddressVerbs.find(verb) != std::u32string_view::npos) return formatInteger(0, false, verb);
  write("%!");
  appendRune(out_, verb);
  write("(" + name + "=");
  pad("<nil>");
  write(")");
}

// Fields that a package keeps to itself have no methods.
void Printer::printStruct(const Any& value, char32_t verb) {
  if (flags.sharpV) {
    const std::string_view name = typeName(value.type);
    write(name.starts_with('*') ? name.substr(1) : name);
  }
  write("{");
  switch (value.type) {
    case Type::Certificate:
      printField("Cert", Any::string(value.certificate->certificate), verb);
      printField("Key", Any::string(value.certificate->key), verb);
      break;
    case Type::Time: {
      const Time& time = *value.time;
      const bool isUtc = time.location == nullptr || time.location == utcLocation();
      printField("wall", Any::unsigned64(static_cast<std::uint64_t>(time.nanos)), verb);
      printField("ext", Any::integer64(time.unixSeconds + kUnixToYearOne), verb);
      printField("loc",
                 isUtc ? Any::list(Type::Location, nullptr) : runtime_.makeLocation(time.location),
                 verb);
      break;
    }
    case Type::Location:
      // The tables of zones are left out.
      printField("name", Any::string((*value.location)->name()), verb);
      write(flags.sharpV ? ", zone:[]time.zone(nil), tx:[]time.zoneTrans(nil)" : " [] []");
      printField("extend", Any::string(""), verb);
      printField("cacheStart", Any::integer64(0), verb);
      printField("cacheEnd", Any::integer64(0), verb);
      printField("cacheZone", Any::list(Type::Location, nullptr), verb);
      break;
    default:
      printField("major", Any::unsigned64(value.semver->major), verb);
      printField("minor", Any::unsigned64(value.semver->minor), verb);
      printField("patch", Any::unsigned64(value.semver->patch), verb);
      printField("pre", Any::string(value.semver->prerelease), verb);
      printField("metadata", Any::string(value.semver->metadata), verb);
      printField("original", Any::string(value.semver->original), verb);
  }
  write("}");
}

// --- Verbs ---

void Printer::formatBool(bool value, char32_t verb) {
  if (verb == 't' || verb == 'v') {
    pad(value ? "true" : "false");
  } else {
    badVerb(verb);
  }
}

void Printer::formatInteger(std::uint64_t value, bool isSigned, char32_t verb) {
  switch (verb) {
    case 'v':
      if (flags.sharpV && !isSigned) return writeHexInteger(value);
      return writeInteger(value, 10, isSigned, verb, false);
    case 'd':
      return writeInteger(value, 10, isSigned, verb, false);
    case 'b':
      return writeInteger(value, 2, isSigned, verb, false);
    case 'o':
    case 'O':
      return writeInteger(value, 8, isSigned, verb, false);
    case 'x':
      return writeInteger(value, 16, isSigned, verb, false);
    case 'X':
      return writeInteger(value, 16, isSigned, verb, true);
    case 'c':
      return writeCharacter(value);
    case 'q':
      return writeQuotedCharacter(value);
    case 'U':
      return writeUnicode(value);
    default:
      return badVerb(verb);
  }
}

void Printer::formatFloat(double value, char32_t verb) {
  switch (verb) {
    case 'v':
      return writeFloat(value, 'g', -1);
    case 'b':
    case 'g':
    case 'G':
    case 'x':
    case 'X':
      return writeFloat(value, static_cast<char>(verb), -1);
    case 'f':
    case 'e':
    case 'E':
      return writeFloat(value, static_cast<char>(verb), 6);
    case 'F':
      return writeFloat(value, 'f', 6);
    default:
      return badVerb(verb);
  }
}

void Printer::formatComplex(std::complex<double> value, char32_t verb) {
  constexpr std::u32string_view kVerbs = U"vbgGxXfFeE";
  if (kVerbs.find(verb) == std::u32string_view::npos) return badVerb(verb);
  const bool plus = flags.plus;
  write("(");
  formatFloat(value.real(), verb);
  flags.plus = true;
  formatFloat(value.imag(), verb);
  write("i)");
  flags.plus = plus;
}

void Printer::formatString(std::string_view text, char32_t verb) {
  switch (verb) {
    case 'v':
      if (flags.sharpV) return writeQuoted(text);
      return pad(truncated(text));
    case 's':
      return pad(truncated(text));
    case 'x':
      return writeHex(text, false);
    case 'X':
      return writeHex(text, true);
    case 'q':
      return writeQuoted(text);
    default:
      return badVerb(verb);
  }
}

void Printer::formatBytes(const Any& bytes, char32_t verb) {
  switch (verb) {
    case 's':
      return pad(truncated(bytesOf(bytes)));
    case 'x':
      return writeHex(bytesOf(bytes), false);
    case 'X':
      return writeHex(bytesOf(bytes), true);
    case 'q':
      return writeQuoted(bytesOf(bytes));
    case 'v':
      if (flags.sharpV) {
        write("[]byte");
        if (bytes.isTypedNil()) return write("(nil)");
        write("{");
        for (std::size_t i = 0; i < SliceView(bytes).size(); ++i) {
          if (i > 0) write(", ");
          writeHexInteger(SliceView(bytes)[i].unsignedInteger);
        }
        return write("}");
      }
      [[fallthrough]];
    default:
      return printList(bytes, verb, 0);
  }
}

}  // namespace iop::gotemplate::internal
