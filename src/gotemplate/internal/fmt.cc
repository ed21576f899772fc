#include "gotemplate/internal/fmt.h"

#include <algorithm>

#include "gotemplate/internal/printer.h"
#include "gotemplate/internal/strconv.h"
#include "gotemplate/internal/unicode.h"

namespace iop::gotemplate::internal {
namespace {

// Widths, precisions and indexes beyond this are none.
constexpr int kLargestNumber = 1'000'000;

// Walks a format and hands each directive to a Printer.
class Formatter {
 public:
  Formatter(Runtime& runtime, std::string& out, std::string_view format,
            std::span<const Any> arguments)
      : runtime_(runtime),
        out_(out),
        format_(format),
        arguments_(arguments),
        printer_(runtime, out) {}

  void run();

 private:
  struct Number {
    int value = 0;
    bool present = false;
  };

  bool isAtEnd() const { return at_ >= format_.size(); }
  bool isAt(char c) const { return !isAtEnd() && format_[at_] == c; }

  void directive();
  bool readFlags();
  Number readNumber(std::size_t end);
  // "[3]", if there is one; true if it was understood.
  bool readIndex();
  Number numberFromArgument();
  void readWidth();
  void readPrecision();
  void verb();
  void extraArguments();
  void bad(char32_t verb, std::string_view what);

