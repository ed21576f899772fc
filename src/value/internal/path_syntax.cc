#include "value/internal/path_syntax.h"

#include <algorithm>
#include <cctype>

namespace iop::value::internal {
namespace {

constexpr std::string_view kModifiers[] = {"pretty",  "ugly",  "reverse", "this",   "flatten",
                                           "join",    "valid", "keys",    "values", "tostr",
                                           "fromstr", "group", "dig"};

bool isModifier(std::string_view name) {
  return std::find(std::begin(kModifiers), std::end(kModifiers), name) != std::end(kModifiers);
}

std::string_view trim(std::string_view text) {
  const auto isSpace = [](char c) { return static_cast<unsigned char>(c) <= ' '; };
  while (!text.empty() && isSpace(text.front())) text.remove_prefix(1);
  while (!text.empty() && isSpace(text.back())) text.remove_suffix(1);
  return text;
}

// True if what stands behind a "." makes it a pipe: a modifier or a selector.
bool startsPiped(std::string_view path) {
  if (path.empty()) return false;
  if (path.front() == '@') return isModifier(path.substr(1, path.find_first_of(".|:") - 1));
  return path.front() == '[' || path.front() == '{';
}

Tail tailAfterDot(std::string_view rest) {
  if (startsPiped(rest)) return {std::nullopt, rest};
  return {rest, std::nullopt};
}

// From the quote at `at` to the index of its closing quote (or the end).
std::size_t closingQuote(std::string_view text, std::size_t at) {
  for (++at; at < text.size() && text[at] != '"'; ++at) {
    if (text[at] == '\\') ++at;
  }
  return std::min(at, text.size());
}

// The length of the bracketed or quoted text at the start.
std::size_t bracketed(std::string_view text) {
  int depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') {
      i = closingQuote(text, i);
    } else if (text[i] == '{' || text[i] == '[' || text[i] == '(') {
      ++depth;
    } else if (text[i] == '}' || text[i] == ']' || text[i] == ')') {
      --depth;
    } else {
      continue;
    }
    if (depth == 0) return std::min(i + 1, text.size());
  }
  return text.size();
}

struct ParsedQuery {
  Query query;
  std::size_t size = 0;  // of its text, "#(" and ")" included
};

// `text` begins with "#(" or "#[".
std::optional<ParsedQuery> parseQuery(std::string_view text) {
  std::size_t end = 2;
  std::size_t compare = 0;  // where the operator begins
  bool escaped = false;
  for (int depth = 1;; ++end) {
    if (end >= text.size()) return std::nullopt;
    const char c = text[end];
    if (depth == 1 && compare == 0 && std::string_view("!=<>%").find(c) != std::string_view::npos) {
      compare = end;
    } else if (c == '\\') {
      ++end;
    } else if (c == '[' || c == '(') {
      ++depth;
    } else if (c == ']' || c == ')') {
      if (--depth == 0) break;
    } else if (c == '"') {
      const std::size_t close = closingQuote(text, end);
      escaped = escaped || text.substr(end, close - end).find('\\') != std::string_view::npos;
      end = close;
    }
  }
  ParsedQuery out;
  out.size = end + 1;
  if (compare == 0) {
    out.query.path = trim(text.substr(2, end - 2));
    return out;
  }
  out.query.path = trim(text.substr(2, compare - 2));
  std::string_view rest = trim(text.substr(compare, end - compare));
  if (rest.size() > 1 && rest.substr(0, 2) == "==") rest.remove_prefix(1);
  static constexpr std::string_view kTwo[] = {"!=", "!%", "<=", ">="};
  const bool two = std::find(std::begin(kTwo), std::end(kTwo), rest.substr(0, 2)) != std::end(kTwo);
  // A lone "!" is no operator, unless nothing follows it.
  const std::size_t opSize = two ? 2 : (rest.front() == '!' && rest.size() > 1 ? 0 : 1);
  out.query.op = rest.substr(0, opSize);
  std::string_view value = trim(rest.substr(opSize));
  if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
    value = value.substr(1, value.size() - 2);
    out.query.value = escaped ? unescape(value) : std::string(value);
  } else {
    out.query.value = value;
  }
  return out;
}

