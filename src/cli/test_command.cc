#include "cli/test_command.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <ostream>
#include <sstream>
#include <vector>

#include "base/file.h"
#include "cli/manifests.h"
#include "cli/render_command.h"
#include "text/diff.h"

namespace iop::cli {
namespace {

namespace fs = std::filesystem;

struct Outcome {
  enum class State { Equal, Written, Different, Failed };
  State state = State::Equal;
  std::string name;
  std::string text;  // the difference, or what went wrong
  double seconds = 0;

  bool isWrong() const { return state == State::Different || state == State::Failed; }
};

// The input of a case; empty where the folder is none.
std::string inputOf(const fs::path& folder) {
  std::error_code error;
  for (const char* name : {"input", "input.yaml"}) {
    if (fs::exists(folder / name, error)) return (folder / name).string();
  }
  return {};
}

Result<std::vector<fs::path>> findCases(const std::string& root) {
  std::vector<fs::path> cases;
  std::error_code error;
  if (!fs::is_directory(root, error)) return fail(Code::BadRequest, "'" + root + "' is no folder");
  if (!inputOf(root).empty()) cases.emplace_back(root);
  for (fs::recursive_directory_iterator at(root, error), end; !error && at != end;
       at.increment(error)) {
    if (!at->is_directory(error)) continue;
    if (at->path().filename() == "input") {
      at.disable_recursion_pending();
    } else if (!inputOf(at->path()).empty()) {
      cases.push_back(at->path());
    }
  }
  if (error) return fail(Code::BadRequest, "read '" + root + "': " + error.message());
  if (cases.empty()) {
    return fail(Code::BadRequest, "'" + root + "' has no case: a folder with input/ or input.yaml");
  }
  std::sort(cases.begin(), cases.end());
  return cases;
}

Status write(const fs::path& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text << std::flush;
  if (!file.good())
    return fail(Code::BadRequest, "write '" + path.string() + "': it is not possible");
  return {};
}

// What the file says, printed as `render` prints.
Result<std::string> normalized(const fs::path& path) {
  ASSIGN_OR_RETURN(std::string text, base::readFile(path.string()));
  ASSIGN_OR_RETURN(const auto parsed, parseManifests({path.string(), std::move(text)}));
  std::vector<Value> documents;
  for (const text::YamlDocument& document : parsed) documents.push_back(document.value);
  return printDocuments(documents);
}

Outcome::State compare(const fs::path& folder, bool update, std::string& text) {
  std::istringstream none;  // a case has files only
  const auto simulation = simulateFiles({inputOf(folder)}, "default", none);
  if (!simulation) {
    text = simulation.error().message + "\n";
    return Outcome::State::Failed;
  }
  if (!simulation->rests) {
    text = "it does not come to rest: what is made changes its own causes again and again\n";
    return Outcome::State::Failed;
  }
  const std::string actual = printDocuments(printSimulation(*simulation));
  const fs::path path = folder / "expected.yaml";
  const Result<std::string> expected = normalized(path);
  if (expected && *expected == actual) return Outcome::State::Equal;
  if (update) {
    const Status written = write(path, actual);
    if (written) return Outcome::State::Written;
    text = written.error().message + "\n";
    return Outcome::State::Failed;
  }
  if (expected) {
    text = text::diffLines(*expected, actual, {.from = "expected.yaml", .to = "rendered"});
    return Outcome::State::Different;
  }
  text = expected.error().isNotFound() ? "there is no expected.yaml; --update writes it\n"
                                       : expected.error().message + "\n";
  return Outcome::State::Failed;
}

// Text for XML 1.0, which has no place for most control characters.
std::string escapeXml(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\t' ? c : '?';
    }
  }
  return out;
}

std::string printSeconds(double seconds) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.3f", seconds);
  return buffer;
}

// The form that Jenkins, GitLab and GitHub's actions read.
std::string printJunit(const std::vector<Outcome>& outcomes) {
  double seconds = 0;
  int different = 0;
  int failed = 0;
  std::string cases;
  for (const Outcome& outcome : outcomes) {
    seconds += outcome.seconds;
    cases += "    <testcase classname=\"integration-operator\" name=\"" + escapeXml(outcome.name) +
             "\" time=\"" + printSeconds(outcome.seconds) + "\"";
    if (!outcome.isWrong()) {
      cases += "/>\n";
      continue;
    }
    const bool isDifferent = outcome.state == Outcome::State::Different;
    ++(isDifferent ? different : failed);
    const std::string element = isDifferent ? "failure" : "error";
    const std::string message = isDifferent ? "it renders to something else than expected.yaml"
                                            : outcome.text.substr(0, outcome.text.find('\n'));
    cases += ">\n      <" + element + " message=\"" + escapeXml(message) + "\">" +
             escapeXml(outcome.text) + "</" + element + ">\n    </testcase>\n";
  }
  const std::string counts = " tests=\"" + std::to_string(outcomes.size()) + "\" failures=\"" +
                             std::to_string(different) + "\" errors=\"" + std::to_string(failed) +
                             "\" time=\"" + printSeconds(seconds) + "\"";
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites" + counts +
         ">\n  <testsuite name=\"integration-operator test\"" + counts + ">\n" + cases +
         "  </testsuite>\n</testsuites>\n";
}

void tell(const Outcome& outcome, std::ostream& out) {
  switch (outcome.state) {
    case Outcome::State::Equal:
      out << "ok       " << outcome.name << "\n";
      return;
    case Outcome::State::Written:
      out << "written  " << outcome.name << "\n";
      return;
    case Outcome::State::Different:
    case Outcome::State::Failed:
      out << "FAIL     " << outcome.name << "\n" << outcome.text;
      return;
  }
}

}  // namespace

int runTest(const TestFlags& flags, const Streams& streams) {
  const Result<std::vector<fs::path>> cases = findCases(flags.folder);
  if (!cases) {
    streams.err << cases.error().message << "\n";
    return 2;
  }
  std::vector<Outcome> outcomes;
  std::size_t wrong = 0;
  for (const fs::path& folder : *cases) {
    const auto start = std::chrono::steady_clock::now();
    Outcome outcome;
    const fs::path relative = folder.lexically_relative(flags.folder);
    outcome.name = relative.empty() || relative == "." ? folder.string() : relative.string();
    outcome.state = compare(folder, flags.update, outcome.text);
    outcome.seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    tell(outcome, streams.out);
    if (outcome.isWrong()) ++wrong;
    outcomes.push_back(std::move(outcome));
  }
  streams.out << outcomes.size() << (outcomes.size() == 1 ? " case, " : " cases, ") << wrong
              << " failed\n"
              << std::flush;
  if (!flags.junit.empty()) {
    if (const Status written = write(flags.junit, printJunit(outcomes)); !written) {
      streams.err << written.error().message << "\n";
      return 2;
    }
  }
  return wrong == 0 && streams.out.good() ? 0 : 1;
}

}  // namespace iop::cli
