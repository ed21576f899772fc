#include <algorithm>
#include <span>
#include <variant>
#include <vector>

#include "text/internal/number.h"
#include "text/internal/utf8.h"
#include "text/internal/yaml_scalar.h"
#include "text/json.h"
#include "text/yaml.h"

namespace iop::text {
namespace {

constexpr int kIndent = 2;
constexpr int kWidth = 80;                  // a line is folded at the first space behind it
constexpr std::size_t kMaxSimpleKey = 128;  // bytes; longer keys are written with "?"

// The order of keys: letters bytewise behind all else, and runs of digits by their value.
// Characters beyond ASCII count as letters.
bool isDigit(char c) { return c >= '0' && c <= '9'; }
bool isLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c & 0x80) != 0;
}

std::string_view digitsAt(std::string_view text, std::size_t at) {
  std::size_t end = at;
  while (end < text.size() && isDigit(text[end])) ++end;
  return text.substr(at, end - at);
}

// Numbers without their leading zeros: <0, 0 or >0.
int compareNumbers(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return a.size() < b.size() ? -1 : 1;
  return a.compare(b);
}

bool naturalLess(std::string_view a, std::string_view b) {
  const std::size_t common = std::min(a.size(), b.size());
  const std::size_t i = static_cast<std::size_t>(
      std::mismatch(a.begin(), a.begin() + static_cast<long>(common), b.begin()).first - a.begin());
  if (i == common) return a.size() < b.size();
  const bool letterA = isLetter(a[i]), letterB = isLetter(b[i]);
  if (letterA && letterB)
    return static_cast<unsigned char>(a[i]) < static_cast<unsigned char>(b[i]);
  if (letterA || letterB) return letterB;
  std::string_view numberA = digitsAt(a, i), numberB = digitsAt(b, i);
  const std::size_t sizeA = numberA.size(), sizeB = numberB.size();
  // A zero counts where digits other than zero stand before it.
  bool significant = false;
  for (std::size_t j = i; j-- > 0 && isDigit(a[j]);) significant = significant || a[j] != '0';
  if (!significant) {
    numberA.remove_prefix(std::min(numberA.find_first_not_of('0'), sizeA));
    numberB.remove_prefix(std::min(numberB.find_first_not_of('0'), sizeB));
  }
  if (const int order = compareNumbers(numberA, numberB); order != 0) return order < 0;
  if (sizeA != sizeB) return sizeA < sizeB;
  return static_cast<unsigned char>(a[i]) < static_cast<unsigned char>(b[i]);
}

// Characters that may stand in a scalar without an escape. Tabs and what is beyond the basic plane
// may not.
bool isPrintable(const internal::Rune& rune) {
  const char32_t c = rune.code;
  if (internal::isInvalid(rune) || c == 0x2028 || c == 0x2029 || c == 0xFEFF) return false;
  return c == '\n' || (c >= 0x20 && c <= 0x7E) || (c >= 0xA0 && c <= 0xFFFD);
}

enum class Style { Plain, SingleQuoted, DoubleQuoted, Literal };

// What the bytes of a scalar allow.
struct Analysis {
  bool special = false;  // needs escapes
  bool multiline = false;
  bool indicators = false;  // begins with, or contains, what means something else in a plain scalar
  bool leadingSpace = false, trailingSpace = false;
  bool leadingBreak = false, trailingBreak = false;
  bool breakBeforeSpace = false, spaceBeforeBreak = false;

  bool allowsPlain() const {
    return !special && !multiline && !indicators && !leadingSpace && !trailingSpace &&
           !leadingBreak && !trailingBreak;
  }
  bool allowsSingleQuoted() const { return !special && !breakBeforeSpace && !spaceBeforeBreak; }
  bool allowsLiteral() const { return !special && !trailingSpace && !spaceBeforeBreak; }
};

// True if the character at `i` gives a plain scalar another meaning in block context.
bool isIndicator(std::string_view text, std::size_t i) {
  const auto isBlank = [&](std::size_t at) {
    return at >= text.size() || text[at] == ' ' || text[at] == '\t';
  };
  const char c = text[i];
  if (c == ':') return isBlank(i + 1);
  if (i > 0) return c == '#' && (text[i - 1] == ' ' || text[i - 1] == '\n');
  if (c == '?' || c == '-') return isBlank(i + 1);
  return std::string_view("#,[]{}&*!|>'\"%@`").find(c) != std::string_view::npos;
}

Analysis analyze(std::string_view text) {
  Analysis out;
  if (text.empty()) return out;
  out.indicators = text.substr(0, 3) == "---" || text.substr(0, 3) == "...";
  out.leadingSpace = text.front() == ' ';
  out.trailingSpace = text.back() == ' ';
  out.leadingBreak = text.front() == '\n';
  out.trailingBreak = text.back() == '\n';
  for (std::size_t i = 0; i < text.size();) {
    const internal::Rune rune = internal::decodeRune(text.substr(i));
    out.special = out.special || !isPrintable(rune);
    out.indicators = out.indicators || isIndicator(text, i);
    out.multiline = out.multiline || text[i] == '\n';
    const char before = i > 0 ? text[i - 1] : '\0';
    out.breakBeforeSpace = out.breakBeforeSpace || (before == '\n' && text[i] == ' ');
    out.spaceBeforeBreak = out.spaceBeforeBreak || (before == ' ' && text[i] == '\n');
    i += rune.size;
  }
  return out;
}