void appendUtf8(std::string& out, unsigned code) {
  if (code >= 0xD800 && code <= 0xDFFF) code = 0xFFFD;
  const auto put = [&](unsigned byte) { out += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | (code >> 6));
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | (code >> 12));
    put(0x80 | ((code >> 6) & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | (code >> 18));
    put(0x80 | ((code >> 12) & 0x3F));
    put(0x80 | ((code >> 6) & 0x3F));
    put(0x80 | (code & 0x3F));
  }
}

// Four hexadecimal digits.
std::optional<unsigned> hex4(std::string_view text) {
  if (text.size() < 4) return std::nullopt;
  unsigned out = 0;
  for (const char c : text.substr(0, 4)) {
    if (std::isxdigit(static_cast<unsigned char>(c)) == 0) return std::nullopt;
    out = out * 16 + static_cast<unsigned>(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
  }
  return out;
}

}  // namespace

KeyPart parseKeyPart(std::string_view path) {
  KeyPart out;
  for (std::size_t i = 0; i < path.size(); ++i) {
    const char c = path[i];
    if (c == '\\') {
      if (++i < path.size()) out.key += path[i];
      continue;
    }
    if (c == '|') {
      out.tail.pipe = path.substr(i + 1);
      return out;
    }
    if (c == '.') {
      out.tail = tailAfterDot(path.substr(i + 1));
      return out;
    }
    out.wild = out.wild || c == '*' || c == '?';
    out.key += c;
  }
  return out;
}

ElementPart parseElementPart(std::string_view path) {
  ElementPart out;
  for (std::size_t i = 0; i < path.size(); ++i) {
    const char c = path[i];
    if (c == '|') {
      out.part = path.substr(0, i);
      out.tail.pipe = path.substr(i + 1);
      return out;
    }
    if (c == '.') {
      out.part = path.substr(0, i);
      out.tail =
          out.hash ? Tail{path.substr(i + 1), std::nullopt} : tailAfterDot(path.substr(i + 1));
      return out;
    }
    if (c != '#') continue;
    out.hash = true;
    if (i != 0 || path.size() == 1) continue;
    if (path[1] == '.') {
      out.forEach = path.substr(2);
    } else if (path[1] == '[' || path[1] == '(') {
      std::optional<ParsedQuery> parsed = parseQuery(path);
      if (!parsed) {
        out.open = true;
        break;
      }
      out.query = std::move(parsed->query);
      out.query->all = parsed->size < path.size() && path[parsed->size] == '#';
      i = parsed->size - 1;
    }
  }
  out.part = path;
  return out;
}

std::optional<Modifier> parseModifier(std::string_view path) {
  if (path.size() < 2 || path.front() != '@') return std::nullopt;
  const std::size_t nameEnd = std::min(path.find_first_of(":|."), path.size());
  Modifier out;
  out.name = path.substr(1, nameEnd - 1);
  out.rest = path.substr(nameEnd);
  if (!isModifier(out.name)) return std::nullopt;
  if (out.rest.empty() || out.rest.front() != ':') return out;

  out.rest.remove_prefix(1);
  if (out.rest.empty()) return out;
  std::size_t size = 0;
  if (std::string_view("{[\"").find(out.rest.front()) != std::string_view::npos) {
    size = bracketed(out.rest);
  } else {
    while (size < out.rest.size() && out.rest[size] != '|') {
      const bool opens = std::string_view("{[\"(").find(out.rest[size]) != std::string_view::npos;
      size += opens ? bracketed(out.rest.substr(size)) : 1;
    }
  }
  out.argument = out.rest.substr(0, size);
  out.rest.remove_prefix(out.argument.size());
  return out;
}

