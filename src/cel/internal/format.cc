#include "cel/internal/format.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "cel/internal/characters.h"
#include "cel/internal/conversions.h"
#include "cel/internal/interpreter.h"
#include "cel/internal/network.h"
#include "cel/internal/time_text.h"

namespace iop::cel::internal {
namespace {

constexpr int kMaxPrecision = 1000;
constexpr int kDefaultPrecision = 6;

// One "%…", read.
struct Clause {
  char verb = 0;
  int precision = kDefaultPrecision;
  std::string problem;  // why it is none
};

std::string_view onlyFor(char verb) {
  switch (verb) {
    case 's':
      return "string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, "
             "types, durations, and timestamps, was given ";
    case 'd':
      return "decimal clause can only be used on integers, was given ";
    case 'f':
      return "fixed-point clause can only be used on doubles, was given ";
    case 'e':
      return "scientific clause can only be used on doubles, was given ";
    case 'b':
      return "only integers and bools can be formatted as binary, was given ";
    case 'o':
      return "octal clause can only be used on integers, was given ";
    default:
      return "only integers, byte buffers, and strings can be formatted as hex, was given ";
  }
}

std::string misfit(char verb, std::string_view type) {
  return "error during formatting: " + std::string(onlyFor(verb)) + std::string(type);
}

// Reads behind the "%"; moves `at` behind the clause.
Clause readClause(std::string_view format, std::size_t& at) {
  static constexpr std::string_view kContext = "could not parse formatting clause: ";
  Clause out;
  if (at < format.size() && format[at] == '.') {
    const std::size_t begin = ++at;
    while (at < format.size() && isDigit(format[at])) ++at;
    const std::string_view digits = format.substr(begin, at - begin);
    if (at >= format.size()) {
      out.problem = std::string(kContext) +
                    "error while parsing precision: could not find end of precision specifier";
      return out;
    }
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), out.precision);
    if (error != std::errc()) {
      out.problem = std::string(kContext) +
                    "error while parsing precision: error while converting precision to integer: "
                    "strconv.Atoi: parsing " +
                    quoted(digits) + ": " +
                    (digits.empty() ? "invalid syntax" : "value out of range");
      return out;
    }
    out.precision = std::min(out.precision, kMaxPrecision);
  }
  const std::size_t begin = at++;
  while (at < format.size() && isContinuation(format[at])) ++at;
  const std::string_view verb = format.substr(begin, at - begin);
  if (verb.size() == 1 && std::string_view("sdfebxXo").find(verb) != std::string_view::npos) {
    out.verb = verb[0];
  } else {
    out.problem =
        std::string(kContext) + "unrecognized formatting clause \"" + std::string(verb) + "\"";
  }
  return out;
}

// Calls `onText` with what stands between clauses and `onClause` with the number of the argument
// for each of them, until there is a problem. Returns the number of clauses. `isLiteral`: clauses
// are read before their arguments are counted, as cel-go does while it compiles.
template <typename OnText, typename OnClause>
std::size_t walk(std::string_view format, std::size_t arguments, bool isLiteral,
                 std::string& problem, OnText onText, OnClause onClause) {
  std::size_t count = 0;
  for (std::size_t at = 0; at < format.size() && problem.empty();) {
    const std::size_t percent = std::min(format.find('%', at), format.size());
    onText(format.substr(at, percent - at));
    if (percent == format.size()) break;
    at = percent + 1;
    if (at < format.size() && format[at] == '%') {
      onText(std::string_view("%"));
      ++at;
      continue;
    }
    const bool isMissing = count >= arguments;
    if (isMissing && !isLiteral) {
      problem = "index " + std::to_string(count) + " out of range";
      break;
    }
    if (at >= format.size()) {
      problem = "unexpected end of string";
      break;
    }
    const Clause clause = readClause(format, at);
    if (!clause.problem.empty()) {
      problem = clause.problem;
    } else if (isMissing) {
      problem = "index " + std::to_string(count) + " out of range";
    } else {
      onClause(clause, count++);
    }
  }
  return count;
}

// 1234567.5 → 1,234,567.5
std::string grouped(std::string text) {
  const std::size_t begin = text.starts_with('-') ? 1 : 0;
  const std::size_t point = std::min(text.find('.'), text.size());
  for (std::size_t at = point; at > begin + 3;) {
    at -= 3;
    text.insert(at, ",");
  }
  return text;
}

