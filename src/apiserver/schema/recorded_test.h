#pragma once

// What the running kube-apiserver 1.37 answered, in testdata/*.json.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "apiserver/schema/schema.h"
#include "base/file.h"
#include "text/json.h"

namespace iop::apiserver::schema::recorded {

inline Value read(const std::string& name) {
  const auto text =
      base::readFile(std::string(IOP_SOURCE_DIR) + "/src/apiserver/schema/testdata/" + name);
  EXPECT_TRUE(text) << name;
  return text::parseJson(text.value()).value();
}

inline Value json(std::string_view text) { return text::parseJson(text).value(); }

// An error as "field: message", as the causes of a Status have it.
inline std::vector<std::string> print(const FieldErrors& errors) {
  std::vector<std::string> out;
  out.reserve(errors.size());
  for (const FieldError& error : errors) out.push_back(error.print());
  return out;
}

inline std::vector<std::string> strings(const Value& list) {
  std::vector<std::string> out;
  for (const Value& item : list.items()) out.push_back(item.toString());
  return out;
}

// The schema of a kind whose spec has one field, "x".
inline DocumentPtr schemaOf(const Value& field) {
  const Value spec =
      Value::object({{"type", "object"}, {"properties", Value::object({{"x", field}})}});
  const Value root =
      Value::object({{"type", "object"}, {"properties", Value::object({{"spec", spec}})}});
  FieldErrors errors;
  std::vector<std::string> warnings;
  DocumentPtr document = parseCrdSchema(root, "schema", errors, warnings);
  EXPECT_EQ(print(errors), std::vector<std::string>()) << text::printJson(field);
  EXPECT_EQ(warnings, std::vector<std::string>()) << text::printJson(field);
  return document;
}

// An object of that kind.
inline Value objectWith(const Value& x) {
  return Value::object({{"apiVersion", "a.example.com/v1"},
                        {"kind", "A"},
                        {"metadata", Value::object({{"name", "a"}})},
                        {"spec", Value::object({{"x", x}})}});
}

}  // namespace iop::apiserver::schema::recorded
