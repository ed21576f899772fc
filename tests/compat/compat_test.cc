#include <gtest/gtest.h>
#include <re2/re2.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "apiserver/api_server.h"
#include "http/client.h"
#include "testing/kube_server.h"
#include "text/base64.h"
#include "text/json.h"
#include "text/yaml.h"

namespace iop {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kUntilTimeout{30};
constexpr std::chrono::milliseconds kPoll{50};

std::string readFile(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream out;
  out << file.rdbuf();
  return out.str();
}

struct Answer {
  int status = 0;
  std::string contentType;
  Value body;        // of JSON
  std::string text;  // of anything else
};

// One of the two servers.
class Side {
 public:
  Side(std::string url, http::TlsOptions tls)
      : url_(std::move(url)), client_({.tls = std::move(tls), .proxy = ""}) {}

  Result<Answer> send(const std::string& method, const std::string& path,
                      const std::string& contentType, const std::string& accept,
                      const http::Headers& headers, const std::string& body) {
    http::Request request{.method = method, .url = url_ + expand(path)};
    request.headers = headers;
    request.headers.emplace_back("User-Agent", "compat/1");
    if (!accept.empty()) request.headers.emplace_back("Accept", accept);
    if (!contentType.empty()) request.headers.emplace_back("Content-Type", contentType);
    request.body = expand(body);
    ASSIGN_OR_RETURN(const http::Response response, client_.send(request));
    Answer answer{.status = response.status,
                  .contentType = std::string(response.header("content-type").value_or("")),
                  .body = {},
                  .text = {}};
    if (!answer.contentType.starts_with("application/json")) {
      answer.text = response.body;
      return answer;
    }
    if (auto json = text::parseJson(response.body)) {
      answer.body = std::move(*json);
      return answer;
    }
    // A watch: one event a line.
    std::istringstream lines(response.body);
    for (std::string line; std::getline(lines, line);) {
      ASSIGN_OR_RETURN(Value event, text::parseJson(line));
      answer.body.push(std::move(event));
    }
    return answer;
  }

  std::string expand(std::string text) const {
    for (const auto& [name, value] : variables_) {
      const std::string mark = "{" + name + "}";
      for (std::size_t at = text.find(mark); at != std::string::npos;
           at = text.find(mark, at + value.size()))
        text.replace(at, mark.size(), value);
    }
    return text;
  }
  void keep(const std::string& name, std::string value) { variables_[name] = std::move(value); }

 private:
  std::string url_;
  http::Client client_;
  std::map<std::string, std::string> variables_;
};

// Both servers, started on first use.
class Servers {
 public:
  // Null without a real one.
  static Servers* find() {
    static const std::unique_ptr<Servers> servers = [] {
      std::unique_ptr<Servers> made;
      if (!testing::KubeServer::isAvailable()) return made;
      made.reset(new Servers());
      return made;
    }();
    return servers.get();
  }

  Side realSide() { return side(real_->url(), readFile(real_->kubeconfigPath())); }
  Side ourSide() {
    const auto kubeconfig = ours_->kubeconfig();
    EXPECT_TRUE(kubeconfig);
    return side(ours_->url(), *kubeconfig);
  }

 private:
  Servers() {
    auto real = testing::KubeServer::start({.controllers = true});
    auto ours = apiserver::ApiServer::start({});
    if (!real) ADD_FAILURE() << real.error().message;
    if (!ours) ADD_FAILURE() << ours.error().message;
    real_ = std::move(*real);
    ours_ = std::move(*ours);
  }

  static Side side(const std::string& url, const std::string& kubeconfig) {
    const auto config = text::parseYaml(kubeconfig);
    EXPECT_TRUE(config);
    const Value& user = (*config)["users"].at(0)["user"];
    const Value& cluster = (*config)["clusters"].at(0)["cluster"];
    const auto pem = [](const Value& entry, const std::string& field) {
      if (const Value* data = entry.find(field + "-data"))
        return text::decodeBase64(data->asString()).value_or("");
      return readFile(entry[field].toString());
    };
    return Side(url, {.caPem = pem(cluster, "certificate-authority"),
                      .certificatePem = pem(user, "client-certificate"),
                      .keyPem = pem(user, "client-key")});
  }

