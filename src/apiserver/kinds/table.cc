#include "apiserver/kinds/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <compare>
#include <cstdlib>
#include <limits>
#include <map>
#include <optional>
#include <utility>

#include "apiserver/kinds/internal/jsonpath.h"
#include "apiserver/kinds/internal/table_cells.h"
#include "base/result.h"
#include "text/json.h"

namespace iop::apiserver::kinds {
namespace {

using internal::Cells;
using internal::JsonPath;
using internal::TableTime;

constexpr std::string_view kRecordedColumns =
#include "apiserver/kinds/internal/table_columns.inc"
    ;

Value columnDefinition(const std::string& name, const std::string& type, const std::string& format,
                       const std::string& description, std::int64_t priority) {
  return Value::object({{"name", name},
                        {"type", type},
                        {"format", format},
                        {"description", description},
                        {"priority", priority}});
}

std::string_view cutField(std::string_view& line, char separator) {
  const std::size_t end = std::min(line.find(separator), line.size());
  const std::string_view field = line.substr(0, end);
  line.remove_prefix(std::min(end + 1, line.size()));
  return field;
}

std::string unescapeLines(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) {
      ++i;
      out += text[i] == 'n' ? '\n' : text[i];
    } else {
      out += text[i];
    }
  }
  return out;
}

// By "group/plural"; "" holds what kinds without columns of their own have.
using DefinitionsByKind = std::map<std::string, std::vector<Value>, std::less<>>;

DefinitionsByKind readRecorded() {
  DefinitionsByKind kinds;
  std::map<std::string, std::string, std::less<>> descriptions;
  std::vector<Value>* columns = nullptr;
  std::string_view rest = kRecordedColumns;
  while (!rest.empty()) {
    std::string_view line = cutField(rest, '\n');
    if (line.empty()) continue;
    if (line.front() == '=') {
      columns = &kinds[std::string(line.substr(1))];
      continue;
    }
    const std::string_view name = cutField(line, '|');
    const std::string_view type = cutField(line, '|');
    const std::string_view format = cutField(line, '|');
    const bool isWide = cutField(line, '|') != "0";
    std::string& description = descriptions[std::string(name)];
    if (!line.empty()) description = unescapeLines(line);
    ASSERT(columns != nullptr);
    columns->push_back(columnDefinition(std::string(name), std::string(type), std::string(format),
                                        description, isWide ? 1 : 0));
  }
  kinds[""] = kinds.at("rbac.authorization.k8s.io/roles");
  return kinds;
}

const DefinitionsByKind& recordedColumns() {
  static const DefinitionsByKind kKinds = readRecorded();
  return kKinds;
}

// fmt.Fprint of a float64: the shortest digits, with an exponent below 1e-4 and from 1e6 on.
std::string goFloat(double number) {
  char digits[32];
  const auto scientific =
      std::to_chars(std::begin(digits), std::end(digits), number, std::chars_format::scientific);
  std::string text(std::begin(digits), scientific.ptr);
  const int exponent = number == 0 ? 0 : std::atoi(text.c_str() + text.find('e') + 1);
  if (exponent >= -4 && exponent < 6) {
    char buffer[64];
    const auto fixed =
        std::to_chars(std::begin(buffer), std::end(buffer), number, std::chars_format::fixed);
    return {std::begin(buffer), fixed.ptr};
  }
  return text;
}

Value textCell(const Value& value) {
  switch (value.type()) {
    case Value::Type::Null:
      return "<no value>";
    case Value::Type::Bool:
      return value.asBool() ? "true" : "false";
    case Value::Type::Int:
      return std::to_string(value.asInt());
    case Value::Type::Double:
      return goFloat(value.asDouble());
    case Value::Type::String:
      return value;
    case Value::Type::Array:
    case Value::Type::Object:
      return text::printJson(value);
  }
  return {};
}

Value integerCell(const Value& value) {
  if (value.isInt()) return value;
  if (!value.isDouble()) return {};
  constexpr double kTwoTo63 = 9223372036854775808.0;
  const double number = value.asDouble();
  // What no int64 holds becomes the smallest one, as on the machines that Kubernetes runs on.
  const bool fits = number >= -kTwoTo63 && number < kTwoTo63;
  return fits ? static_cast<std::int64_t>(number) : std::numeric_limits<std::int64_t>::min();
}

Value dateCell(const Value& value, TableTime now) {
  if (!value.isString()) return {};
  const std::string_view text = value.asString();
  if (text.empty() || text == "null") return "<unknown>";
  const std::optional<TableTime> time = internal::readTime(text);
  return time ? internal::humanDuration(internal::elapsed(*time, now)) : "<invalid>";
}

