// The three examples, played to by `apparatus test`.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "cli/apparatus_command.h"
#include "http/client.h"
#include "testing/process.h"

namespace iop::cli {
namespace {

const std::string kFolder = std::string(IOP_SOURCE_DIR) + "/examples/hello-apparatus/";

// Runs the command with a port and a folder for cards behind it, and everything against it.
void expectToPass(std::vector<std::string> command) {
  const std::filesystem::path cards = std::filesystem::path(::testing::TempDir()) /
                                      ("cards-" + std::to_string(testing::findFreePort()));
  const std::string port = std::to_string(testing::findFreePort());
  command.insert(command.end(), {port, cards.string()});
  auto process = testing::Process::start(command, cards.string() + ".log");
  ASSERT_TRUE(process) << process.error().message;
  const std::string url = "http://127.0.0.1:" + port;
  http::Client client;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!client.send({.url = url + "/ping"}) && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  std::istringstream in;
  std::ostringstream out;
  std::ostringstream err;
  ApparatusTestFlags flags;
  flags.url = url;
  EXPECT_EQ(runApparatusTest(flags, {in, out, err}), 0) << out.str() << err.str();
  EXPECT_TRUE((*process)->isRunning());
  EXPECT_TRUE(std::filesystem::is_empty(cards)) << "a card is left over";
}

TEST(HelloApparatus, InPythonKeepsToTheProtocol) {
  expectToPass({"/usr/bin/python3", kFolder + "hello_apparatus.py"});
}

TEST(HelloApparatus, InTypeScriptKeepsToTheProtocol) {
  if (!std::filesystem::exists("/usr/share/nodejs/typescript"))
    GTEST_SKIP() << "NOT RUN: there is no TypeScript; scripts/setup installs it";
  const std::string script = ::testing::TempDir() + "/hello-apparatus.js";
  ASSERT_EQ(std::system(("node '" + kFolder + "transpile.js' '" + kFolder +
                         "hello-apparatus.ts' '" + script + "'")
                            .c_str()),
            0);
  expectToPass({"/usr/bin/node", script});
}

TEST(HelloApparatus, InCppKeepsToTheProtocol) { expectToPass({HELLO_APPARATUS}); }

TEST(HelloApparatus, HasAboutSixtyLinesInEachLanguage) {
  for (const char* name : {"hello_apparatus.py", "hello-apparatus.ts", "hello_apparatus.cc"}) {
    std::ifstream file(kFolder + name);
    const auto lines = std::count(std::istreambuf_iterator<char>(file), {}, '\n');
    EXPECT_GT(lines, 30) << name;
    EXPECT_LE(lines, 60) << name;
  }
}

}  // namespace
}  // namespace iop::cli
