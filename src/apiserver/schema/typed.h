#pragma once

// Values read through their schemas, as structured-merge-diff does it: what is a map of fields that
// have owners one by one, what is one thing (atomic), and by which keys the items of lists are
// known. The parts of server-side apply that know no owners.
//
//   const Typed type = typeOfObject(schema);
//   Comparison changes = compare(live, updated, type);       // sets of fields
//   FieldSet mine = fieldsOf(config, type);
//   auto merged = merge(live, config, type);
//
// Lists with duplicates are let be everywhere but in `validate` and in what is merged into another
// list. Pure; thread-safe.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "apiserver/schema/field_set.h"
#include "apiserver/schema/schema.h"
#include "value/value.h"

namespace iop::apiserver::schema {

// What a value is read as. A view: its Schema must outlive it.
struct Typed {
  enum class Kind : std::uint8_t {
    Declared,    // as `schema` says
    Deduced,     // no schema: maps by field, lists atomic
    Atomic,      // no schema, and nothing below has owners of its own
    Undeclared,  // a field that the schema does not have
  };

  const Schema* schema = nullptr;
  Kind kind = Kind::Deduced;
  bool resource = false;  // apiVersion, kind and metadata are those of Kubernetes
  // Go structs stand behind the schema: members that they always write are never absent.
  bool builtin = false;
};

enum class Shape : std::uint8_t { Map, Scalar, List };

// The type of a whole object; of one without a schema if null.
Typed typeOfObject(const Schema* schema);

// How a value is treated: by what it is, where the type allows that, else by what the type is.
Shape shapeOf(const Typed& type, const Value& value);

struct FieldType {
  Typed type;
  bool named = false;  // a property, and not one of any number of keys
};
FieldType fieldType(const Typed& map, std::string_view name);
Typed itemType(const Typed& list);
bool isAtomicMap(const Typed& map);
Schema::ListType listTypeOf(const Typed& list);

// The step (field_set.h) that names an item of a set or map list. Errors in the words of
// structured-merge-diff ("associative list with keys may not have a null element").
tl::expected<Value, std::string> itemStep(const Typed& list, const Value& item);

// What a Go struct writes for a member that has no value, where it writes one ({} for structs, null
// for some lists); else null.
const Value* zeroOf(const Typed& map, std::string_view name, const Typed& member);

// Equality of JSON: 1 and 1.0 are one number.
bool isEqual(const Value& left, const Value& right);

struct Comparison {
  FieldSet added;
  FieldSet modified;
  FieldSet removed;
};

struct CompareOptions {
  // Passes over the identity of the object (apiVersion, kind and in metadata what the server
  // writes), whose fields have no owners.
  bool skipIdentity = false;
  std::vector<std::string> skipFields;  // of the root, with all below
};

// Nothing where a list has items that cannot be told apart.
std::optional<Comparison> compare(const Value& before, const Value& after, const Typed& type,
                                  const CompareOptions& options = {});

// All fields of a value.
FieldSet fieldsOf(const Value& value, const Typed& type);

// The errors of structured-merge-diff, one each (".spec.ports: duplicate entries for key
// [port=80]"); empty if there are none.
std::vector<std::string> validate(const Value& value, const Typed& type);

// `config` laid over `live`. Items of lists stand in the order of `config`; those that only `live`
// has keep their place among the others. Error: items that cannot be told apart.
tl::expected<Value, std::string> merge(const Value& live, const Value& config, const Typed& type);

// Without the fields of the set and what is below them. What has no members left is null.
Value removeFields(const Value& value, const FieldSet& fields, const Typed& type);

// The set and, of the nodes on its way, the properties.
FieldSet withNamedFields(const FieldSet& set, const Typed& type);

}  // namespace iop::apiserver::schema