// True if a reader would take the text, written plainly, for something else than a string.
bool isAmbiguous(std::string_view text, bool key) {
  const bool string = std::holds_alternative<std::monostate>(internal::resolvePlain(text));
  return !string || internal::isBase60(text) || (key && text == "<<");
}

// True if the text has what YAML 1.1 takes for a line break.
bool hasBreak(std::string_view text) {
  constexpr std::string_view kBreaks[] = {"\n", "\r", "\xC2\x85", "\xE2\x80\xA8", "\xE2\x80\xA9"};
  return std::any_of(std::begin(kBreaks), std::end(kBreaks),
                     [&](std::string_view b) { return text.find(b) != std::string_view::npos; });
}

class Printer {
 public:
  explicit Printer(std::string& out) : out_(out) {}

  void printDocument(const Value& value) {
    printNode(value, -kIndent, false);
    writeIndent(0);
  }

 private:
  // `indent` is that of the collection around; -kIndent at the root.
  void printNode(const Value& value, int indent, bool inMapping) {
    if (value.isObject() && !value.empty()) {
      printMapping(value, indent + kIndent);
    } else if (value.isArray() && !value.empty()) {
      // Right below its key a list is not indented.
      printSequence(value, inMapping && !atIndent_ ? indent : indent + kIndent);
    } else {
      printLeaf(value, std::max(indent, 0) + kIndent);
    }
  }

  void printSequence(const Value& value, int indent) {
    for (const Value& item : value.items()) {
      writeIndent(indent);
      writeIndicator("-", true);
      printNode(item, indent, false);
    }
  }

  void printMapping(const Value& value, int indent) {
    const std::span<const Member> members = value.members();
    std::vector<const Member*> sorted(members.size());
    for (std::size_t i = 0; i < members.size(); ++i) sorted[i] = &members[i];
    std::stable_sort(sorted.begin(), sorted.end(), [](const Member* a, const Member* b) {
      return naturalLess(a->key(), b->key());
    });
    for (const Member* member : sorted) {
      writeIndent(indent);
      const std::string key = throughUtf8(member->key());
      if (key.size() <= kMaxSimpleKey && !hasBreak(key)) {
        printString(key, indent + kIndent, true, true);
        write(":");
        atIndent_ = false;
      } else {
        writeIndicator("?", true);
        printString(key, indent + kIndent, false, true);
        writeIndent(indent);
        writeIndicator(":", true);
      }
      printNode(member->value, indent, true);
    }
  }

  void printLeaf(const Value& value, int indent) {
    switch (value.type()) {
      case Value::Type::String:
        printString(throughUtf8(value.asString()), indent, false, false);
        break;
      case Value::Type::Double:
        printDouble(value.asDouble());
        break;
      default:
        writeWord(printJson(value));
    }
  }

  // As the number comes out of JSON: an integer where it is written like one, else in format 'g'.
  void printDouble(double number) {
    std::string text;
    internal::appendJsonDouble(text, number);
    if (const auto* value = std::get_if<double>(&resolved(text))) {
      text.clear();
      internal::appendGeneral(text, *value);
    } else if (text == "-0") {
      text = "0";
    }
    writeWord(text);
  }

  const internal::Scalar& resolved(std::string_view text) {
    resolved_ = internal::resolvePlain(text);
    return resolved_;
  }

  // The text with U+FFFD for what is not UTF-8.
  static std::string throughUtf8(std::string_view text) {
    if (internal::isValidUtf8(text)) return std::string(text);
    std::string out;
    while (!text.empty()) {
      const internal::Rune rune = internal::decodeRune(text);
      internal::appendRune(out, rune.code);
      text.remove_prefix(rune.size);
    }
    return out;
  }

  static Style chooseStyle(std::string_view text, bool simpleKey, bool key) {
    const Analysis analysis = analyze(text);
    if (analysis.multiline)
      return analysis.allowsLiteral() && !simpleKey ? Style::Literal : Style::DoubleQuoted;
    if (isAmbiguous(text, key)) return Style::DoubleQuoted;
    if (analysis.allowsPlain()) return Style::Plain;
    return analysis.allowsSingleQuoted() ? Style::SingleQuoted : Style::DoubleQuoted;
  }

  void printString(std::string_view text, int indent, bool simpleKey, bool key) {
    switch (chooseStyle(text, simpleKey, key)) {
      case Style::Plain:
        return printPlain(text, indent, !simpleKey);
      case Style::SingleQuoted:
        return printSingleQuoted(text, indent, !simpleKey);
      case Style::DoubleQuoted:
        return printDoubleQuoted(text, indent, !simpleKey);
      case Style::Literal:
        return printLiteral(text, indent);
    }
  }

