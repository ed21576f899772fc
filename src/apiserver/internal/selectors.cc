#include "apiserver/internal/selectors.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "kube/api/object.h"

namespace iop::apiserver {
namespace {

constexpr std::string_view kSpecial = "=!(),><";
constexpr std::string_view kLabelBytes =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";

bool isSpace(char byte) { return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n'; }

bool isAlphanumeric(char byte) {
  return kLabelBytes.substr(0, 62).find(byte) != std::string_view::npos;
}

// A qualified name's last part, and a label's value unless it is empty.
bool isLabelText(std::string_view text) {
  return !text.empty() && text.size() <= 63 && isAlphanumeric(text.front()) &&
         isAlphanumeric(text.back()) &&
         text.find_first_not_of(kLabelBytes) == std::string_view::npos;
}

bool isLabelKey(std::string_view key) {
  const std::size_t slash = key.find('/');
  if (slash == std::string_view::npos) return isLabelText(key);
  return kube::api::isDnsSubdomain(key.substr(0, slash)) && isLabelText(key.substr(slash + 1));
}

std::optional<std::int64_t> numberOf(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

class SelectorParser {
 public:
  explicit SelectorParser(std::string_view text) : rest_(text) {}

  Result<LabelSelector> parse() {
    LabelSelector out;
    advance();
    while (!token_.empty()) {
      RETURN_IF_ERROR(requirement(out));
      if (token_.empty()) break;
      if (token_ != ",") {
        return fail(Code::BadRequest, "found '" + token_ + "', expected: ',' or 'end of string'");
      }
      advance();
      if (token_.empty()) return unexpected("found '', expected: identifier after ','");
    }
    return out;
  }

 private:
  static tl::unexpected<Error> unexpected(const std::string& what) {
    return fail(Code::BadRequest, "unable to parse requirement: " + what);
  }

  void advance() {
    while (!rest_.empty() && isSpace(rest_.front())) rest_.remove_prefix(1);
    token_.clear();
    if (rest_.empty()) return;
    if (kSpecial.find(rest_.front()) == std::string_view::npos) {
      const std::size_t end = std::min(rest_.find_first_of("=!(),>< \t\r\n"), rest_.size());
      take(end);
      return;
    }
    const std::string_view two = rest_.substr(0, 2);
    take(two == "==" || two == "!=" ? 2 : 1);
  }

  void take(std::size_t size) {
    token_ = rest_.substr(0, size);
    rest_.remove_prefix(size);
  }

  bool isWord() const {
    return !token_.empty() && kSpecial.find(token_.front()) == std::string_view::npos;
  }

  Status requirement(LabelSelector& out) {
    using Operator = LabelSelector::Operator;
    LabelSelector::Requirement made;
    made.op = Operator::Exists;
    if (token_ == "!") {
      made.op = Operator::NotExists;
      advance();
    }
    if (!isWord() && made.op == Operator::Exists && out.empty()) {
      return fail(Code::BadRequest,
                  "found '" + token_ + "', expected: !, identifier, or 'end of string'");
    }
    if (!isWord()) return unexpected("found '" + token_ + "', expected: identifier");
    made.key = token_;
    if (!isLabelKey(made.key)) {
      return fail(Code::BadRequest,
                  "unable to parse requirement: <nil>: Invalid value: \"" + made.key +
                      "\": name part must consist of alphanumeric characters, '-', '_' or '.', and "
                      "must start and end with an alphanumeric character (e.g. 'MyName',  or "
                      "'my.name',  or '123-abc', regex used for validation is "
                      "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')");
    }
    advance();
    if (made.op == Operator::NotExists || token_.empty() || token_ == ",") {
      out.requirements_.push_back(std::move(made));
      return {};
    }
    RETURN_IF_ERROR(condition(made));
    out.requirements_.push_back(std::move(made));
    return {};
  }

  Status condition(LabelSelector::Requirement& made) {
    using Operator = LabelSelector::Operator;
    const std::string op = token_;
    if (op == "in" || op == "notin") {
      made.op = op == "in" ? Operator::In : Operator::NotIn;
      advance();
      return set(made);
    }
    if (op == "=" || op == "==") {
      made.op = Operator::In;
    } else if (op == "!=") {
      made.op = Operator::NotIn;
    } else if (op == ">") {
      made.op = Operator::Greater;
    } else if (op == "<") {
      made.op = Operator::Less;
    } else {
      return unexpected("found '" + op + "', expected: in, notin, =, ==, !=, gt, lt");
    }
    advance();
    std::string value;
    if (isWord()) {
      value = token_;
      advance();
    } else if (!token_.empty() && token_ != ",") {
      return unexpected("found '" + token_ + "', expected: identifier");
    }
    if ((made.op == Operator::Greater || made.op == Operator::Less) && !numberOf(value)) {
      return fail(Code::BadRequest,
                  "unable to parse requirement: values[0]: Invalid value: \"" + value +
                      "\": for 'Gt', 'Lt' operators, the value must be an integer");
    }
    return add(made, std::move(value));
  }

  static Status add(LabelSelector::Requirement& made, std::string value) {
    if (!value.empty() && !isLabelText(value)) {
      return fail(
          Code::BadRequest,
          fmt::format("unable to parse requirement: values[{}][{}]: Invalid value: \"{}\": a "
                      "valid label must be an empty string or consist of alphanumeric "
                      "characters, '-', '_' or '.', and must start and end with an "
                      "alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', "
                      "regex used for validation is "
                      "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
                      made.values.size(), made.key, value));
    }
    made.values.push_back(std::move(value));
    return {};
  }

  Status set(LabelSelector::Requirement& made) {
    if (token_ != "(") return unexpected("found '" + token_ + "' expected: '('");
    advance();
    std::string value;
    while (true) {
      if (isWord()) {
        value = token_;
      } else if (token_ == "," || token_ == ")") {
        RETURN_IF_ERROR(add(made, std::exchange(value, {})));
        const bool last = token_ == ")";
        if (last) {
          advance();
          return {};
        }
      } else {
        return unexpected("found '" + token_ + "', expected: ',' or ')'");
      }
      advance();
    }
  }

  std::string_view rest_;
  std::string token_;
};

Result<LabelSelector> LabelSelector::parse(std::string_view text) {
  return SelectorParser(text).parse();
}

bool LabelSelector::matches(const Value& labels) const {
  return std::all_of(requirements_.begin(), requirements_.end(), [&](const Requirement& wanted) {
    const Value* label = labels.find(wanted.key);
    const auto isListed = [&] {
      return std::find(wanted.values.begin(), wanted.values.end(), label->asString()) !=
             wanted.values.end();
    };
    switch (wanted.op) {
      case Operator::Exists:
        return label != nullptr;
      case Operator::NotExists:
        return label == nullptr;
      case Operator::In:
        return label != nullptr && isListed();
      case Operator::NotIn:
        return label == nullptr || !isListed();
      case Operator::Greater:
      case Operator::Less: {
        if (label == nullptr) return false;
        const auto number = numberOf(label->asString());
        const auto bound = numberOf(wanted.values.front());
        if (!number || !bound) return false;
        return wanted.op == Operator::Greater ? *number > *bound : *number < *bound;
      }
    }
    return false;
  });
}

Result<std::vector<FieldTerm>> parseFieldSelector(std::string_view text) {
  std::vector<FieldTerm> terms;
  FieldTerm term;
  std::string* part = &term.label;
  bool hasOperator = false;
  const std::string whole(text);
  const auto finish = [&]() -> Status {
    if (!hasOperator && term.label.empty()) return {};
    if (!hasOperator) {
      return fail(Code::BadRequest,
                  "invalid selector: '" + whole + "'; can't understand '" + term.label + "'");
    }
    terms.push_back(std::exchange(term, {}));
    part = &term.label;
    hasOperator = false;
    return {};
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char byte = text[i];
    if (byte == '\\' && i + 1 < text.size()) {
      *part += text[++i];
    } else if (byte == ',') {
      RETURN_IF_ERROR(finish());
    } else if (!hasOperator && (byte == '=' || (byte == '!' && text.substr(i + 1, 1) == "="))) {
      term.negated = byte == '!';
      if (byte == '!' || text.substr(i + 1, 1) == "=") ++i;
      hasOperator = true;
      part = &term.value;
    } else {
      *part += byte;
    }
  }
  RETURN_IF_ERROR(finish());
  return terms;
}

std::string nameOfSelector(std::string_view text) {
  const auto terms = parseFieldSelector(text);
  if (!terms) return {};
  for (const FieldTerm& term : *terms) {
    if (term.label == "metadata.name" && !term.negated) return term.value;
  }
  return {};
}

}  // namespace iop::apiserver
