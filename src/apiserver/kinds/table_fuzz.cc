// Any path and any object: a cell, or none.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "apiserver/kinds/table.h"
#include "text/json.h"

using iop::Result;
using iop::Value;
using iop::apiserver::kinds::columnsOfCrd;
using iop::apiserver::kinds::printRow;
using iop::apiserver::kinds::TableColumns;

// The path ends with the first line break; what follows is the object, in JSON.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t end = input.find('\n');
  if (end == 0 || end == std::string_view::npos) return 0;
  const Result<Value> object = iop::text::parseJson(input.substr(end + 1));
  if (!object) return 0;
  for (const char* type : {"string", "integer", "number", "boolean", "date"}) {
    const TableColumns columns = columnsOfCrd(Value::array(
        {Value::object({{"name", "A"}, {"type", type}, {"jsonPath", input.substr(0, end)}})}));
    ASSERT(printRow(columns, *object, {}).size() == columns.definitions.size());
  }
  return 0;
}
