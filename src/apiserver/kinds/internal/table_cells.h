#pragma once

// What cells of Tables are made of: ages, labels, selectors, lists that are cut short.
//
// Pure; thread-safe.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "value/value.h"

namespace iop::apiserver::kinds::internal {

using TableTime = std::chrono::system_clock::time_point;

// The cells of one row, as a printer of a kind fills them.
class Cells {
 public:
  explicit Cells(TableTime now) : now_(now) {}

  TableTime now() const { return now_; }
  void add(Value cell) { cells_.push_back(std::move(cell)); }
  // A string of the object; "" where there is none.
  void addText(const Value& text) { cells_.push_back(text.isString() ? text : Value("")); }
  void addInt(const Value& number) { cells_.emplace_back(number.asInt()); }
  void addName(const Value& object) { addText(object["metadata"]["name"]); }
  void addAge(const Value& object);
  // Names and images of containers: two cells.
  void addContainers(const Value& podSpec);

  Value take() { return Value::fromItems(cells_); }

 private:
  TableTime now_;
  std::vector<Value> cells_;
};

using CellPrinter = void (*)(Cells& cells, const Value& object);
// The printer of a built-in kind; the one that prints name and creation for all others.
CellPrinter printerOf(std::string_view group, std::string_view plural);

// "5m", "3d4h" (apimachinery, pkg/util/duration.HumanDuration); "<invalid>" for what lies ahead.
std::string humanDuration(std::chrono::nanoseconds duration);
// An RFC 3339 time; nothing for what is none. Years that a TableTime cannot hold are its ends.
std::optional<TableTime> readTime(std::string_view text);
// From one time to another, at most 292 years, as Go counts.
std::chrono::nanoseconds elapsed(TableTime from, TableTime to);
// How long ago a time was; "<unknown>" where there is none.
std::string ageOf(const Value& timestamp, TableTime now);

// "a=b,c=d"; "<none>" for none.
std::string formatLabels(const Value& labels);
// A LabelSelector in the syntax of selectors: "" for one that says nothing or is not there, `bad`
// for one that is none.
std::string formatSelector(const Value& selector, std::string_view bad);
// The same, with "<none>" and "<error>" for these.
std::string formatLabelSelector(const Value& selector);
// A quantity as text; "0" where there is none.
std::string quantityText(const Value& quantity);
std::string intOrStringText(const Value& value);
std::string joinTexts(const Value& texts, std::string_view separator);

// "a,b,c + 2 more...": the first ones of a list.
class ShortList {
 public:
  explicit ShortList(std::size_t max) : max_(max) {}

  void add(std::string_view text);
  bool isFull() const { return count_ >= max_; }
  bool empty() const { return count_ == 0; }
  // `total`: of how many.
  std::string print(std::size_t total, std::string_view separator = ",") const;

 private:
  std::size_t max_;
  std::size_t count_ = 0;
  bool hasMore_ = false;
  std::vector<std::string> shown_;
};

// The printers, by file.
void printPod(Cells& cells, const Value& pod);
void printPodTemplate(Cells& cells, const Value& object);
void printReplicationController(Cells& cells, const Value& object);
void printReplicaSet(Cells& cells, const Value& object);
void printDeployment(Cells& cells, const Value& object);
void printStatefulSet(Cells& cells, const Value& object);
void printDaemonSet(Cells& cells, const Value& object);
void printControllerRevision(Cells& cells, const Value& object);
void printJob(Cells& cells, const Value& object);
void printCronJob(Cells& cells, const Value& object);
void printScale(Cells& cells, const Value& object);
void printHorizontalPodAutoscaler(Cells& cells, const Value& object);
void printPodDisruptionBudget(Cells& cells, const Value& object);
void printService(Cells& cells, const Value& object);
void printEndpoints(Cells& cells, const Value& object);
void printEndpointSlice(Cells& cells, const Value& object);
void printIngress(Cells& cells, const Value& object);
void printIngressClass(Cells& cells, const Value& object);
void printNetworkPolicy(Cells& cells, const Value& object);
void printConfigMap(Cells& cells, const Value& object);
void printSecret(Cells& cells, const Value& object);
void printNameAndAge(Cells& cells, const Value& object);
void printNamespace(Cells& cells, const Value& object);
void printEvent(Cells& cells, const Value& object);
void printResourceQuota(Cells& cells, const Value& object);
void printPersistentVolume(Cells& cells, const Value& object);
void printPersistentVolumeClaim(Cells& cells, const Value& object);
void printStorageClass(Cells& cells, const Value& object);
void printPriorityClass(Cells& cells, const Value& object);
void printLease(Cells& cells, const Value& object);
void printRoleBinding(Cells& cells, const Value& object);
void printAdmissionPolicy(Cells& cells, const Value& object);
void printAdmissionPolicyBinding(Cells& cells, const Value& object);
void printCustomResourceDefinition(Cells& cells, const Value& object);
void printNameAndCreation(Cells& cells, const Value& object);

}  // namespace iop::apiserver::kinds::internal