  std::unique_ptr<testing::KubeServer> real_;
  std::unique_ptr<apiserver::ApiServer> ours_;
};

// --- What differs between any two runs ---

std::string normalizeText(std::string text) {
  static const std::pair<const RE2*, const char*> replacements[] = {
      {new RE2(R"([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"), "<uid>"},
      {new RE2(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z)"), "<time>"},
      {new RE2(R"(resource version: \d+)"), "resource version: <version>"},
      {new RE2(R"(current: \d+)"), "current: <version>"},
      {new RE2(R"(\(\d+\))"), "(<version>)"},
      {new RE2(R"(resourceVersion: "\d+")"), "resourceVersion: <version>"},
      {new RE2(R"(127\.0\.0\.1:\d+)"), "<address>"},
      {new RE2(R"(10\.0\.\d+\.\d+)"), "<ip>"},
      {new RE2(R"(\\"resourceVersion\\":\\"\d+\\")"), "<version>"},
  };
  for (const auto& [pattern, with] : replacements) RE2::GlobalReplace(&text, *pattern, with);
  return text;
}

Value normalize(const Value& value, const std::string& key = {}) {
  if (value.isObject()) {
    Value out = Value::object();
    for (const Member& member : value.members())
      out.set(normalizeText(std::string(member.key())),
              normalize(member.value, std::string(member.key())));
    return out;
  }
  if (value.isArray()) {
    Value out = Value::array();
    for (const Value& item : value.items()) out.push(normalize(item));
    return out;
  }
  if (key == "resourceVersion" || key == "continue" || key == "token" || key == "ca.crt" ||
      key == "caBundle" || key == "storageVersionHash" || key == "nodePort")
    return value.isNull() || value.asString() == "0" ? value : Value("<" + key + ">");
  if (value.isString()) return Value(normalizeText(value.toString()));
  return value;
}

void eraseAt(Value& value, std::string_view path) {
  const std::size_t dot = path.find('.');
  const std::string head(path.substr(0, dot));
  if (head == "*") {
    for (std::size_t i = 0; value.isArray() && i < value.size(); ++i) {
      if (dot != std::string_view::npos) eraseAt(value.editItem(i), path.substr(dot + 1));
    }
    return;
  }
  if (!value.isObject() || !value.contains(head)) return;
  if (dot == std::string_view::npos) {
    value.erase(head);
  } else {
    eraseAt(value.edit(head), path.substr(dot + 1));
  }
}

std::string describe(const Answer& answer, const Value& ignored) {
  Value body = normalize(answer.body);
  for (const Value& path : ignored.items()) eraseAt(body, path.asString());
  return std::to_string(answer.status) + " " + answer.contentType + "\n" +
         (answer.text.empty() ? text::printYaml(body) : normalizeText(answer.text));
}

const Value& at(const Value& value, std::string_view path) {
  const Value* here = &value;
  while (!path.empty()) {
    const std::size_t dot = std::min(path.find('.'), path.size());
    const std::string_view head = path.substr(0, dot);
    here = here->isArray() ? &here->at(static_cast<std::size_t>(std::stoul(std::string(head))))
                           : &(*here)[head];
    path.remove_prefix(std::min(dot + 1, path.size()));
  }
  return *here;
}

std::string contentTypeOf(const std::string& type) {
  static const std::map<std::string, std::string> known = {
      {"json", "application/json-patch+json"},
      {"merge", "application/merge-patch+json"},
      {"strategic", "application/strategic-merge-patch+json"},
      {"apply", "application/apply-patch+yaml"}};
  const auto found = known.find(type);
  return found == known.end() ? type : found->second;
}

Result<Answer> run(Side& side, const Value& step) {
  const std::string line = step["do"].toString();
  const std::size_t space = line.find(' ');
  http::Headers headers;
  for (const Member& member : step["headers"].members()) {
    if (member.value.isArray()) {
      for (const Value& one : member.value.items())
        headers.emplace_back(member.key(), one.toString());
    } else {
      headers.emplace_back(member.key(), member.value.toString());
    }
  }
  const std::string method = line.substr(0, space);
  const bool hasBody = step.contains("body");
  std::string type = contentTypeOf(step["type"].toString());
  if (type.empty() && hasBody) type = "application/json";
  const std::string body = !hasBody                  ? ""
                           : step["body"].isString() ? step["body"].toString()
                                                     : text::printJson(step["body"]);
  const auto deadline = std::chrono::steady_clock::now() + kUntilTimeout;
  while (true) {
    ASSIGN_OR_RETURN(Answer answer, side.send(method, line.substr(space + 1), type,
                                              step["accept"].toString(), headers, body));
    const bool done = !step.contains("until") || answer.status == step["until"].asInt();
    if (done || std::chrono::steady_clock::now() > deadline) {
      for (const Member& member : step["keep"].members())
        side.keep(std::string(member.key()), at(answer.body, member.value.asString()).toString());
      return answer;
    }
    std::this_thread::sleep_for(kPoll);
  }
}

std::vector<std::string> scripts() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(IOP_SOURCE_DIR "/tests/compat/scripts"))
    names.push_back(entry.path().stem().string());
  std::sort(names.begin(), names.end());
  return names;
}