// One column of a custom resource; null where there is nothing of that type.
Value customCell(const Value& definition, const JsonPath& path, const Value& object,
                 TableTime now) {
  const Value* value = path.first(object);
  if (value == nullptr) return {};
  const std::string_view type = definition["type"].asString();
  if (type == "string") return textCell(*value);
  if (type == "integer") return integerCell(*value);
  if (type == "number") return value->isNumber() ? Value(value->asDouble()) : Value();
  if (type == "boolean") return value->isBool() ? *value : Value();
  if (type == "date") return dateCell(*value, now);
  return {};
}

void addColumn(TableColumns& out, Value definition, std::string_view path, JsonPath compiled) {
  out.definitions.push_back(std::move(definition));
  out.paths.emplace_back(path);
  out.compiled.push_back(std::make_shared<const JsonPath>(std::move(compiled)));
}

// The default class is the one that is marked so; of several the youngest, then the first by name.
std::optional<std::size_t> defaultStorageClass(std::span<const Value> classes) {
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < classes.size(); ++i) {
    const Value& metadata = classes[i]["metadata"];
    const Value& annotations = metadata["annotations"];
    const auto isMarked = [&](const char* key) { return annotations[key].asString() == "true"; };
    if (!isMarked("storageclass.kubernetes.io/is-default-class") &&
        !isMarked("storageclass.beta.kubernetes.io/is-default-class"))
      continue;
    if (!best) {
      best = i;
      continue;
    }
    const Value& other = classes[*best]["metadata"];
    const auto order =
        metadata["creationTimestamp"].asString() <=> other["creationTimestamp"].asString();
    if (order > 0 || (order == 0 && metadata["name"].asString() < other["name"].asString()))
      best = i;
  }
  return best;
}

}  // namespace

TableColumns columnsOf(std::string_view group, std::string_view plural) {
  const std::size_t slash = plural.find('/');
  if (slash != std::string_view::npos) {
    if (plural.substr(slash + 1) == "scale") return columnsOf("autoscaling", "scale");
    return columnsOf(group, plural.substr(0, slash));
  }
  const DefinitionsByKind& recorded = recordedColumns();
  const auto found = recorded.find(fmt::format("{}/{}", group, plural));
  TableColumns columns;
  columns.definitions = found == recorded.end() ? recorded.at("") : found->second;
  columns.group = group;
  columns.plural = plural;
  columns.printer = internal::printerOf(group, plural);
  return columns;
}

TableColumns columnsOfCrd(const Value& columns) {
  const std::vector<Value>& nameAndCreation = recordedColumns().at("");
  TableColumns out;
  out.definitions = {nameAndCreation[0]};
  if (columns.empty()) {
    constexpr std::string_view kCreation = ".metadata.creationTimestamp";
    Result<JsonPath> path = JsonPath::parse(kCreation);
    ASSERT(path.has_value());
    addColumn(out,
              columnDefinition("Age", "date", "", nameAndCreation[1]["description"].toString(), 0),
              kCreation, std::move(*path));
  }
  for (const Value& column : columns.items()) {
    const std::string_view path = column["jsonPath"].asString();
    Result<JsonPath> compiled = JsonPath::parse(path);
    if (!compiled) break;
    std::string description = column["description"].toString();
    if (description.empty())
      description = fmt::format("Custom resource definition column (in JSONPath format): {}", path);
    addColumn(
        out,
        columnDefinition(column["name"].toString(), column["type"].toString(),
                         column["format"].toString(), description, column["priority"].asInt()),
        path, std::move(*compiled));
  }
  return out;
}

Value printRow(const TableColumns& columns, const Value& object, TableTime now) {
  Cells cells(now);
  if (columns.printer != nullptr) {
    columns.printer(cells, object);
    return cells.take();
  }
  cells.addName(object);
  for (std::size_t i = 0; i < columns.compiled.size(); ++i)
    cells.add(customCell(columns.definitions[i + 1], *columns.compiled[i], object, now));
  return cells.take();
}

std::vector<Value> printRows(const TableColumns& columns, std::span<const Value> objects,
                             TableTime now) {
  std::vector<Value> rows;
  rows.reserve(objects.size());
  for (const Value& object : objects) rows.push_back(printRow(columns, object, now));
  if (columns.group == "storage.k8s.io" && columns.plural == "storageclasses") {
    if (const auto marked = defaultStorageClass(objects)) {
      Value& name = rows[*marked].editItem(0);
      name = name.toString() + " (default)";
    }
  }
  return rows;
}

Value rowConditions(const TableColumns& columns, const Value& object) {
  if (columns.printer != internal::printPod) return {};
  const Value& phase = object["status"]["phase"];
  const bool hasSucceeded = phase.asString() == "Succeeded";
  if (!hasSucceeded && phase.asString() != "Failed") return {};
  return Value::array({Value::object(
      {{"type", "Completed"},
       {"status", "True"},
       {"reason", phase},
       {"message", hasSucceeded ? "The pod has completed successfully." : "The pod failed."}})});
}

}  // namespace iop::apiserver::kinds
