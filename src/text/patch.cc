#include "text/patch.h"

#include <charconv>
#include <string>
#include <system_error>
#include <vector>

namespace iop::text {
namespace {

// The part of a pointer up to the next "/", with ~1 and ~0 replaced. Moves `pointer` behind it.
Result<std::string> takeToken(std::string_view& pointer) {
  pointer.remove_prefix(1);  // the "/"
  std::string out;
  std::size_t i = 0;
  for (; i < pointer.size() && pointer[i] != '/'; ++i) {
    if (pointer[i] != '~') {
      out += pointer[i];
      continue;
    }
    const char escaped = ++i < pointer.size() ? pointer[i] : '\0';
    if (escaped != '0' && escaped != '1')
      return fail(Code::BadRequest, "json pointer: \"~\" needs a 0 or a 1 behind it");
    out += escaped == '0' ? '~' : '/';
  }
  pointer.remove_prefix(i);
  return out;
}

Result<std::vector<std::string>> parsePointer(std::string_view pointer) {
  std::vector<std::string> out;
  if (!pointer.empty() && pointer[0] != '/') {
    return fail(Code::BadRequest,
                "json pointer: \"" + std::string(pointer) + "\" does not begin with \"/\"");
  }
  while (!pointer.empty()) {
    ASSIGN_OR_RETURN(std::string token, takeToken(pointer));
    out.push_back(std::move(token));
  }
  return out;
}

// Digits without a leading zero.
std::optional<std::size_t> parseIndex(std::string_view token) {
  std::size_t out = 0;
  const char* end = token.data() + token.size();
  if (token.empty() || (token[0] == '0' && token.size() > 1)) return std::nullopt;
  const auto result = std::from_chars(token.data(), end, out);
  if (result.ec != std::errc() || result.ptr != end) return std::nullopt;
  return out;
}

const Value* findChild(const Value& parent, const std::string& token) {
  if (parent.isObject()) return parent.find(token);
  const std::optional<std::size_t> index = parent.isArray() ? parseIndex(token) : std::nullopt;
  return index && *index < parent.size() ? &parent.at(*index) : nullptr;
}

const Value* findAt(const Value& root, const std::vector<std::string>& tokens) {
  const Value* out = &root;
  for (const std::string& token : tokens) {
    if (out != nullptr) out = findChild(*out, token);
  }
  return out;
}

Error missing(std::string_view pointer) {
  return Error{Code::Invalid, "path \"" + std::string(pointer) + "\" does not exist", {}, 0};
}

// One operation with its members read.
struct Operation {
  std::string op;
  std::string path;
  std::vector<std::string> tokens;
  std::string from;
  std::vector<std::string> fromTokens;
  Value value;
};

Result<Operation> readOperation(const Value& json) {
  const auto text = [&](const char* name) -> Result<std::string> {
    if (!json[name].isString())
      return fail(Code::BadRequest, "\"" + std::string(name) + "\" must be a string");
    return json[name].toString();
  };
  Operation out;
  if (!json.isObject()) return fail(Code::BadRequest, "it must be an object");
  ASSIGN_OR_RETURN(out.op, text("op"));
  ASSIGN_OR_RETURN(out.path, text("path"));
  ASSIGN_OR_RETURN(out.tokens, parsePointer(out.path));
  if (out.op == "move" || out.op == "copy") {
    ASSIGN_OR_RETURN(out.from, text("from"));
    ASSIGN_OR_RETURN(out.fromTokens, parsePointer(out.from));
  } else if (out.op == "add" || out.op == "replace" || out.op == "test") {
    const Value* value = json.find("value");
    if (value == nullptr) return fail(Code::BadRequest, "\"value\" is missing");
    out.value = *value;
  } else if (out.op != "remove") {
    return fail(Code::BadRequest, "unknown op \"" + out.op + "\"");
  }
  return out;
}

// Applies `change(parent, token)` to the parent of a path, which must not be the root.
template <typename Change>
Status changeParent(Value& root, const std::vector<std::string>& tokens, std::string_view path,
                    Change change) {
  Value* parent = &root;
  for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
    if (findChild(*parent, tokens[i]) == nullptr) return tl::unexpected(missing(path));
    parent =
        parent->isObject() ? &parent->edit(tokens[i]) : &parent->editItem(*parseIndex(tokens[i]));
  }
  return change(*parent, tokens.back());
}

Status add(Value& root, const std::vector<std::string>& tokens, std::string_view path,
           Value value) {
  if (tokens.empty()) {
    root = std::move(value);
    return {};
  }
  return changeParent(root, tokens, path, [&](Value& parent, const std::string& token) -> Status {
    if (parent.isObject()) {
      parent.set(token, std::move(value));
      return {};
    }
    if (!parent.isArray()) return tl::unexpected(missing(path));
    const std::optional<std::size_t> index = token == "-" ? parent.size() : parseIndex(token);
    if (!index || *index > parent.size()) {
      return fail(Code::Invalid, "path \"" + std::string(path) + "\" is no place in the list");
    }
    parent.insertItem(*index, std::move(value));
    return {};
  });
}

Status remove(Value& root, const std::vector<std::string>& tokens, std::string_view path) {
  if (tokens.empty()) return fail(Code::Invalid, "the root cannot be removed");
  return changeParent(root, tokens, path, [&](Value& parent, const std::string& token) -> Status {
    if (findChild(parent, token) == nullptr) return tl::unexpected(missing(path));
    if (parent.isObject()) {
      parent.erase(token);
    } else {
      parent.eraseItem(*parseIndex(token));
    }
    return {};
  });
}

// Equality of JSON: 1 and 1.0 are one number.
bool isEqualJson(const Value& a, const Value& b) {
  if (a.isNumber() && b.isNumber())
    return a == b || (a.isInt() != b.isInt() && a.asDouble() == b.asDouble());
  if (a.type() != b.type() || a.size() != b.size()) return false;
  if (a.isArray()) {
    for (std::size_t i = 0; i < a.size(); ++i) {
      if (!isEqualJson(a.at(i), b.at(i))) return false;
    }
    return true;
  }
  if (!a.isObject()) return a == b;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const Member &left = a.members()[i], &right = b.members()[i];
    if (left.key() != right.key() || !isEqualJson(left.value, right.value)) return false;
  }
  return true;
}