  // True if the line may be folded at the space at `i`.
  bool folds(std::string_view text, std::size_t i) const {
    return column_ > kWidth && text[i] == ' ' && (i == 0 || text[i - 1] != ' ');
  }

  void printPlain(std::string_view text, int indent, bool foldable) {
    startWord();
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (foldable && folds(text, i) && text[i + 1] != ' ') {
        writeIndent(indent);
      } else {
        writeByte(text[i]);
      }
    }
    endWord();
  }

  void printSingleQuoted(std::string_view text, int indent, bool foldable) {
    startWord();
    writeByte('\'');
    for (std::size_t i = 0; i < text.size(); ++i) {
      const bool inside = i > 0 && i + 1 < text.size();
      if (foldable && inside && folds(text, i) && text[i + 1] != ' ') {
        writeIndent(indent);
        continue;
      }
      if (text[i] == '\'') writeByte('\'');
      writeByte(text[i]);
    }
    writeByte('\'');
    endWord();
  }

  void printDoubleQuoted(std::string_view text, int indent, bool foldable) {
    startWord();
    writeByte('"');
    for (std::size_t i = 0; i < text.size();) {
      const internal::Rune rune = internal::decodeRune(text.substr(i));
      if (!isPrintable(rune) || rune.code == '\n' || rune.code == '"' || rune.code == '\\') {
        write(escape(rune.code));
      } else if (foldable && i > 0 && i + 1 < text.size() && folds(text, i)) {
        writeIndent(indent);
        if (text[i + 1] == ' ') writeByte('\\');
      } else {
        write(text.substr(i, rune.size));
      }
      i += rune.size;
    }
    writeByte('"');
    endWord();
  }

  static std::string escape(char32_t code) {
    static constexpr std::pair<char32_t, char> kNamed[] = {
        {0x00, '0'},  {0x07, 'a'}, {0x08, 'b'}, {0x09, 't'},   {0x0A, 'n'},
        {0x0B, 'v'},  {0x0C, 'f'}, {0x0D, 'r'}, {0x1B, 'e'},   {'"', '"'},
        {'\\', '\\'}, {0x85, 'N'}, {0xA0, '_'}, {0x2028, 'L'}, {0x2029, 'P'}};
    std::string out = "\\";
    for (const auto& [named, letter] : kNamed) {
      if (named == code) return out + letter;
    }
    const int digits = code <= 0xFF ? 2 : code <= 0xFFFF ? 4 : 8;
    out += digits == 2 ? 'x' : digits == 4 ? 'u' : 'U';
    internal::appendHex(out, code, digits, true);
    return out;
  }

  void printLiteral(std::string_view text, int indent) {
    startWord();
    writeByte('|');
    if (text.front() == ' ' || text.front() == '\n') writeByte('0' + kIndent);
    if (text.back() != '\n') {
      writeByte('-');
    } else if (text.size() == 1 || text[text.size() - 2] == '\n') {
      writeByte('+');
    }
    writeByte('\n');
    bool lineStart = true;
    for (const char c : text) {
      if (lineStart && c != '\n') out_.append(static_cast<std::size_t>(indent), ' ');
      writeByte(c);
      lineStart = c == '\n';
    }
    atIndent_ = afterSpace_ = lineStart;
  }

  // The rest is the state of the line: a node begins on the line where its indicator ends, if only
  // indicators stand before it.

  void writeByte(char c) {
    out_ += c;
    if (c == '\n') {
      column_ = 0;
    } else if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) {
      ++column_;
    }
  }

  void write(std::string_view text) {
    for (const char c : text) writeByte(c);
  }

  // Goes to column `indent`, on a new line unless only indicators stand before it.
  void writeIndent(int indent) {
    if (!atIndent_ || column_ > indent || (column_ == indent && !afterSpace_)) writeByte('\n');
    while (column_ < indent) writeByte(' ');
    atIndent_ = afterSpace_ = true;
  }

  void writeIndicator(std::string_view indicator, bool keepsIndent) {
    startWord();
    write(indicator);
    afterSpace_ = false;
    atIndent_ = atIndent_ && keepsIndent;
  }

  void writeWord(std::string_view text) {
    startWord();
    write(text);
    endWord();
  }

  void startWord() {
    if (!afterSpace_) writeByte(' ');
    afterSpace_ = true;
  }

  void endWord() { atIndent_ = afterSpace_ = false; }

  std::string& out_;
  int column_ = 0;
  bool afterSpace_ = true;  // no space is needed before the next word
  bool atIndent_ = true;    // nothing but indentation and indicators stand on the line
  internal::Scalar resolved_;
};

}  // namespace

void appendYaml(std::string& out, const Value& value) { Printer(out).printDocument(value); }

std::string printYaml(const Value& value) {
  std::string out;
  appendYaml(out, value);
  return out;
}

}  // namespace iop::text
