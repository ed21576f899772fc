#include "kube/client/internal/exec_plugin.h"

#include "base/file.h"
#include "base/time.h"
#include "kube/client/internal/process_output.h"
#include "text/base64.h"
#include "text/json.h"

namespace iop::kube::client::internal {
namespace {

constexpr std::size_t kMaxShownErrorBytes = 500;

std::string trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(kSpace) - first + 1));
}

Value describeCluster(const Config& config) {
  Value cluster = Value::object({{"server", config.server}});
  if (!config.tlsServerName.empty()) cluster.set("tls-server-name", config.tlsServerName);
  if (config.insecureSkipTlsVerify) cluster.set("insecure-skip-tls-verify", true);
  if (config.disableCompression) cluster.set("disable-compression", true);
  if (config.proxyUrl) cluster.set("proxy-url", *config.proxyUrl);
  std::string ca = config.caData;
  if (ca.empty() && !config.caFile.empty()) ca = base::readFile(config.caFile).value_or("");
  if (!ca.empty()) cluster.set("certificate-authority-data", text::encodeBase64(ca));
  if (!config.exec->clusterConfig.isNull()) cluster.set("config", config.exec->clusterConfig);
  return cluster;
}

Error withInstallHint(Error error, const ExecConfig& exec) {
  error.code = error.code == Code::NotFound || error.code == Code::BadRequest ? Code::Unauthorized
                                                                              : error.code;
  if (!exec.installHint.empty()) error.message += "; " + trim(exec.installHint);
  return error;
}

}  // namespace

std::string printExecInfo(const Config& config) {
  Value spec = Value::object({{"interactive", false}});
  if (config.exec->provideClusterInfo) spec.set("cluster", describeCluster(config));
  return text::printJson(Value::object({{"kind", "ExecCredential"},
                                        {"apiVersion", config.exec->apiVersion},
                                        {"spec", std::move(spec)}}));
}

Result<ExecCredential> parseExecCredential(std::string_view output, std::string_view apiVersion) {
  const Result<Value> parsed = text::parseJson(output);
  if (!parsed) return fail(Code::Unauthorized, "answer: " + parsed.error().message);
  if ((*parsed)["kind"].asString() != "ExecCredential" ||
      (*parsed)["apiVersion"].asString() != apiVersion) {
    return fail(Code::Unauthorized, "answer is no ExecCredential of " + std::string(apiVersion));
  }
  const Value& status = (*parsed)["status"];
  ExecCredential out;
  out.token = status["token"].asString();
  out.certificatePem = status["clientCertificateData"].asString();
  out.keyPem = status["clientKeyData"].asString();
  if (out.certificatePem.empty() != out.keyPem.empty()) {
    return fail(Code::Unauthorized,
                "answer has only one of clientCertificateData and clientKeyData");
  }
  if (out.token.empty() && out.certificatePem.empty()) {
    return fail(Code::Unauthorized, "answer has neither token nor certificate");
  }
  if (const Value& expiry = status["expirationTimestamp"]; !expiry.isNull()) {
    const Result<base::Time> time = base::parseTime(expiry.asString());
    if (!time) return fail(Code::Unauthorized, "expirationTimestamp: " + time.error().message);
    out.expiry = *time;
  }
  return out;
}

Result<ExecCredential> runExecPlugin(const Config& config, const std::stop_token& stop,
                                     std::chrono::milliseconds timeout) {
  const ExecConfig& exec = *config.exec;
  ProcessOptions options{
      .command = {exec.command}, .environment = exec.env, .timeout = timeout, .stop = stop};
  options.command.insert(options.command.end(), exec.args.begin(), exec.args.end());
  options.environment.emplace_back("KUBERNETES_EXEC_INFO", printExecInfo(config));
  const std::string context = "exec plugin '" + exec.command + "'";
  const Result<ProcessOutput> run = runProcess(options);
  if (!run) return tl::unexpected(withInstallHint(run.error(), exec).withContext(context));
  if (run->exitStatus != 0) {
    const std::string errors = trim(run->errors).substr(0, kMaxShownErrorBytes);
    return fail(Code::Unauthorized, context + ": exit status " + std::to_string(run->exitStatus) +
                                        (errors.empty() ? "" : ": " + errors));
  }
  return parseExecCredential(run->output, exec.apiVersion).map_error(addContext(context));
}

}  // namespace iop::kube::client::internal
