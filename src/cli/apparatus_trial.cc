#include "cli/apparatus_trial.h"

#include <set>
#include <thread>

#include "kube/api/object.h"
#include "operator/coupling/apparatus.h"
#include "text/json.h"

namespace iop::cli {
namespace {

using operators::api::Event;
using operators::api::nameOf;
using operators::api::Side;
namespace coupling = operators::coupling;

constexpr std::size_t kMaxAnswerBytes = 1u << 20;  // as the operator has it
constexpr std::size_t kMaxQuoted = 200;
constexpr int kConcurrent = 8;
constexpr int kRetries = 10;
constexpr std::chrono::milliseconds kRetryPause{200};

std::string excerpt(std::string_view text) {
  std::string out(text.substr(0, kMaxQuoted));
  for (char& c : out) {
    if (c == '\n' || c == '\r') c = ' ';
  }
  return text.size() > kMaxQuoted ? out + "…" : out;
}

std::string describe(const Result<http::Response>& answer) {
  if (!answer) return answer.error().message;
  const std::string text = excerpt(answer->body);
  return "HTTP status " + std::to_string(answer->status) + (text.empty() ? "" : ": " + text);
}

Value madeUp(Side side) {
  Value object =
      Value::object({{"apiVersion", std::string(operators::api::kGroup) + "/v1beta1"},
                     {"kind", operators::api::kindOf(side)},
                     {"metadata", Value::object({{"name", "trial"}, {"namespace", "trial"}})},
                     {"spec", Value::object({{"config", Value::object()}})}});
  if (side == Side::Plug)
    object.edit("spec").set("socket", Value::object({{"name", "trial"}, {"namespace", "trial"}}));
  return object;
}

// As an API server would have it.
Value stored(Value object, const std::string& uid) {
  if (!object["metadata"].isObject()) object.set("metadata", Value::object());
  Value& metadata = object.edit("metadata");
  if (metadata["namespace"].empty()) metadata.set("namespace", "default");
  metadata.set("uid", uid);
  metadata.set("generation", 1);
  metadata.set("resourceVersion", "1");
  metadata.set("creationTimestamp", "2026-01-01T00:00:00Z");
  if (!object["status"].isObject()) object.set("status", Value::object());
  return object;
}

std::string pathOf(Event event) { return "/" + std::string(nameOf(event)); }

}  // namespace

ApparatusTrial::ApparatusTrial(TrialOptions options, http::Client& client)
    : options_(std::move(options)), client_(client) {
  while (options_.url.ends_with('/')) options_.url.pop_back();
  if (options_.url.find("://") == std::string::npos) options_.url.insert(0, "http://");
  if (options_.plug.isNull()) options_.plug = madeUp(Side::Plug);
  if (options_.socket.isNull()) options_.socket = madeUp(Side::Socket);
}

void ApparatusTrial::run(const std::function<void(const Trial&)>& told) {
  const Trial first = ping();
  told(first);
  if (!first.faults.empty()) return;  // nothing that follows would say more
  told(config());
  told(life());
  told(repeats());
  told(ordersAfterACrash());
  told(abandoned());
  told(concurrent());
  told(garbage());
  told(unknownEvent());
}

ApparatusTrial::Coupling ApparatusTrial::couplingOf(int trial, int number) const {
  const std::string digits = std::to_string(1000 + 10 * trial + number);
  Coupling coupling;
  coupling.socket =
      stored(options_.socket, "00000000-0000-4000-8000-0000000" + std::to_string(10000 + trial));
  coupling.plug = stored(options_.plug, "00000000-0000-4000-9000-00000000" + digits);
  Value& name = coupling.plug.edit("metadata").edit("name");
  name = name.toString() + "-" + digits;
  coupling.name = kube::api::keyOf(coupling.plug).print();
  return coupling;
}

http::Request ApparatusTrial::request(Event event, const Coupling& coupling,
                                      const std::string& key) const {
  Value body;
  if (event == Event::Created || event == Event::Deleted) {
    body = coupling::lifecycleBody(options_.side,
                                   options_.side == Side::Plug ? coupling.plug : coupling.socket);
  } else {
    coupling::Configs configs;
    configs.config.plug = coupling.plug["spec"]["config"];
    configs.config.socket = coupling.socket["spec"]["config"];
    for (Value* config : {&configs.config.plug, &configs.config.socket}) {
      if (!config->isObject()) *config = Value::object();
    }
    body = coupling::couplingBody(coupling.plug, coupling.socket, configs);
  }
  http::Request out;
  out.method = "POST";
  out.url = options_.url + pathOf(event);
  out.headers = {{"Content-Type", "application/json"},
                 {"Accept", "application/json, */*"},
                 {"Idempotency-Key", key},
                 {"X-Integration-Event", std::string(nameOf(event))},
                 {"X-Integration-Plug", coupling.name},
                 {"X-Integration-Socket", kube::api::keyOf(coupling.socket).print()}};
  out.body = text::printJson(body);
  out.timeout = options_.timeout;
  out.maxAnswerBytes = kMaxAnswerBytes;
  return out;
}

http::Request ApparatusTrial::configRequest(const Coupling& coupling) const {
  http::Request out = request(Event::Coupled, coupling, {});
  out.url = options_.url + "/config";
  std::erase_if(out.headers, [](const auto& header) { return header.second.empty(); });
  const Value& own = options_.side == Side::Plug ? coupling.plug : coupling.socket;
  const auto dataOf = [](const Value& object) {
    return object["spec"]["data"].isObject() ? object["spec"]["data"] : Value::object();
  };
  out.body = text::printJson(Value::object({{"version", coupling::kProtocolVersion},
                                            {"plug", coupling.plug},
                                            {"socket", coupling.socket},
                                            {"plugData", dataOf(coupling.plug)},
                                            {"socketData", dataOf(coupling.socket)},
                                            {"data", dataOf(own)},
                                            {"vars", Value::object()}}));
  return out;
}

void ApparatusTrial::expectTaken(Trial& trial, const std::string& what,
                                 const http::Request& request) {
  const Result<http::Response> answer = client_.send(request);
  if (!answer || !answer->isSuccess()) trial.faults.push_back(what + ": " + describe(answer));
}

// "Busy" is a fair answer to an event that it works on already: the operator comes again.
void ApparatusTrial::expectTakenInTheEnd(Trial& trial, const std::string& what,
                                         const http::Request& request) {
  Result<http::Response> answer = client_.send(request);
  for (int retry = 0; retry < kRetries && (!answer || !answer->isSuccess()); ++retry) {
    std::this_thread::sleep_for(kRetryPause);
    answer = client_.send(request);
  }
  if (!answer || !answer->isSuccess()) trial.faults.push_back(what + ": " + describe(answer));
}

void ApparatusTrial::play(Trial& trial, const std::vector<Event>& events,
                          const Coupling& coupling) {
  std::string before;
  for (const Event event : events) {
    const std::string name(nameOf(event));
    expectTaken(trial, name + before, request(event, coupling, coupling.name + name));
    before = " after " + name;
  }
}

Trial ApparatusTrial::ping() {
  Trial trial{"GET /ping is answered with 2xx", {}};
  http::Request request;
  request.url = options_.url + "/ping";
  request.timeout = options_.timeout;
  request.connectTimeout = std::chrono::seconds(5);
  expectTaken(trial, "GET /ping", request);
  return trial;
}

Trial ApparatusTrial::config() {
  Trial trial{"POST /config is answered with an object, twice the same", {}};
  const http::Request request = configRequest(couplingOf(8));
  std::vector<std::string> answers;
  for (int i = 0; i < 2; ++i) {
    const Result<http::Response> answer = client_.send(request);
    if (!answer || !answer->isSuccess()) {
      trial.faults.push_back("POST /config: " + describe(answer));
      return trial;
    }
    const Result<Value> parsed = text::parseJson(answer->body);
    if (!parsed || !parsed->isObject()) {
      trial.faults.push_back("POST /config: the answer is no JSON object: " +
                             excerpt(answer->body));
      return trial;
    }
    answers.push_back(text::printJson(*parsed));
  }
  if (answers[0] != answers[1]) {
    trial.faults.push_back(
        "POST /config: two equal requests have different answers, so that nobody can tell whether "
        "the configuration has changed; derive values instead of drawing them");
  }
  return trial;
}

Trial ApparatusTrial::life() {
  Trial trial{"created, coupled, updated, decoupled, deleted are taken in order", {}};
  play(trial, {Event::Created, Event::Coupled, Event::Updated, Event::Decoupled, Event::Deleted},
       couplingOf(1));
  return trial;
}

Trial ApparatusTrial::repeats() {
  Trial trial{"each event is taken when it is delivered twice", {}};
  play(trial,
       {Event::Created, Event::Created, Event::Coupled, Event::Coupled, Event::Updated,
        Event::Updated, Event::Decoupled, Event::Decoupled, Event::Deleted, Event::Deleted},
       couplingOf(2));
  return trial;
}

// What an operator that was killed may have left out, or not know to have done.
Trial ApparatusTrial::ordersAfterACrash() {
  Trial trial{"decoupled and deleted are taken although what they undo was never told", {}};
  play(trial, {Event::Created, Event::Decoupled, Event::Deleted}, couplingOf(3));
  play(trial,
       {Event::Created, Event::Coupled, Event::Decoupled, Event::Coupled, Event::Updated,
        Event::Decoupled, Event::Decoupled, Event::Deleted},
       couplingOf(4));
  play(trial, {Event::Deleted}, couplingOf(5));
  return trial;
}

// The operator gives up waiting, or dies, while the apparatus works; then it asks again.
Trial ApparatusTrial::abandoned() {
  Trial trial{"an event is taken after a caller that did not wait for the answer", {}};
  const Coupling coupling = couplingOf(6);
  play(trial, {Event::Created}, coupling);
  for (const Event event : {Event::Coupled, Event::Decoupled}) {
    const std::string name(nameOf(event));
    http::Request hasty = request(event, coupling, coupling.name + name);
    hasty.timeout = std::chrono::milliseconds(2);
    static_cast<void>(client_.send(hasty));
    expectTakenInTheEnd(trial, name + " after a caller that hung up",
                        request(event, coupling, coupling.name + name));
  }
  play(trial, {Event::Deleted}, coupling);
  return trial;
}

Trial ApparatusTrial::concurrent() {
  Trial trial{"events of " + std::to_string(kConcurrent) +
                  " plugs, and the same one twice, are taken at the same time",
              {}};
  constexpr int kFirst = 10;
  // A socket's apparatus hears of one socket, a plug's of each plug.
  const int owners = options_.side == Side::Plug ? kConcurrent : 1;
  for (int i = 0; i < owners; ++i) play(trial, {Event::Created}, couplingOf(kFirst, i));
  for (const Event event : {Event::Coupled, Event::Decoupled}) {
    std::vector<Trial> parts(2 * kConcurrent);
    {
      std::vector<std::jthread> threads;
      for (int i = 0; i < 2 * kConcurrent; ++i) {
        threads.emplace_back([this, i, event, &parts] {
          const Coupling coupling = couplingOf(kFirst, i / 2);
          const std::string name(nameOf(event));
          expectTakenInTheEnd(parts[static_cast<std::size_t>(i)],
                              name + " at the same time as others",
                              request(event, coupling, coupling.name + name));
        });
      }
    }
    for (const Trial& part : parts)
      trial.faults.insert(trial.faults.end(), part.faults.begin(), part.faults.end());
  }
  for (int i = 0; i < owners; ++i) play(trial, {Event::Deleted}, couplingOf(kFirst, i));
  const std::set<std::string> distinct(trial.faults.begin(), trial.faults.end());
  trial.faults.assign(distinct.begin(), distinct.end());
  return trial;
}

Trial ApparatusTrial::garbage() {
  Trial trial{"what is no event is refused, and does no harm", {}};
  const struct {
    const char* what;
    std::string body;
  } bodies[] = {
      {"an empty body", ""},
      {"a body that is no JSON", "{\"version\": "},
      {"a body that is a list", "[]"},
      {"a body without plug and socket", "{\"version\": \"1\"}"},
      {"a body of bytes", std::string("\xff\xfe\0\x01", 4)},
      {"a body of 4 MiB", "{\"version\": \"" + std::string(4u << 20, 'x')},
  };
  for (const auto& body : bodies) {
    http::Request request = this->request(Event::Coupled, couplingOf(7), "garbage");
    request.body = body.body;
    const Result<http::Response> answer = client_.send(request);
    if (answer && answer->isSuccess()) {
      trial.faults.push_back(std::string("coupled with ") + body.what +
                             " is answered with 2xx, as if it were done: " + describe(answer));
    }
    if (!answer && answer.error().code == Code::Timeout)
      trial.faults.push_back(std::string("coupled with ") + body.what + ": " + describe(answer));
    http::Request ping;
    ping.url = options_.url + "/ping";
    ping.timeout = options_.timeout;
    expectTaken(trial, std::string("GET /ping after ") + body.what, ping);
  }
  return trial;
}

Trial ApparatusTrial::unknownEvent() {
  Trial trial{"a path that is no event is refused", {}};
  http::Request request = this->request(Event::Coupled, couplingOf(7), "unknown");
  request.url = options_.url + "/nosuchevent";
  const Result<http::Response> answer = client_.send(request);
  if (answer && answer->isSuccess()) {
    trial.faults.push_back(
        "POST /nosuchevent is answered with 2xx: an event that it does not know seems to be done");
  }
  return trial;
}

}  // namespace iop::cli
