#pragma once

// Values in messages, as Go's fmt prints those of unstructured objects. Pure.

#include <string>
#include <string_view>

#include "value/value.h"

namespace iop::apiserver::schema {

// %v: "map[image:z name:q]".
std::string printPlain(const Value& value);
// %#v: "map[string]interface {}{"a":1}".
std::string printGoSyntax(const Value& value);
// %T: "int64".
std::string_view goTypeOf(const Value& value);

}  // namespace iop::apiserver::schema
