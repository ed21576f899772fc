#include "cli/convert_command.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace iop::cli {
namespace {

struct Outcome {
  int status = 0;
  std::string out;
  std::string err;
};

Outcome convert(std::vector<std::string> files, const std::string& input = "") {
  std::istringstream in(input);
  std::ostringstream out;
  std::ostringstream err;
  const int status = runConvert({std::move(files)}, {in, out, err});
  return {status, out.str(), err.str()};
}

TEST(ConvertCommand, ConvertsAllDocumentsAndNamesWhereSomethingIsLeft) {
  const Outcome outcome = convert({"-"}, R"(apiVersion: v1
kind: Secret
---
apiVersion: integration.siliconhills.dev/v1alpha2
kind: Plug
metadata: {name: db, namespace: app}
spec: {socket: {name: postgres}, namespaceScope: team}
)");
  EXPECT_EQ(outcome.status, 1);
  EXPECT_EQ(outcome.out, R"(apiVersion: v1
kind: Secret
---
apiVersion: integration.rock8s.com/v1beta1
kind: Plug
metadata:
  name: db
  namespace: app
spec:
  socket:
    name: postgres
)");
  EXPECT_TRUE(outcome.err.starts_with("-:4: Plug app/db: spec.namespaceScope: ")) << outcome.err;
}

TEST(ConvertCommand, ReadsFoldersInOrder) {
  const std::filesystem::path folder = std::filesystem::path(::testing::TempDir()) / "convert";
  std::filesystem::create_directories(folder / "more");
  std::ofstream(folder / "b.yaml") << "kind: B\n";
  std::ofstream(folder / "more" / "a.yml") << "kind: A\n";
  std::ofstream(folder / "a.json") << R"({"kind": "J"})";
  std::ofstream(folder / "notes.txt") << ": no yaml";
  const Outcome outcome = convert({folder.string()});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(outcome.out, "kind: J\n---\nkind: B\n---\nkind: A\n");
}

TEST(ConvertCommand, WritesNothingWhereSomethingCannotBeRead) {
  const Outcome missing = convert({"/nowhere/at.yaml"});
  EXPECT_EQ(missing.status, 2);
  EXPECT_EQ(missing.out, "");
  EXPECT_NE(missing.err.find("/nowhere/at.yaml"), std::string::npos);
  const Outcome malformed = convert({"-"}, "a: b\n---\na: b: c\n");
  EXPECT_EQ(malformed.status, 2);
  EXPECT_EQ(malformed.out, "");
  EXPECT_TRUE(malformed.err.starts_with("-: yaml: line 3: ")) << malformed.err;
}

}  // namespace
}  // namespace iop::cli
