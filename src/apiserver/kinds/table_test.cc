#include "apiserver/kinds/table.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include "apiserver/kinds/internal/jsonpath.h"
#include "apiserver/kinds/internal/table_cells.h"
#include "base/time.h"
#include "text/json.h"

namespace iop::apiserver::kinds {
namespace {

std::string testdata(const std::string& name) {
  std::ifstream file(std::string(IOP_SOURCE_DIR) + "/src/apiserver/kinds/testdata/" + name);
  return {std::istreambuf_iterator<char>(file), {}};
}

base::Time timeOf(std::string_view text) { return base::parseTime(text).value(); }

// testdata/table_rows.jsonl: rows of Tables that kube-apiserver 1.37.2 sent, with their objects and
// the time; the last ones are pods in random states, as the printers of k8s.io/kubernetes v1.37.2
// show them.
TEST(PrintRow, PrintsTheCellsOfKubeApiserver) {
  const std::string lines = testdata("table_rows.jsonl");
  std::set<std::string> kinds;
  int rows = 0;
  for (std::size_t start = 0; start < lines.size();) {
    const std::size_t end = lines.find('\n', start);
    const Value row = text::parseJson(lines.substr(start, end - start)).value();
    start = end + 1;
    ++rows;
    const std::string resource = row["resource"].toString();
    kinds.insert(resource);
    SCOPED_TRACE(resource + " " + row["object"]["metadata"]["name"].toString());
    const std::size_t slash = resource.find('/');
    const TableColumns columns = columnsOf(resource.substr(0, slash), resource.substr(slash + 1));
    const base::Time now = timeOf(row["now"].asString());
    const std::vector<Value> printed = printRows(columns, {&row["object"], 1}, now);
    ASSERT_EQ(printed.size(), 1U);
    EXPECT_EQ(text::printJson(printed[0]), text::printJson(row["cells"]));
    EXPECT_EQ(printed[0].size(), columns.definitions.size());
    EXPECT_EQ(rowConditions(columns, row["object"]), row["conditions"]);
  }
  EXPECT_EQ(kinds.size(), 38U);
  EXPECT_EQ(rows, 126);
}

TEST(PrintRow, OfAnEmptyObjectHasACellForEveryColumn) {
  for (const auto& [group, plural] : {std::pair("", "pods"),
                                      {"", "events"},
                                      {"apps", "deployments"},
                                      {"batch", "cronjobs"},
                                      {"autoscaling", "horizontalpodautoscalers"},
                                      {"autoscaling", "scale"},
                                      {"", "persistentvolumes"},
                                      {"apiextensions.k8s.io", "customresourcedefinitions"},
                                      {"nowhere.example.com", "things"}}) {
    const TableColumns columns = columnsOf(group, plural);
    for (const Value& object : {Value(), Value::object(), Value("text")}) {
      EXPECT_EQ(printRow(columns, object, base::Time()).size(), columns.definitions.size())
          << plural;
    }
  }
}

TEST(ColumnsOf, AreThoseOfKubeApiserver) {
  const TableColumns services = columnsOf("", "services");
  ASSERT_EQ(services.definitions.size(), 7U);
  EXPECT_EQ(
      text::printJson(services.definitions[3]),
      R"({"description":"externalIPs is a list of IP addresses for which nodes in the cluster )"
      R"(will also accept traffic for this service.  These IPs are not managed by Kubernetes.  )"
      R"(The user is responsible for ensuring that traffic arrives at a node with this IP.  A )"
      R"(common example is external load-balancers that are not part of the Kubernetes system.",)"
      R"("format":"","name":"External-IP","priority":0,"type":"string"})");
  EXPECT_EQ(services.definitions[0]["format"].asString(), "name");
  EXPECT_EQ(services.definitions[6]["priority"].asInt(), 1);
  // Descriptions keep their line breaks.
  EXPECT_NE(services.definitions[5]["description"].asString().find("UTC.\n\nPopulated"),
            std::string_view::npos);
}