std::string printed(const char* format, int precision, double number) {
  std::string out(static_cast<std::size_t>(precision) + 400, '\0');
  const int size = std::snprintf(out.data(), out.size(), format, precision, number);
  out.resize(static_cast<std::size_t>(std::max(size, 0)));
  return out;
}

std::string superscript(std::string_view digits) {
  static constexpr std::string_view kDigits[] = {"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
  std::string out;
  for (const char digit : digits) {
    if (digit == '-') out += "⁻";
    if (isDigit(digit)) out += kDigits[static_cast<std::size_t>(digit - '0')];
  }
  return out;
}

std::string inBase(std::uint64_t value, int base, bool isNegative) {
  char buffer[65];
  const auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, value, base);
  return (isNegative ? "-" : "") + std::string(buffer, end);
}

std::string inBase(const Item& item, int base) {
  const bool isNegative = item.kind == Kind::Int && item.number < 0;
  return inBase(isNegative ? 0 - item.asNatural() : item.asNatural(), base, isNegative);
}

std::string upper(std::string text) {
  for (char& byte : text) {
    if (byte >= 'a' && byte <= 'z') byte = static_cast<char>(byte ^ 0x20);
  }
  return text;
}

class Printer {
 public:
  explicit Printer(Budget& budget) : budget_(budget) {}

  // "" with a problem set where the argument does not fit.
  std::string print(const Clause& clause, const Item& item) {
    std::optional<std::string> out;
    switch (clause.verb) {
      case 's':
        out = text(item, false);
        break;
      case 'd':
        if (item.kind == Kind::Int || item.kind == Kind::Uint) out = inBase(item, 10);
        break;
      case 'f':
        out = fixed(item, clause.precision);
        break;
      case 'e':
        out = scientific(item);
        break;
      case 'b':
        if (item.kind == Kind::Int || item.kind == Kind::Uint || item.kind == Kind::Bool)
          out = inBase(item, 2);
        break;
      case 'o':
        if (item.kind == Kind::Int || item.kind == Kind::Uint) out = inBase(item, 8);
        break;
      default:
        out = hex(item);
        if (out && clause.verb == 'X') out = upper(std::move(*out));
    }
    if (!out && problem.empty()) problem = misfit(clause.verb, typeNameOf(item));
    return out.value_or("");
  }

  std::string problem;

 private:
  static std::optional<double> number(const Item& item) {
    if (item.kind == Kind::Double) return item.real;
    if (item.kind != Kind::String) return std::nullopt;
    if (item.view() == "NaN") return std::nan("");
    if (item.view() == "Infinity") return HUGE_VAL;
    if (item.view() == "-Infinity") return -HUGE_VAL;
    return std::nullopt;
  }

  static std::optional<std::string> fixed(const Item& item, int precision) {
    const auto value = number(item);
    if (!value) return std::nullopt;
    if (std::isnan(*value)) return "NaN";
    if (std::isinf(*value)) return *value > 0 ? "∞" : "-∞";
    return grouped(printed("%.*f", precision, *value));
  }

  static std::optional<std::string> scientific(const Item& item) {
    const auto value = number(item);
    if (!value) return std::nullopt;
    if (std::isnan(*value)) return "   NaN";
    if (std::isinf(*value)) return *value > 0 ? "     ∞" : "    -∞";
    // The precision is not heeded.
    const std::string out = printed("%.*e", kDefaultPrecision, *value);
    const std::size_t mark = out.find('e');
    return out.substr(0, mark) + "×10" + superscript(std::string_view(out).substr(mark + 1));
  }

  static std::optional<std::string> hex(const Item& item) {
    if (item.kind == Kind::Int || item.kind == Kind::Uint) return inBase(item, 16);
    if (item.kind != Kind::String && item.kind != Kind::Bytes) return std::nullopt;
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string out;
    for (const char byte : item.view()) {
      out += kDigits[static_cast<unsigned char>(byte) >> 4];
      out += kDigits[static_cast<unsigned char>(byte) & 15];
    }
    return out;
  }

