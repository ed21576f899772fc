#pragma once

// Tables: what `kubectl get` prints (meta.k8s.io/v1 Table).
//
//   TableColumns columns = columnsOf("apps", "deployments");
//   Value row = printRow(columns, deployment, now);     // the "cells" of one row
//
// Pure; thread-safe.

#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "value/value.h"

namespace iop::apiserver::kinds {

namespace internal {
class Cells;
class JsonPath;
}  // namespace internal

// How a kind is printed. Made by columnsOf() or columnsOfCrd(); copies share what is large.
struct TableColumns {
  // TableColumnDefinitions as the API server sends them: name, type, format, description, priority.
  std::vector<Value> definitions;
  // For custom resources: the JSONPath of each column after the first; empty: a built-in printer.
  std::vector<std::string> paths;
  std::string group;
  std::string plural;

  // For printRow(): the paths, compiled, or the printer.
  std::vector<std::shared_ptr<const internal::JsonPath>> compiled;
  void (*printer)(internal::Cells& cells, const Value& object) = nullptr;
};

// Of a built-in kind; `plural` may name a subresource, too: "deployments/scale" is a Scale, others
// print as their resource. Kinds without columns of their own have a name and a creation time.
TableColumns columnsOf(std::string_view group, std::string_view plural);
// `columns`: additionalPrinterColumns of a CRD's version; without any there is one, Age. As in
// kube-apiserver, a column whose path is not understood is left out with all that follow it.
TableColumns columnsOfCrd(const Value& columns);

// The cells of one object.
Value printRow(const TableColumns& columns, const Value& object,
               std::chrono::system_clock::time_point now);
// The cells of each object of a list. What is true of one in the list only shows here: which
// StorageClass is the default.
std::vector<Value> printRows(const TableColumns& columns, std::span<const Value> objects,
                             std::chrono::system_clock::time_point now);
// The "conditions" of a row: of a pod that has ended, that it has; null for all else.
Value rowConditions(const TableColumns& columns, const Value& object);

}  // namespace iop::apiserver::kinds