std::optional<Selectors> parseSelectors(std::string_view path) {
  if (path.size() < 2 || (path.front() != '[' && path.front() != '{')) return std::nullopt;
  Selectors out;
  int depth = 1;
  std::size_t start = 1, colon = 0;
  bool modifier = false;
  const auto push = [&](std::size_t end) {
    if (colon == 0) {
      out.all.push_back({{}, path.substr(start, end - start)});
    } else {
      out.all.push_back(
          {path.substr(start, colon - start), path.substr(colon + 1, end - colon - 1)});
    }
    colon = 0;
    modifier = false;
    start = end + 1;
  };
  for (std::size_t i = 1; i < path.size(); ++i) {
    switch (path[i]) {
      case '\\':
        ++i;
        break;
      case '@':
        modifier = modifier || path[i - 1] == '.' || path[i - 1] == '|';
        break;
      case ':':
        if (!modifier && colon == 0 && depth == 1) colon = i;
        break;
      case ',':
        if (depth == 1) push(i);
        break;
      case '"':
        i = closingQuote(path, i);
        break;
      case '[':
      case '(':
      case '{':
        ++depth;
        break;
      case ']':
      case ')':
      case '}':
        if (--depth > 0) break;
        push(i);
        out.rest = path.substr(i + 1);
        return out;
      default:
        break;
    }
  }
  return std::nullopt;
}

std::string_view nameOfSelector(std::string_view path) {
  std::string_view last = path;
  for (std::size_t i = path.size(); i-- > 0;) {
    if ((path[i] == '|' || path[i] == '.') && (i == 0 || path[i - 1] != '\\')) {
      last = path.substr(i + 1);
      break;
    }
  }
  const bool simple = std::all_of(last.begin(), last.end(), [](char c) {
    return static_cast<unsigned char>(c) >= ' ' &&
           std::string_view("[]{}()#|!").find(c) == std::string_view::npos;
  });
  return simple ? last : "_";
}

bool isLiteral(std::string_view path) {
  if (path.size() < 2 || path.front() != '!') return false;
  if (std::string_view("{[\"+-0123456789").find(path[1]) != std::string_view::npos) return true;
  std::string name(path.substr(1, path.find_first_of("|.") - 1));
  for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  static constexpr std::string_view kNames[] = {"true", "false", "null", "nan", "inf"};
  return std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames);
}

std::optional<Split> splitAtPipe(std::string_view path) {
  if (path.empty()) return std::nullopt;
  if (path.front() == '{') {
    const std::size_t size = bracketed(path);
    if (size >= path.size() || path[size] != '|') return std::nullopt;
    return Split{path.substr(0, size), path.substr(size + 1)};
  }
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] == '\\') {
      ++i;
    } else if (path[i] == '|') {
      return Split{path.substr(0, i), path.substr(i + 1)};
    } else if (path[i] == '.' && path.substr(i + 1, 1) == "#") {
      ++i;
      const std::string_view query = path.substr(i + 1, 1);
      if (query == "(" || query == "[") i += bracketed(path.substr(i + 1));
    }
  }
  return std::nullopt;
}

std::string unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (static_cast<unsigned char>(text[i]) < ' ') return out;
    if (text[i] != '\\') {
      out += text[i];
      continue;
    }
    if (++i == text.size()) return out;
    static constexpr std::string_view kEscapes = "\\/bfnrt\"", kMeanings = "\\/\b\f\n\r\t\"";
    if (const std::size_t found = kEscapes.find(text[i]); found != std::string_view::npos) {
      out += kMeanings[found];
      continue;
    }
    const std::optional<unsigned> code = text[i] == 'u' ? hex4(text.substr(i + 1)) : std::nullopt;
    if (!code) return out;
    i += 4;
    const bool high = *code >= 0xD800 && *code < 0xDC00 && text.substr(i + 1, 2) == "\\u";
    const std::optional<unsigned> low = high ? hex4(text.substr(i + 3)) : std::nullopt;
    if (low && *low >= 0xDC00 && *low < 0xE000) {
      appendUtf8(out, 0x10000 + ((*code & 0x3FF) << 10) + (*low & 0x3FF));
      i += 6;
    } else {
      appendUtf8(out, *code);
    }
  }
  return out;
}

}  // namespace iop::value::internal