Status applyOperation(Value& root, Operation operation) {
  if (operation.op == "add")
    return add(root, operation.tokens, operation.path, std::move(operation.value));
  if (operation.op == "remove") return remove(root, operation.tokens, operation.path);
  if (operation.op == "move" || operation.op == "copy") {
    const Value* source = findAt(root, operation.fromTokens);
    if (source == nullptr) return tl::unexpected(missing(operation.from));
    Value value = *source;
    if (operation.op == "move") {
      const bool inside =
          operation.path.substr(0, operation.from.size() + 1) == operation.from + "/";
      if (inside)
        return fail(Code::Invalid, "\"" + operation.from + "\" cannot be moved into itself");
      if (operation.path == operation.from) return {};
      RETURN_IF_ERROR(remove(root, operation.fromTokens, operation.from));
    }
    return add(root, operation.tokens, operation.path, std::move(value));
  }
  const Value* target = findAt(root, operation.tokens);
  if (target == nullptr) return tl::unexpected(missing(operation.path));
  if (operation.op == "test") {
    if (isEqualJson(*target, operation.value)) return {};
    return fail(Code::Invalid, "test failed: \"" + operation.path + "\" has another value");
  }
  if (operation.tokens.empty()) {  // replace
    root = std::move(operation.value);
    return {};
  }
  return changeParent(
      root, operation.tokens, operation.path,
      [&](Value& parent, const std::string& token) -> Status {
        (parent.isObject() ? parent.edit(token) : parent.editItem(*parseIndex(token))) =
            std::move(operation.value);
        return {};
      });
}

}  // namespace

Value applyMergePatch(const Value& target, const Value& patch) {
  if (!patch.isObject()) return patch;
  Value out = target.isObject() ? target : Value::object();
  for (const Member& member : patch.members()) {
    if (member.value.isNull()) {
      out.erase(member.key());
    } else {
      out.set(member.key(), applyMergePatch(out[member.key()], member.value));
    }
  }
  return out;
}

Value createMergePatch(const Value& from, const Value& to) {
  if (!to.isObject()) return to;
  const Value& base = from.isObject() ? from : Value::object();
  Value out = Value::object();
  for (const Member& member : base.members()) {
    if (to[member.key()].isNull()) out.set(member.key(), nullptr);
  }
  for (const Member& member : to.members()) {
    const Value* old = base.find(member.key());
    if (member.value.isNull() || (old != nullptr && *old == member.value)) continue;
    out.set(member.key(), createMergePatch(old != nullptr ? *old : Value(), member.value));
  }
  return out;
}

Result<Value> applyJsonPatch(const Value& target, const Value& patch) {
  if (!patch.isArray())
    return fail(Code::BadRequest, "json patch: it must be a list of operations");
  Value out = target;
  for (std::size_t i = 0; i < patch.size(); ++i) {
    const auto context = addContext("json patch: operation " + std::to_string(i + 1));
    ASSIGN_OR_RETURN(Operation operation, readOperation(patch.at(i)).map_error(context));
    RETURN_IF_ERROR(applyOperation(out, std::move(operation)).map_error(context));
  }
  return out;
}

Result<std::optional<Value>> getPointer(const Value& root, std::string_view pointer) {
  ASSIGN_OR_RETURN(std::vector<std::string> tokens, parsePointer(pointer));
  const Value* found = findAt(root, tokens);
  return found != nullptr ? std::optional<Value>(*found) : std::nullopt;
}

}  // namespace iop::text
