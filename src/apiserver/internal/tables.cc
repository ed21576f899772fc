#include "apiserver/internal/tables.h"

#include "apiserver/internal/media.h"

namespace iop::apiserver {

Value tableOf(const Kind& kind, std::span<const Value> objects, std::string_view includeObject,
              std::string_view version, std::chrono::system_clock::time_point now) {
  Value definitions = Value::array();
  for (const Value& definition : kind.columns.definitions) definitions.push(definition);
  std::vector<Value> cells = kinds::printRows(kind.columns, objects, now);
  Value rows = Value::array();
  for (std::size_t i = 0; i < objects.size(); ++i) {
    const Value& object = objects[i];
    // A bookmark is no row that anybody prints: its cells are empty.
    const bool isBookmark = object["metadata"]["name"].isNull();
    Value row = Value::object({{"cells", isBookmark ? Value::array() : std::move(cells[i])}});
    if (Value conditions = kinds::rowConditions(kind.columns, object); !conditions.isNull())
      row.set("conditions", std::move(conditions));
    if (includeObject == "Object") {
      row.set("object", object);
    } else if (includeObject != "None") {
      row.set("object", metadataOf(object, version));
    } else {
      row.set("object", Value());
    }
    rows.push(std::move(row));
  }
  return Value::object({{"kind", "Table"},
                        {"apiVersion", "meta.k8s.io/" + std::string(version)},
                        {"metadata", Value::object()},
                        {"columnDefinitions", std::move(definitions)},
                        {"rows", std::move(rows)}});
}

}  // namespace iop::apiserver