TEST(ColumnsOf, SubresourcesPrintAsTheirResourceOrAsAScale) {
  EXPECT_EQ(columnsOf("apps", "deployments/status").definitions[1]["name"].asString(), "Ready");
  const TableColumns scale = columnsOf("apps", "deployments/scale");
  EXPECT_EQ(scale.definitions[1]["name"].asString(), "Desired");
  const Value object = text::parseJson(R"({"metadata":{"name":"web"},"spec":{"replicas":3},)"
                                       R"("status":{"replicas":2}})")
                           .value();
  EXPECT_EQ(text::printJson(printRow(scale, object, base::Time()), {.escapeHtml = false}),
            R"(["web",3,2,"<unknown>"])");
}

TEST(ColumnsOf, KindsWithoutColumnsHaveNameAndCreation) {
  const TableColumns columns = columnsOf("", "limitranges");
  ASSERT_EQ(columns.definitions.size(), 2U);
  EXPECT_EQ(columns.definitions[1]["name"].asString(), "Created At");
  EXPECT_EQ(columns.definitions[1]["type"].asString(), "date");
  const Value object = text::parseJson(R"({"metadata":{"name":"a"}})").value();
  EXPECT_EQ(text::printJson(printRow(columns, object, base::Time())),
            R"(["a","0001-01-01T00:00:00Z"])");
}

TEST(PrintRows, TheYoungestOfSeveralDefaultClassesIsTheDefault) {
  const auto storageClass = [](const std::string& name, const std::string& created,
                               const std::string& isDefault) {
    return text::parseJson(R"({"metadata":{"name":")" + name + R"(","creationTimestamp":")" +
                           created +
                           R"(","annotations":{"storageclass.kubernetes.io/is-default-class":")" +
                           isDefault + R"("}},"provisioner":"p"})")
        .value();
  };
  const std::vector<Value> classes = {storageClass("a", "2026-01-01T00:00:00Z", "true"),
                                      storageClass("c", "2026-01-02T00:00:00Z", "true"),
                                      storageClass("b", "2026-01-02T00:00:00Z", "true"),
                                      storageClass("d", "2026-01-03T00:00:00Z", "false")};
  const TableColumns columns = columnsOf("storage.k8s.io", "storageclasses");
  std::string names;
  for (const Value& row : printRows(columns, classes, timeOf("2026-01-05T00:00:00Z")))
    names += row.at(0).toString() + ";";
  EXPECT_EQ(names, "a;c;b (default);d;");
}

// testdata/table_custom.json: columns of a CRD, and the Table that kube-apiserver 1.37.2 made.
TEST(ColumnsOfCrd, PrintEveryTypeAndPathAsKubeApiserver) {
  const Value recorded = text::parseJson(testdata("table_custom.json")).value();
  const TableColumns columns = columnsOfCrd(recorded["columns"]);
  EXPECT_EQ(columns.definitions.size(), recorded["definitions"].size());
  for (std::size_t i = 0; i < columns.definitions.size(); ++i)
    EXPECT_EQ(text::printJson(columns.definitions[i]),
              text::printJson(recorded["definitions"].at(i)));
  const base::Time now = timeOf(recorded["now"].asString());
  EXPECT_EQ(recorded["rows"].size(), 3U);
  for (const Value& row : recorded["rows"].items()) {
    const Value cells = printRow(columns, row["object"], now);
    for (std::size_t i = 0; i < row["cells"].size(); ++i) {
      EXPECT_EQ(text::printJson(cells.at(i)), text::printJson(row["cells"].at(i)))
          << text::printJson(recorded["columns"].at(i - 1));
    }
  }
}

TEST(ColumnsOfCrd, WithoutColumnsThereIsAnAge) {
  const TableColumns columns = columnsOfCrd(Value());
  ASSERT_EQ(columns.definitions.size(), 2U);
  EXPECT_EQ(columns.definitions[1]["name"].asString(), "Age");
  EXPECT_EQ(columns.definitions[1]["type"].asString(), "date");
  EXPECT_TRUE(columns.definitions[1]["description"].asString().starts_with("CreationTimestamp is"));
  const Value object =
      text::parseJson(R"({"metadata":{"name":"a","creationTimestamp":"2026-01-01T00:00:00Z"}})")
          .value();
  EXPECT_EQ(text::printJson(printRow(columns, object, timeOf("2026-01-01T00:05:01Z"))),
            R"(["a","5m1s"])");
}