  Runtime& runtime_;
  std::string& out_;
  std::string_view format_;
  std::span<const Any> arguments_;
  Printer printer_;
  std::size_t at_ = 0;
  std::size_t next_ = 0;      // argument
  bool isReordered_ = false;  // an index was used
  bool isGoodIndex_ = true;   // of the current directive
  bool isAfterIndex_ = false;
};

void Formatter::run() {
  while (!isAtEnd()) {
    const std::size_t percent = std::min(format_.find('%', at_), format_.size());
    out_ += format_.substr(at_, percent - at_);
    at_ = percent;
    if (isAtEnd()) break;
    ++at_;
    runtime_.charge(1);
    directive();
  }
  if (!isReordered_ && next_ < arguments_.size()) extraArguments();
}

void Formatter::directive() {
  printer_.flags = {};
  isGoodIndex_ = true;
  isAfterIndex_ = false;
  if (readFlags()) return;
  isAfterIndex_ = readIndex();
  readWidth();
  readPrecision();
  if (!isAfterIndex_) isAfterIndex_ = readIndex();
  verb();
}

// True if that was the whole directive: flags, a lower-case verb and an argument for it.
bool Formatter::readFlags() {
  FormatFlags& flags = printer_.flags;
  for (; !isAtEnd(); ++at_) {
    const char c = format_[at_];
    switch (c) {
      case '#':
        flags.sharp = true;
        continue;
      case '0':
        flags.zero = true;
        continue;
      case '+':
        flags.plus = true;
        continue;
      case '-':
        flags.minus = true;
        continue;
      case ' ':
        flags.space = true;
        continue;
      default:
        break;
    }
    if (c < 'a' || c > 'z' || next_ >= arguments_.size()) return false;
    ++at_;
    if (c == 'v') printer_.useValueFlags();
    printer_.printArgument(arguments_[next_++], static_cast<char32_t>(c));
    return true;
  }
  return false;
}

// The number from here to `end` at most. One that is too large swallows everything up to there.
Formatter::Number Formatter::readNumber(std::size_t end) {
  Number out;
  if (at_ >= end) {
    at_ = end;
    return out;
  }
  for (; at_ < end && format_[at_] >= '0' && format_[at_] <= '9'; ++at_) {
    if (out.value > kLargestNumber) {
      at_ = end;
      return {};
    }
    out.value = out.value * 10 + (format_[at_] - '0');
    out.present = true;
  }
  return out;
}

bool Formatter::readIndex() {
  if (!isAt('[')) return false;
  isReordered_ = true;
  const std::size_t open = at_;
  const std::size_t close = format_.find(']', open + 1);
  if (format_.size() - open < 3 || close == std::string_view::npos) {
    at_ = open + 1;
    isGoodIndex_ = false;
    return false;
  }
  at_ = open + 1;
  const Number index = readNumber(close);
  const bool isNumber = index.present && at_ == close;
  at_ = close + 1;
  if (isNumber && index.value >= 1 && static_cast<std::size_t>(index.value) <= arguments_.size()) {
    next_ = static_cast<std::size_t>(index.value) - 1;
    return true;
  }
  isGoodIndex_ = false;
  return isNumber;
}

Formatter::Number Formatter::numberFromArgument() {
  if (next_ >= arguments_.size()) return {};
  const Any& argument = arguments_[next_++];
  switch (kindOf(argument.type)) {
    case Kind::Int:
    case Kind::Int64:
    case Kind::Uint8:
    case Kind::Uint64:
      break;
    default:
      return {};
  }
  if (argument.integer > kLargestNumber || argument.integer < -kLargestNumber) return {};
  return {static_cast<int>(argument.integer), true};
}

void Formatter::readWidth() {
  FormatFlags& flags = printer_.flags;
  if (!isAt('*')) {
    const Number width = readNumber(format_.size());
    flags.width = width.value;
    flags.hasWidth = width.present;
    if (isAfterIndex_ && width.present) isGoodIndex_ = false;
    return;
  }
  ++at_;
  const Number width = numberFromArgument();
  flags.hasWidth = width.present;
  flags.width = width.value;
  if (!width.present) out_ += "%!(BADWIDTH)";
  if (flags.width < 0) {
    flags.width = -flags.width;
    flags.minus = true;
    flags.zero = false;
  }
  isAfterIndex_ = false;
}

void Formatter::readPrecision() {
  // A "." at the very end is a verb.
  if (!isAt('.') || at_ + 1 == format_.size()) return;
  ++at_;
  FormatFlags& flags = printer_.flags;
  if (isAfterIndex_) isGoodIndex_ = false;
  isAfterIndex_ = readIndex();
  if (!isAt('*')) {
    flags.precision = readNumber(format_.size()).value;
    flags.hasPrecision = true;
    return;
  }
  ++at_;
  const Number precision = numberFromArgument();
  flags.precision = precision.value;
  flags.hasPrecision = precision.present;
  if (flags.precision < 0) {
    flags.precision = 0;
    flags.hasPrecision = false;
  }
  if (!flags.hasPrecision) out_ += "%!(BADPREC)";
  isAfterIndex_ = false;
}

void Formatter::verb() {
  if (isAtEnd()) {
    out_ += "%!(NOVERB)";
    return;
  }
  const DecodedRune decoded = decodeRune(format_.substr(at_));
  at_ += decoded.width;
  if (decoded.rune == '%') {
    out_ += '%';
  } else if (!isGoodIndex_) {
    bad(decoded.rune, "BADINDEX");
  } else if (next_ >= arguments_.size()) {
    bad(decoded.rune, "MISSING");
  } else {
    if (decoded.rune == 'v') printer_.useValueFlags();
    printer_.printArgument(arguments_[next_++], decoded.rune);
  }
}

void Formatter::bad(char32_t verb, std::string_view what) {
  out_ += "%!";
  appendRune(out_, verb);
  out_ += '(';
  out_ += what;
  out_ += ')';
}

void Formatter::extraArguments() {
  printer_.flags = {};
  out_ += "%!(EXTRA ";
  for (std::size_t i = next_; i < arguments_.size(); ++i) {
    if (i > next_) out_ += ", ";
    if (!arguments_[i].isNil()) {
      out_ += typeName(arguments_[i].type);
      out_ += '=';
    }
    printer_.printArgument(arguments_[i], 'v');
  }
  out_ += ')';
}

}  // namespace

void appendValue(Runtime& runtime, std::string& out, const Any& value) {
  switch (value.type) {
    case Type::String:
      out += value.asText();
      return;
    case Type::Bool:
      out += value.asBool() ? "true" : "false";
      return;
    case Type::Int:
    case Type::Int64:
      out += formatInt(value.integer);
      return;
    case Type::Float64:
      out += formatFloat(value.number, 'g', -1);
      return;
    default:
      Printer(runtime, out).printArgument(value, 'v');
  }
}

void appendPrint(Runtime& runtime, std::string& out, std::span<const Any> values) {
  Printer printer(runtime, out);
  bool afterString = true;
  for (const Any& value : values) {
    if (!afterString && !value.isString()) out += ' ';
    if (&value == &values.front() && value.isString()) {
      out += value.asText();
    } else {
      printer.printArgument(value, 'v');
    }
    afterString = value.isString();
  }
}

void appendPrintLine(Runtime& runtime, std::string& out, std::span<const Any> values) {
  Printer printer(runtime, out);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i > 0) out += ' ';
    printer.printArgument(values[i], 'v');
  }
  out += '\n';
}

void appendFormatted(Runtime& runtime, std::string& out, std::string_view format,
                     std::span<const Any> arguments) {
  Formatter(runtime, out, format, arguments).run();
}

std::string formatValue(Runtime& runtime, const Any& value, char verb) {
  std::string out;
  Printer(runtime, out).printArgument(value, static_cast<char32_t>(verb));
  return out;
}

}  // namespace iop::gotemplate::internal
