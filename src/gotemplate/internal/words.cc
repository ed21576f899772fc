// snakecase, kebabcase and camelcase, as xstrings 1.5 cuts identifiers into words.

#include "gotemplate/internal/strings.h"
#include "gotemplate/internal/unicode.h"

namespace iop::gotemplate::internal {
namespace {

enum class Class { Connector, Punctuation, Upper, Alphabet, Number, Other };

bool isConnector(char32_t rune) { return rune == '-' || rune == '_' || isSpace(rune); }

// The Han characters that xstrings knows; they stand for words of their own.
bool isHan(char32_t rune) {
  return (rune >= 0x3400 && rune <= 0x4D85) || (rune >= 0x4E00 && rune <= 0x9FCC) ||
         (rune >= 0x20000 && rune <= 0x2B81D);
}

Class classOf(char32_t rune) {
  if (isConnector(rune)) return Class::Connector;
  if (isPunct(rune)) return Class::Punctuation;
  if (isUpper(rune)) return Class::Upper;
  if (isLetter(rune) && !isHan(rune)) return Class::Alphabet;
  if (isNumber(rune)) return Class::Number;
  return Class::Other;
}

// A rune together with the U+FFFD and invalid bytes before it, which have no class of their own; at
// the end of the text they go with the rune before them.
struct Unit {
  Class type = Class::Other;
  bool isDash = false;  // a connector that punctuation before it takes in
  std::size_t end = 0;
};

std::vector<Unit> cutUnits(std::string_view text) {
  std::vector<Unit> units;
  for (std::size_t at = 0; at < text.size();) {
    const DecodedRune next = decodeRune(text.substr(at));
    at += next.width;
    if (next.rune != kReplacementRune) {
      units.push_back({classOf(next.rune), isConnector(next.rune) && isPunct(next.rune), at});
    } else if (at == text.size()) {
      if (units.empty()) units.push_back({});
      units.back().end = at;
    }
  }
  return units;
}

struct Word {
  Class type = Class::Other;
  std::string_view text;
};

std::size_t runEnd(const std::vector<Unit>& units, std::size_t at, Class type) {
  const bool takesDashes = type == Class::Punctuation;
  while (at < units.size() && (units[at].type == type || (takesDashes && units[at].isDash))) ++at;
  return at;
}

// Words are runs of one class, and capitals with the small letters after them; of several capitals
// only the last one goes with the small letters.
std::vector<Word> cutWords(std::string_view text) {
  const std::vector<Unit> units = cutUnits(text);
  std::vector<Word> words;
  std::size_t start = 0;
  for (std::size_t at = 0; at < units.size();) {
    const Class type = units[at].type;
    std::size_t next = runEnd(units, at, type);
    if (type == Class::Upper && next < units.size() && units[next].type == Class::Alphabet) {
      next = next - at > 1 ? next - 1 : runEnd(units, next, Class::Alphabet);
    }
    const std::size_t end = units[next - 1].end;
    words.push_back({type, text.substr(start, end - start)});
    start = end;
    at = next;
  }
  return words;
}

bool isBreak(const Word& word) {
  return word.type == Class::Connector || word.type == Class::Punctuation;
}

void appendWord(std::string& out, const Word& word, char separator) {
  if (word.type != Class::Connector && word.type != Class::Upper) {
    out += word.text;
    return;
  }
  for (std::size_t at = 0; at < word.text.size();) {
    const DecodedRune next = decodeRune(word.text.substr(at));
    at += next.width;
    if (isConnector(next.rune)) {
      out.push_back(separator);
    } else {
      appendRune(out, isUpper(next.rune) ? toLower(next.rune) : next.rune);
    }
  }
}

// How many words from `first` on stand together without a separator: a number takes all letters and
// numbers that follow it; other words take one number, unless that number takes letters of its own.
std::size_t groupSize(const std::vector<Word>& words, std::size_t first) {
  const auto typeAt = [&](std::size_t at) {
    return at < words.size() ? words[at].type : Class::Connector;
  };
  if (isBreak(words[first])) return 1;
  if (words[first].type == Class::Number) {
    std::size_t size = 1;
    while (typeAt(first + size) == Class::Alphabet || typeAt(first + size) == Class::Number) ++size;
    return size;
  }
  return typeAt(first + 1) == Class::Number && typeAt(first + 2) != Class::Alphabet ? 2 : 1;
}

std::string joinWords(std::string_view text, char separator) {
  const std::vector<Word> words = cutWords(text);
  std::string out;
  for (std::size_t at = 0; at < words.size();) {
    if (at > 0 && !isBreak(words[at - 1]) && !isBreak(words[at])) out.push_back(separator);
    for (std::size_t end = at + groupSize(words, at); at < end; ++at) {
      appendWord(out, words[at], separator);
    }
  }
  return out;
}

}  // namespace

std::string camelcase(std::string_view text) {
  std::string out;
  std::string connectors;     // those since the last other rune
  bool startsText = true;     // no rune but connectors was met
  bool startsWord = true;     // the next rune is raised
  bool isInCapitals = false;  // capitals after a capital that starts a word are lowered
  for (std::size_t at = 0; at < text.size();) {
    const DecodedRune next = decodeRune(text.substr(at));
    const std::string_view bytes = text.substr(at, next.width);
    at += next.width;
    if (isConnector(next.rune)) {
      connectors += bytes;
      startsWord = true;
      continue;
    }
    if (!startsText && !connectors.empty()) {
      connectors.resize(connectors.size() - decodeLastRune(connectors).width);
    }
    startsText = false;
    out += connectors;
    connectors.clear();
    const bool isCapital = isUpper(next.rune);
    if (startsWord) {
      appendRune(out, toUpper(next.rune));
      isInCapitals = isCapital;
    } else {
      isInCapitals = isInCapitals && isCapital;
      appendRune(out, isInCapitals ? toLower(next.rune) : next.rune);
    }
    startsWord = false;
  }
  out += connectors;
  if (startsText && !connectors.empty()) {
    out += connectors.substr(connectors.size() - decodeLastRune(connectors).width);
  }
  return out;
}

std::string snakecase(std::string_view text) { return joinWords(text, '_'); }
std::string kebabcase(std::string_view text) { return joinWords(text, '-'); }

}  // namespace iop::gotemplate::internal
