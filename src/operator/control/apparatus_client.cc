#include "operator/control/apparatus_client.h"

#include <array>
#include <random>

#include "operator/coupling/apparatus.h"
#include "text/json.h"

namespace iop::operators::control {
namespace {

constexpr std::size_t kMaxAnswerBytes = 1u << 20;
constexpr std::size_t kMaxQuotedCharacters = 512;

// The first characters of a text, cut between characters, on one line.
std::string excerpt(std::string_view text) {
  std::string out;
  std::size_t characters = 0;
  for (const char c : text) {
    const bool begins = (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    if (begins && ++characters > kMaxQuotedCharacters) return out + "…";
    out += c == '\n' || c == '\r' || c == '\t' ? ' ' : c;
  }
  return out;
}

// A new W3C trace context (https://www.w3.org/TR/trace-context/), for servers that trace.
std::string traceParent() {
  thread_local std::mt19937_64 random{std::random_device{}()};
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out = "00-";
  for (const int length : {32, 16}) {
    for (int i = 0; i < length; ++i) out += kHex[random() & 15];
    out += '-';
  }
  return out + "00";
}

Error apparatusError(const std::string& url, std::string_view cause, Code code,
                     const std::string& message) {
  return {code, "apparatus " + url + ": " + message, std::string(cause), 0};
}

}  // namespace

ApparatusClient::ApparatusClient(Options options)
    : options_(std::move(options)),
      client_(
          {.tls = {}, .proxy = options_.proxy, .compression = false, .maxIdleConnections = 25}) {}

Status ApparatusClient::ping(const std::string& url, std::stop_token stop) {
  http::Request request;
  request.url = url + "/ping";
  request.stop = std::move(stop);
  RETURN_IF_ERROR(send(std::move(request)));
  return {};
}

Result<std::string> ApparatusClient::post(const std::string& url, const Value& body,
                                          http::Headers headers, std::stop_token stop) {
  http::Request request;
  request.method = "POST";
  request.url = url;
  request.headers = std::move(headers);
  request.headers.emplace_back("Content-Type", "application/json");
  request.headers.emplace_back("Accept", "application/json, */*");
  request.headers.emplace_back("traceparent", traceParent());
  request.body = text::printJson(body);
  request.stop = std::move(stop);
  return send(std::move(request));
}

Result<std::string> ApparatusClient::send(http::Request request) {
  const std::string url = request.url;
  request.connectTimeout = options_.connectTimeout;
  request.timeout = options_.timeout;
  request.maxAnswerBytes = kMaxAnswerBytes;
  request.followSameOriginRedirects = true;
  Result<http::Response> response = client_.send(request);
  if (!response) {
    const Error& error = response.error();
    const bool neverReached = error.code == Code::Unreachable;
    return tl::unexpected<Error>(apparatusError(
        url, neverReached ? coupling::kApparatusNotRunning : coupling::kApparatusFailed, error.code,
        error.message));
  }
  if (!response->isSuccess()) {
    const std::string text = excerpt(response->body);
    return tl::unexpected<Error>(apparatusError(
        url, coupling::kApparatusFailed, Code::ServiceUnavailable,
        "HTTP status " + std::to_string(response->status) + (text.empty() ? "" : ": " + text)));
  }
  return std::move(response->body);
}

Status ApparatusClient::deliver(const coupling::Call& call, const std::string& plug,
                                const std::string& socket, std::stop_token stop) {
  http::Headers headers{{"Idempotency-Key", call.idempotencyKey},
                        {"X-Integration-Event", std::string(api::nameOf(call.event))}};
  if (!plug.empty()) headers.emplace_back("X-Integration-Plug", plug);
  if (!socket.empty()) headers.emplace_back("X-Integration-Socket", socket);
  const Result<std::string> answer = post(call.url, call.body, std::move(headers), std::move(stop));
  if (!answer) return tl::unexpected<Error>(answer.error());
  return {};
}

Result<Value> ApparatusClient::config(const coupling::ConfigRequest& request,
                                      const std::string& plug, const std::string& socket,
                                      std::stop_token stop) {
  ASSIGN_OR_RETURN(
      const std::string answer,
      post(request.url, request.body,
           {{"X-Integration-Plug", plug}, {"X-Integration-Socket", socket}}, std::move(stop)));
  Result<Value> parsed = text::parseJson(answer);
  if (!parsed || !parsed->isObject()) {
    return tl::unexpected<Error>(apparatusError(
        request.url, coupling::kApparatusFailed, Code::ServiceUnavailable,
        "its answer is no JSON object: " + (parsed ? excerpt(answer) : parsed.error().message)));
  }
  return parsed;
}

}  // namespace iop::operators::control
