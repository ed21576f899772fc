#include "cli/cli.h"

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <iostream>
#include <sstream>

#include "base/log.h"
#include "cli/apparatus_command.h"
#include "cli/convert_command.h"
#include "cli/dev_command.h"
#include "cli/graph_command.h"
#include "cli/lint_command.h"
#include "cli/render_command.h"
#include "cli/run_command.h"
#include "cli/template_command.h"
#include "cli/test_command.h"

namespace iop::cli {
namespace {

using operators::control::OperatorOptions;

struct RunFlags {
  OperatorOptions options;
  bool zapDevel = false;
  std::string zapEncoder;
  std::string zapLogLevel;
  std::string zapStacktraceLevel;
  std::string zapTimeEncoding;
  std::string watchNamespace;
  int apparatusTimeout = 30;
};

std::vector<std::string> splitByComma(const std::string& text) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, ',');) {
    part.erase(0, part.find_first_not_of(' '));
    part.erase(part.find_last_not_of(' ') + 1);
    if (!part.empty()) parts.push_back(part);
  }
  return parts;
}

void addRunFlags(CLI::App& app, RunFlags& flags) {
  OperatorOptions& options = flags.options;
  app.add_option(
      "--kubeconfig", options.kubeconfig,
      "Path of a kubeconfig; without it $KUBECONFIG, the pod's service account or ~/.kube/config");
  app.add_flag("--leader-elect", options.leaderElect,
               "Only act while holding the lease, so that several replicas can run");
  app.add_option("--leader-election-namespace", options.leaderElectionNamespace,
                 "Namespace of the lease (default: the pod's)");
  const auto addDuration = [&app](const char* name, std::chrono::milliseconds& value,
                                  const char* text, const char* description) {
    app.add_option_function<std::int64_t>(
           name, [&value](std::int64_t given) { value = std::chrono::milliseconds(given); },
           description)
        ->transform(CLI::AsNumberWithUnit(
            std::map<std::string, std::int64_t>{
                {"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}},
            CLI::AsNumberWithUnit::UNIT_REQUIRED, "DURATION"))
        ->default_str(text);
  };
  addDuration(
      "--leader-elect-lease-duration", options.leaseDuration, "15s",
      "How long the others wait before they take a lease that is not renewed (500ms, 15s, 2m)");
  addDuration("--leader-elect-renew-deadline", options.renewDeadline, "10s",
              "How long the leader tries to renew before it gives up");
  addDuration("--leader-elect-retry-period", options.retryPeriod, "2s",
              "How long each waits between two tries");
  app.add_option("--metrics-bind-address", options.metricsAddress,
                 "Where /metrics is served: host:port; port 0 takes a free one, \"0\" turns it off")
      ->capture_default_str();
  app.add_option("--health-probe-bind-address", options.healthAddress,
                 "Where /healthz and /readyz are served: host:port; port 0 takes a free one, \"0\" "
                 "turns it off")
      ->capture_default_str();
  app.add_option("--watch-namespace", flags.watchNamespace,
                 "Namespaces to watch, by comma; empty: all")
      ->envname("WATCH_NAMESPACE");
  app.add_option("--max-concurrent-reconciles", options.maxConcurrentReconciles,
                 "Plugs that are worked on at a time")
      ->envname("MAX_CONCURRENT_RECONCILES")
      ->check(CLI::Range(0, 1000));
  app.add_option("--debug-plug-endpoint", options.debugPlugEndpoint,
                 "URL that is called as the apparatus of all plugs")
      ->envname("DEBUG_PLUG_ENDPOINT");
  app.add_option("--debug-socket-endpoint", options.debugSocketEndpoint,
                 "URL that is called as the apparatus of all sockets")
      ->envname("DEBUG_SOCKET_ENDPOINT");
  app.add_option("--apparatus-timeout", flags.apparatusTimeout,
                 "Seconds that one call of an apparatus may take")
      ->capture_default_str()
      ->check(CLI::Range(1, 3600));
  app.add_option("--cluster-domain", options.clusterDomain, "The cluster's DNS domain")
      ->capture_default_str();
  app.add_flag("--zap-devel", flags.zapDevel,
               "Log for people, debug messages included, instead of JSON");
  app.add_option("--zap-encoder", flags.zapEncoder, "Log format")
      ->check(CLI::IsMember({"json", "console"}));
  app.add_option("--zap-log-level", flags.zapLogLevel,
                 "debug, info, error, panic or a number (above 0: debug)");
  app.add_option("--zap-stacktrace-level", flags.zapStacktraceLevel,
                 "Accepted and ignored: there are no stack traces");
  app.add_option("--zap-time-encoding", flags.zapTimeEncoding,
                 "Accepted and ignored: times are RFC 3339");
}

void addTemplateFlags(CLI::App& app, TemplateFlags& flags) {
  app.add_flag(
      "--jsonl", flags.jsonl,
      "Answer each line of the standard input, a JSON object with template, data, name and "
      "missingkey, by a line with output or error");
  app.add_option("-f,--file", flags.file, "Render this file; - is the standard input");
  app.add_option("--data", flags.dataFile, "The file's data, JSON or YAML; without it nil");
  app.add_option("--left", flags.left, "Left delimiter")->capture_default_str();
  app.add_option("--right", flags.right, "Right delimiter")->capture_default_str();
  app.add_option("--missingkey", flags.missingKey, "What a key that is not there gives")
      ->capture_default_str()
      ->check(CLI::IsMember({"default", "invalid", "zero", "error"}));
}

void addFiles(CLI::App& app, std::vector<std::string>& files) {
  app.add_option("-f,--filename", files,
                 "Files, or folders with *.yaml, *.yml and *.json; - is the standard input")
      ->required();
}

void addTrialFlags(CLI::App& app, ApparatusTestFlags& flags) {
  app.add_option("url", flags.url, "Base URL of the apparatus: http://localhost:8080")->required();
  app.add_option("--side", flags.side, "Whose apparatus it is")
      ->capture_default_str()
      ->check(CLI::IsMember({"plug", "socket"}));
  app.add_option("-f,--filename", flags.files,
                 "Files with the Plug and the Socket that it is played for; their spec.config is "
                 "what the sides hand to each other. Without them, empty ones");
  app.add_option("--timeout", flags.timeoutSeconds, "Seconds that one answer may take")
      ->capture_default_str()
      ->check(CLI::Range(1, 3600));
}

void addDevFlags(CLI::App& app, DevFlags& flags) {
  app.add_option("--kubeconfig", flags.kubeconfig,
                 "Where the kubeconfig is written, when the server answers (default: a folder of "
                 "its own). Removed at the end");
  app.add_option("--listen", flags.listen, "Where the API is served: host:port")
      ->capture_default_str();
  app.add_option("--data", flags.data,
                 "Folder that keeps the objects over restarts; without it they are in memory");
  app.add_option("-f,--filename", flags.files,
                 "Manifests to apply: files, or folders with *.yaml, *.yml and *.json; applied "
                 "again as they change");
  app.add_option("--audit-log", flags.auditLog,
                 "File that each request is noted in, one JSON object a line");
  app.add_flag("--no-operator", flags.withoutOperator,
               "Only the API: then any operator can be run against it");
}

void addRenderFlags(CLI::App& app, RenderFlags& flags) {
  addFiles(app, flags.files);
  app.add_option("-n,--namespace", flags.namespaceName, "Namespace of objects that name none")
      ->capture_default_str();
  app.add_option("-o,--output", flags.output, "YAML documents, or a JSON array")
      ->capture_default_str()
      ->check(CLI::IsMember({"yaml", "json"}));
}

void addGraphFlags(CLI::App& app, GraphFlags& flags) {
  CLI::Option* files = app.add_option(
      "-f,--filename", flags.files,
      "Show what would be on a cluster with these manifests: files, or folders with *.yaml, *.yml "
      "and *.json; - is the standard input. Without it the cluster is asked");
  app.add_option("--kubeconfig", flags.kubeconfig,
                 "Path of the cluster's kubeconfig; without it $KUBECONFIG, the pod's service "
                 "account or ~/.kube/config")
      ->excludes(files);
  app.add_option("-o,--output", flags.output, "A tree, Graphviz' DOT, Mermaid or JSON")
      ->capture_default_str()
      ->check(CLI::IsMember({"text", "dot", "mermaid", "json"}));
}

void addTestFlags(CLI::App& app, TestFlags& flags) {
  app.add_option("dir", flags.folder,
                 "Folder with the cases: it, or each folder below it, that has input/ or "
                 "input.yaml, and expected.yaml")
      ->required();
  app.add_flag("--update", flags.update, "Write what is rendered into expected.yaml");
  app.add_option("--junit", flags.junit, "File for a report in JUnit's XML");
}

void configureLog(const RunFlags& flags) {
  log::Format format = flags.zapDevel ? log::Format::Console : log::Format::Json;
  if (!flags.zapEncoder.empty())
    format = flags.zapEncoder == "json" ? log::Format::Json : log::Format::Console;
  log::Level level = flags.zapDevel ? log::Level::Debug : log::Level::Info;
  if (!flags.zapLogLevel.empty()) {
    const std::string& text = flags.zapLogLevel;
    const bool isNumber = text.find_first_not_of("0123456789") == std::string::npos;
    if (text == "debug" || (isNumber && text != "0")) level = log::Level::Debug;
    if (text == "info" || text == "0") level = log::Level::Info;
    if (text == "warn") level = log::Level::Warn;
    if (text == "error" || text == "panic" || text == "fatal") level = log::Level::Error;
  }
  log::configure(level, format);
}

// Go's flag package takes one dash for two.
std::vector<std::string> withTwoDashes(int argc, char** argv) {
  std::vector<std::string> arguments(argv + 1, argv + argc);
  if (!arguments.empty() && !arguments[0].starts_with('-') && arguments[0] != "run")
    return arguments;  // not one of Go's
  for (std::string& argument : arguments) {
    if (argument.size() > 2 && argument[0] == '-' && argument[1] != '-') argument.insert(0, "-");
  }
  return arguments;
}

int fromEnvironment(RunFlags& flags) {
  const char* podNamespace = std::getenv("POD_NAMESPACE");
  if (flags.options.leaderElectionNamespace.empty() && podNamespace != nullptr) {
    flags.options.leaderElectionNamespace = podNamespace;
  }
  flags.options.watchNamespaces = splitByComma(flags.watchNamespace);
  flags.options.apparatusTimeout = std::chrono::seconds(flags.apparatusTimeout);
  configureLog(flags);
  return runOperator(flags.options);
}

}  // namespace

int run(int argc, char** argv) {
  CLI::App app(
      "Couples applications on Kubernetes: plugs to sockets (integration.rock8s.com/v1beta1).",
      "integration-operator");
  app.set_version_flag("--version", std::string(IOP_VERSION));
  app.require_subcommand(0, 1);
  app.footer("Called with flags only, it runs the operator.");
  RunFlags flags;
  CLI::App* runCommand = app.add_subcommand("run", "Run the operator against a cluster");
  addRunFlags(*runCommand, flags);
  TemplateFlags templateFlags;
  CLI::App* templateCommand = app.add_subcommand("template", "Render Go templates");
  addTemplateFlags(*templateCommand, templateFlags);

  ConvertFlags convertFlags;
  CLI::App* convertCommand = app.add_subcommand(
      "convert",
      "Make manifests of the Go operator's 0.x releases (v1alpha2) into today's, and say what has "
      "no equivalent; comments are lost");
  addFiles(*convertCommand, convertFlags.files);

  LintFlags lintFlags;
  CLI::App* lintCommand = app.add_subcommand(
      "lint",
      "Find in manifests what an API server does not: templates that do not parse or name what is "
      "never there, keys that the interface does not have, actions that are never done");
  addFiles(*lintCommand, lintFlags.files);

  RenderFlags renderFlags;
  CLI::App* renderCommand = app.add_subcommand(
      "render",
      "Show what would become of plugs and sockets on a cluster, without one: whether they couple, "
      "what is applied and called in which order, and what the sides hand to each other. Rights, "
      "other controllers and the answers of apparatuses are left out; secrets are masked. Ends "
      "with 1 where something does not couple");
  addRenderFlags(*renderCommand, renderFlags);

  GraphFlags graphFlags;
  CLI::App* graphCommand =
      app.add_subcommand("graph", "Show who is plugged into what, on a cluster or in manifests");
  addGraphFlags(*graphCommand, graphFlags);

  TestFlags testFlags;
  CLI::App* testCommand = app.add_subcommand(
      "test",
      "Render cases of manifests as render does and compare them with what is expected of them. "
      "Ends with 1 where one is different");
  addTestFlags(*testCommand, testFlags);

  DevFlags devFlags;
  CLI::App* devCommand = app.add_subcommand(
      "dev",
      "Serve a Kubernetes API from this process, with the operator in it, until interrupted: to "
      "develop and to try plugs and sockets without a cluster");
  addDevFlags(*devCommand, devFlags);

  ApparatusTestFlags trialFlags;
  CLI::App* apparatusCommand =
      app.add_subcommand("apparatus", "For those who write an apparatus, a side's own code");
  apparatusCommand->require_subcommand(1);
  CLI::App* trialCommand = apparatusCommand->add_subcommand(
      "test",
      "Play all events to an apparatus, as an operator does on good days and on bad ones (repeats, "
      "orders after a crash, callers that hang up, garbage, several at a time), and say what is "
      "wrong with its answers. It makes and removes what the events ask for: not for production");
  addTrialFlags(*trialCommand, trialFlags);

  std::vector<std::string> arguments = withTwoDashes(argc, argv);
  const bool isForApp = !arguments.empty() && (arguments[0] == "--help" || arguments[0] == "-h" ||
                                               arguments[0] == "--version");
  if (!isForApp && (arguments.empty() || arguments[0][0] == '-'))
    arguments.insert(arguments.begin(), "run");
  std::reverse(arguments.begin(), arguments.end());  // CLI11 wants them so
  try {
    app.parse(arguments);
  } catch (const CLI::ParseError& error) {
    const int status = app.exit(error);
    return status == 0 ? 0 : 2;
  }
  if (runCommand->parsed()) return fromEnvironment(flags);
  if (templateCommand->parsed())
    return runTemplate(templateFlags, {std::cin, std::cout, std::cerr});
  if (lintCommand->parsed()) return runLint(lintFlags, {std::cin, std::cout, std::cerr});
  if (renderCommand->parsed()) return runRender(renderFlags, {std::cin, std::cout, std::cerr});
  if (graphCommand->parsed()) return runGraph(graphFlags, {std::cin, std::cout, std::cerr});
  if (testCommand->parsed()) return runTest(testFlags, {std::cin, std::cout, std::cerr});
  if (trialCommand->parsed()) return runApparatusTest(trialFlags, {std::cin, std::cout, std::cerr});
  if (devCommand->parsed()) return runDev(devFlags, {std::cin, std::cout, std::cerr});
  if (convertCommand->parsed()) return runConvert(convertFlags, {std::cin, std::cout, std::cerr});
  return 0;
}

}  // namespace iop::cli