TEST(ColumnsOfCrd, AColumnThatIsNotUnderstoodEndsTheTable) {
  const Value columns = text::parseJson(R"([{"name":"Ok","type":"string","jsonPath":".spec.s"},)"
                                        R"({"name":"Bad","type":"string","jsonPath":".l[x]"},)"
                                        R"({"name":"Ok2","type":"string","jsonPath":".spec.s"}])")
                            .value();
  EXPECT_EQ(columnsOfCrd(columns).definitions.size(), 2U);
}

TEST(HumanDuration, IsThatOfApimachinery) {
  constexpr std::pair<std::int64_t, std::string_view> kCases[] = {
      {-3, "<invalid>"}, {-2, "<invalid>"},  {-1, "0s"},
      {0, "0s"},         {1, "1s"},          {59, "59s"},
      {60, "60s"},       {119, "119s"},      {120, "2m"},
      {121, "2m1s"},     {179, "2m59s"},     {599, "9m59s"},
      {600, "10m"},      {601, "10m"},       {3599, "59m"},
      {3600, "60m"},     {10799, "179m"},    {10800, "3h"},
      {14400, "4h"},     {14460, "4h1m"},    {28740, "7h59m"},
      {28800, "8h"},     {100000, "27h"},    {172799, "47h"},
      {172800, "2d"},    {176400, "2d1h"},   {691199, "7d23h"},
      {691200, "8d"},    {31535999, "364d"}, {63071999, "729d"},
      {63072000, "2y"},  {63158400, "2y1d"}, {252287999, "7y364d"},
      {252288000, "8y"}, {400000000, "12y"}};
  for (const auto& [seconds, expected] : kCases)
    EXPECT_EQ(internal::humanDuration(std::chrono::seconds(seconds)), expected) << seconds;
  EXPECT_EQ(internal::humanDuration(std::chrono::milliseconds(-1999)), "0s");
  EXPECT_EQ(internal::humanDuration(std::chrono::milliseconds(-2000)), "<invalid>");
  EXPECT_EQ(internal::humanDuration(std::chrono::milliseconds(119'999)), "119s");
}

TEST(HumanDuration, OfFarTimesIsWhatGoHas) {
  const base::Time now = timeOf("2026-01-01T00:00:00Z");
  for (const auto& [time, expected] : {std::pair("0001-01-01T00:00:00Z", "292y"),
                                       {"1700-01-01T00:00:00+01:00", "292y"},
                                       {"1800-01-01T00:00:00Z", "226y"},
                                       {"9999-12-31T23:59:59Z", "<invalid>"},
                                       {"1500-13-01T00:00:00Z", "<unknown>"},
                                       {"", "<unknown>"},
                                       {"now", "<unknown>"}}) {
    EXPECT_EQ(internal::ageOf(Value(time), now), expected) << time;
  }
}

TEST(JsonPath, RefusesWhatGoRefuses) {
  for (const std::string_view path :
       {".a[", ".a[x]", ".a[?(@.b)", ".a[?(@.b]", ".a....b", ".a[1:2:3:4]", ".a['b", "'a",
        ".a[?(@.b=='\\q')]", ".a[1-]", ".a[99999999999999999999]"}) {
    EXPECT_FALSE(internal::JsonPath::parse(path)) << path;
  }
}

TEST(JsonPath, BoundsItsWork) {
  Value value = 1;
  for (int i = 0; i < 900; ++i) value = Value::object({{"a", std::move(value)}});
  const Result<internal::JsonPath> path = internal::JsonPath::parse("..a..a..a..a..a");
  ASSERT_TRUE(path) << path.error().message;
  EXPECT_EQ(path->first(value), nullptr);
  // The same long list again and again.
  Value list = Value::array();
  for (int i = 0; i < 2000; ++i) list.push(i);
  std::string same = ".[0";
  for (int i = 0; i < 2000; ++i) same += ",0";
  for (const char* all : {"][*]", "][?(@.a)]"}) {
    const Result<internal::JsonPath> again = internal::JsonPath::parse(same + all);
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(again->first(Value::object({{"", Value::array({list})}})), nullptr);
  }
  std::string nested = "@.a";
  for (int i = 0; i < 50; ++i) nested = "@.a[?(" + nested + ")]";
  EXPECT_FALSE(internal::JsonPath::parse("." + nested));
}

}  // namespace
}  // namespace iop::apiserver::kinds
