#include "cli/test_command.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "cli/render_command.h"

namespace iop::cli {
namespace {

namespace fs = std::filesystem;

std::string read(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

class TestCommand : public testing::Test {
 protected:
  TestCommand() {
    std::string pattern = (fs::temp_directory_path() / "iop-cases-XXXXXX").string();
    root_ = ::mkdtemp(pattern.data());
  }
  ~TestCommand() override { fs::remove_all(root_); }

  void write(const std::string& name, const std::string& text) const {
    fs::create_directories((root_ / name).parent_path());
    std::ofstream(root_ / name) << text;
  }

  int run(bool update = false, const std::string& junit = {}) {
    std::istringstream in;
    std::ostringstream out;
    std::ostringstream err;
    const int status = runTest({root_.string(), update, junit}, {in, out, err});
    out_ = out.str();
    err_ = err.str();
    return status;
  }

  static std::string plugFor(const std::string& socket) {
    return "apiVersion: integration.rock8s.com/v1beta1\nkind: Plug\n"
           "metadata: {name: app, namespace: shop}\nspec: {socket: {name: " +
           socket + "}}\n";
  }

  static constexpr char kSocket[] =
      "apiVersion: integration.rock8s.com/v1beta1\nkind: Socket\n"
      "metadata: {name: cache, namespace: shop}\n";
  static constexpr char kExpected[] = R"(# the order and the comments do not count
plug: shop/app
socket: "shop/cache"
couples: true
reason: CouplingSucceeded
message: coupling succeeded
)";

  fs::path root_;
  std::string out_;
  std::string err_;
};

TEST_F(TestCommand, EqualCasesPassWhateverTheirYamlLooksLike) {
  write("one/input.yaml", std::string(kSocket) + "---\n" + plugFor("cache"));
  write("one/expected.yaml", kExpected);
  write("deep/er/input/socket.yaml", kSocket);
  write("deep/er/input/plug.yaml", plugFor("cache"));
  write("deep/er/expected.yaml", kExpected);
  EXPECT_EQ(run(), 0) << out_ << err_;
  EXPECT_EQ(out_, "ok       deep/er\nok       one\n2 cases, 0 failed\n");
}

TEST_F(TestCommand, ADifferenceIsShownAndWrittenOnRequest) {
  write("one/input.yaml", plugFor("cache"));
  write("one/expected.yaml", kExpected);
  EXPECT_EQ(run(), 1);
  EXPECT_EQ(out_, R"(FAIL     one
--- expected.yaml
+++ rendered
@@ -1,6 +1,6 @@
 ---
-couples: true
-message: coupling succeeded
+couples: false
+message: waiting for socket to be created
 plug: shop/app
-reason: CouplingSucceeded
+reason: SocketNotCreated
 socket: shop/cache
1 case, 1 failed
)");
  EXPECT_EQ(read(root_ / "one/expected.yaml"), kExpected);

  EXPECT_EQ(run(true), 0);
  EXPECT_EQ(out_, "written  one\n1 case, 0 failed\n");
  EXPECT_NE(read(root_ / "one/expected.yaml").find("reason: SocketNotCreated"), std::string::npos);
  EXPECT_EQ(run(), 0) << out_;
}

TEST_F(TestCommand, AnEqualCaseIsNotWrittenAnew) {
  write("one/input.yaml", std::string(kSocket) + "---\n" + plugFor("cache"));
  write("one/expected.yaml", kExpected);
  EXPECT_EQ(run(true), 0);
  EXPECT_EQ(read(root_ / "one/expected.yaml"), kExpected);
}

TEST_F(TestCommand, WhatCannotBeComparedFails) {
  write("bad/input.yaml", "a: [");
  write("bad/expected.yaml", kExpected);
  write("new/input.yaml", plugFor("cache"));
  write("torn/input.yaml", plugFor("cache"));
  write("torn/expected.yaml", "a: [");
  EXPECT_EQ(run(), 1);
  EXPECT_NE(out_.find("FAIL     bad\n"), std::string::npos) << out_;
  EXPECT_NE(out_.find("FAIL     new\nthere is no expected.yaml; --update writes it\n"),
            std::string::npos)
      << out_;
  EXPECT_NE(out_.find("FAIL     torn\n"), std::string::npos) << out_;
  EXPECT_NE(out_.find("3 cases, 3 failed\n"), std::string::npos) << out_;
}

TEST_F(TestCommand, JunitCountsFailuresAndErrors) {
  write("a<b/input.yaml", std::string(kSocket) + "---\n" + plugFor("cache"));
  write("a<b/expected.yaml", kExpected);
  write("other/input.yaml", plugFor("cache"));
  write("other/expected.yaml", kExpected);
  write("unread/input.yaml", "kind: Plug");
  const std::string report = (root_ / "report.xml").string();
  EXPECT_EQ(run(false, report), 1);
  const std::string xml = read(report);
  EXPECT_TRUE(
      xml.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites tests=\"3\" "
                      "failures=\"1\" errors=\"1\" time=\""))
      << xml;
  EXPECT_NE(xml.find("name=\"a&lt;b\" time=\""), std::string::npos) << xml;
  EXPECT_NE(xml.find("<failure message=\"it renders to something else than expected.yaml\">"
                     "--- expected.yaml\n"),
            std::string::npos)
      << xml;
  EXPECT_NE(xml.find("<error message=\"an object without apiVersion and kind\">"),
            std::string::npos)
      << xml;
  EXPECT_TRUE(xml.ends_with("  </testsuite>\n</testsuites>\n")) << xml;

  EXPECT_EQ(run(false, "/nowhere/report.xml"), 2);
}

TEST_F(TestCommand, WithoutACaseItEndsWithTwo) {
  EXPECT_EQ(run(), 2);
  EXPECT_NE(err_.find("has no case"), std::string::npos) << err_;
  fs::remove_all(root_);
  EXPECT_EQ(run(), 2);
  EXPECT_NE(err_.find("is no folder"), std::string::npos) << err_;
}

// docs/authoring.md shows these files, indented by four.
TEST(Examples, TheRenderedExampleIsWhatTheManualShows) {
  const fs::path folder = IOP_SOURCE_DIR "/examples/render";
  std::istringstream in;
  std::ostringstream out;
  std::ostringstream err;
  EXPECT_EQ(runTest({folder.string(), false, {}}, {in, out, err}), 0) << out.str() << err.str();
  const std::string manual = read(IOP_SOURCE_DIR "/docs/authoring.md");
  for (const char* name : {"couples/input.yaml", "couples/expected.yaml"}) {
    std::istringstream lines(read(folder / name));
    std::string shown;
    for (std::string line; std::getline(lines, line);) shown += "    " + line + "\n";
    EXPECT_NE(manual.find(shown), std::string::npos) << name << " should be shown as\n" << shown;
  }
}

}  // namespace
}  // namespace iop::cli