class Compat : public ::testing::TestWithParam<std::string> {};

TEST_P(Compat, BothServersAnswerTheSame) {
  Servers* servers = Servers::find();
  if (servers == nullptr) GTEST_SKIP() << "NOT RUN: " << testing::KubeServer::kUnavailable;
  const auto script =
      text::parseYaml(readFile(IOP_SOURCE_DIR "/tests/compat/scripts/" + GetParam() + ".yaml"));
  ASSERT_TRUE(script) << script.error().message;
  const std::string listed = readFile(IOP_SOURCE_DIR "/docs/compat.md");
  Side real = servers->realSide(), ours = servers->ourSide();
  std::string name = GetParam();
  std::replace(name.begin(), name.end(), '_', '-');
  const Value space = Value::object({{"metadata", Value::object({{"name", "compat-" + name}})}});
  for (Side* side : {&real, &ours}) {
    side->keep("NS", "compat-" + name);
    const auto made = side->send("POST", "/api/v1/namespaces", "application/json", "", {},
                                 text::printJson(space));
    ASSERT_TRUE(made && made->status == 201);
    // Until the controllers have made what every namespace has.
    const Value wait = Value::object(
        {{"do", "GET /api/v1/namespaces/{NS}/configmaps/kube-root-ca.crt"}, {"until", 200}});
    const Value account = Value::object(
        {{"do", "GET /api/v1/namespaces/{NS}/serviceaccounts/default"}, {"until", 200}});
    ASSERT_TRUE(run(*side, wait) && run(*side, account));
  }
  int number = 0;
  for (const Value& step : script->items()) {
    ++number;
    const auto left = run(real, step);
    const auto right = run(ours, step);
    ASSERT_TRUE(left) << left.error().message;
    ASSERT_TRUE(right) << step["do"].asString() << ": " << right.error().message;
    const std::string expected = describe(*left, step["ignore"]);
    const std::string actual = describe(*right, step["ignore"]);
    const std::string differs = step["differs"].toString();
    if (!differs.empty()) {
      EXPECT_NE(listed.find("`" + differs + "`"), std::string::npos)
          << "docs/compat.md does not have `" << differs << "`";
      EXPECT_NE(expected, actual) << "step " << number << " (" << step["do"].asString()
                                  << ") does not differ any more: " << differs;
      continue;
    }
    EXPECT_EQ(expected, actual) << "step " << number << ": " << step["do"].asString();
  }
}

INSTANTIATE_TEST_SUITE_P(Scripts, Compat, ::testing::ValuesIn(scripts()),
                         [](const auto& param) { return param.param; });

TEST(CompatScripts, HaveAtLeastFourHundredRequests) {
  std::size_t count = 0;
  for (const std::string& name : scripts()) {
    const auto script =
        text::parseYaml(readFile(IOP_SOURCE_DIR "/tests/compat/scripts/" + name + ".yaml"));
    ASSERT_TRUE(script) << name << ": " << script.error().message;
    count += script->size();
  }
  EXPECT_GE(count, 400U);
}

}  // namespace
}  // namespace iop
