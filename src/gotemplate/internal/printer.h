#pragma once

// The machine behind fmt.h: prints one value by one verb under the flags of a directive.

#include <complex>
#include <cstdint>
#include <string>
#include <string_view>

#include "gotemplate/internal/any.h"
#include "gotemplate/internal/runtime.h"

namespace iop::gotemplate::internal {

struct FormatFlags {
  bool hasWidth = false;
  bool hasPrecision = false;
  bool minus = false;
  bool plus = false;
  bool sharp = false;
  bool space = false;
  bool zero = false;
  // For %+v and %#v, instead of plus and sharp.
  bool plusV = false;
  bool sharpV = false;
  int width = 0;
  int precision = 0;
};

class Printer {
 public:
  Printer(Runtime& runtime, std::string& out) : runtime_(runtime), out_(out), start_(out.size()) {}

  FormatFlags flags;

  // For %v: the flags mean something else.
  void useValueFlags();
  void printArgument(const Any& value, char32_t verb);
  void write(std::string_view text) { out_ += text; }

 private:
  // --- Values ---

  void printValue(const Any& value, char32_t verb, int depth);
  void printList(const Any& list, char32_t verb, int depth);
  void printMap(const Any& map, char32_t verb, int depth);
  void printPointer(const Any& pointer, char32_t verb, int depth);
  void printStruct(const Any& value, char32_t verb);
  void printField(std::string_view name, const Any& value, char32_t verb);
  void printNilField(std::string_view type, char32_t verb);
  // Prints what has a text of its own (Stringer, GoStringer).
  bool printByMethod(const Any& value, char32_t verb);
  void badVerb(char32_t verb);

  void formatBool(bool value, char32_t verb);
  void formatInteger(std::uint64_t value, bool isSigned, char32_t verb);
  void formatFloat(double value, char32_t verb);
  void formatComplex(std::complex<double> value, char32_t verb);
  void formatString(std::string_view text, char32_t verb);
  void formatBytes(const Any& bytes, char32_t verb);

  // --- Layout ---

  void pad(std::string_view text);
  void writePadding(std::int64_t count);
  // Without zeros as padding.
  void padWithSpaces(std::string_view text);
  std::string_view truncated(std::string_view text) const;
  void writeQuoted(std::string_view text);
  void writeHex(std::string_view bytes, bool upperCase);
  void writeCharacter(std::uint64_t code);
  void writeQuotedCharacter(std::uint64_t code);
  void writeUnicode(std::uint64_t code);
  void writeInteger(std::uint64_t value, int base, bool isSigned, char32_t verb, bool upperCase);
  void writeHexInteger(std::uint64_t value);
  void writeFloat(double value, char verb, int precision);
  void checkSize() { runtime_.checkValueBytes(out_.size() - start_); }

  Runtime& runtime_;
  std::string& out_;
  std::size_t start_;
  Any argument_;              // what a bad verb is reported with
  bool isReporting_ = false;  // a bad verb: values have no methods then
};

// The text of values that are Stringers in Go; false for others.
bool textOfStringer(const Any& value, std::string& out);

}  // namespace iop::gotemplate::internal