  // `isInside`: of a list or map, where texts are quoted.
  std::optional<std::string> text(const Item& item, bool isInside) {
    if (!budget_.toil(1)) return "";
    switch (item.kind) {
      case Kind::String:
        return isInside ? quoted(item.view()) : std::string(item.view());
      case Kind::Bytes:
        return isInside ? "b" + quoted(item.view()) : std::string(item.view());
      case Kind::Null:
        return "null";
      case Kind::Bool:
        return item.number != 0 ? "true" : "false";
      case Kind::Int:
      case Kind::Uint:
        return inBase(item, 10);
      case Kind::Double:
        if (!isInside) return printDouble(item.real);
        if (std::isnan(item.real) || std::isinf(item.real)) return quoted(printDouble(item.real));
        return printed("%.*f", kDefaultPrecision, item.real);
      case Kind::Type:
        return std::string(item.view());
      case Kind::Duration:
        return isInside ? "duration(" + quoted(printDuration(item.number)) + ")"
                        : printDuration(item.number);
      case Kind::Timestamp:
        return isInside ? "timestamp(" + quoted(printTimestamp(item)) + ")" : printTimestamp(item);
      case Kind::List:
        return list(item);
      case Kind::Map:
        return map(item);
      default:
        if (problem.empty()) problem = misfit('s', typeNameOf(item));
        return std::nullopt;
    }
  }

  std::optional<std::string> list(const Item& list) {
    std::string out = "[";
    for (std::size_t i = 0; i < countOf(list) && !budget_.isOver(); ++i) {
      const auto element = text(elementOf(list, i), true);
      if (!element || !budget_.take(element->size())) return std::nullopt;
      out += (i > 0 ? ", " : "") + *element;
    }
    return out + "]";
  }

  std::optional<std::string> map(const Item& map) {
    std::string out = "{";
    for (std::size_t i = 0; i < countOf(map) && !budget_.isOver(); ++i) {
      const Item key = keyAt(map, i);
      const auto name = text(key, true);
      const auto value = text(entryOf(map, key).value_or(Item()), true);
      if (!name || !value || !budget_.take(name->size() + value->size())) return std::nullopt;
      out += (i > 0 ? ", " : "") + *name + ":" + *value;
    }
    return out + "}";
  }

  Budget& budget_;
};

bool fitsStatically(char verb, std::string_view type) {
  const auto isOneOf = [&](std::initializer_list<std::string_view> types) {
    return std::any_of(types.begin(), types.end(), [&](std::string_view known) {
      return type == known || (known.back() == '(' && type.starts_with(known));
    });
  };
  if (type == "dyn" || type == "!error!") return true;
  switch (verb) {
    case 's':
      return isOneOf({"string", "bool", "bytes", "int", "uint", "double", "map(", "list(", "type(",
                      "type", "duration", "timestamp", "null"});
    case 'd':
    case 'o':
      return isOneOf({"int", "uint"});
    case 'f':
    case 'e':
      return isOneOf({"double", "string"});
    case 'b':
      return isOneOf({"int", "uint", "bool"});
    default:
      return isOneOf({"int", "uint", "string", "bytes"});
  }
}

}  // namespace

std::optional<FormatProblem> checkFormat(std::string_view format,
                                         const std::vector<std::string>& types) {
  std::string problem;
  std::optional<std::size_t> misfitting;
  const std::size_t count = walk(
      format, types.size(), true, problem, [](std::string_view) {},
      [&](const Clause& clause, std::size_t index) {
        if (fitsStatically(clause.verb, types[index])) return;
        misfitting = index;
        std::string type = types[index].substr(0, types[index].find('('));
        if (type == "duration") type = "google.protobuf.Duration";
        if (type == "timestamp") type = "google.protobuf.Timestamp";
        problem = misfit(clause.verb, type);
      });
  if (problem.empty() && count < types.size())
    problem = "too many arguments supplied to string.format (expected " + std::to_string(count) +
              ", got " + std::to_string(types.size()) + ")";
  if (problem.empty()) return std::nullopt;
  return FormatProblem{std::move(problem), misfitting};
}

Item runFormat(Call& call) {
  std::string out, problem;
  Printer printer(call.budget);
  walk(
      call.text(0), countOf(call[1]), false, problem,
      [&](std::string_view text) { out.append(text); },
      [&](const Clause& clause, std::size_t index) {
        const Item item = elementOf(call[1], index);
        const std::string text = item.isError() ? std::string() : printer.print(clause, item);
        problem = item.isError() ? std::string(item.view()) : printer.problem;
        if (call.budget.take(text.size())) {
          out.append(text);
        } else {
          problem = Budget::overrun().view();
        }
      });
  if (call.budget.isOver()) return Budget::overrun();
  return problem.empty() ? Item::text(out) : Item::error(problem);
}

}  // namespace iop::cel::internal
