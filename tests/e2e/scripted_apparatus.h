#pragma once

// An apparatus within the test: it keeps what it hears, and answers as the case says. What nothing
// is said about is answered with 200 and an empty object. It takes any path, so that one can be the
// apparatus of several objects.
//
//   ScriptedApparatus apparatus;
//   apparatus.answer("/socket/coupled", 500, "disk full");
//   apply(socket(apparatus.url() + "/socket"));
//   …
//   apparatus.events()   // {"/socket/created", "/socket/coupled"}

#include <gtest/gtest.h>

#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "http/server.h"
#include "text/json.h"
#include "value/value.h"

namespace iop::e2e {

class ScriptedApparatus {
 public:
  struct Request {
    http::ServerRequest http;
    Value body;

    const std::string& path() const { return http.path; }
    std::string header(std::string_view name) const {
      return std::string(http.header(name).value_or(""));
    }
  };

  ScriptedApparatus() : server_({.address = "127.0.0.1:0"}) {
    for (const char* method : {"GET", "POST"}) {
      server_.handle(method, "/",
                     [this](const http::ServerRequest& request) { return respond(request); });
    }
    const Status started = server_.start();
    EXPECT_TRUE(started) << started.error().message;
  }
  ~ScriptedApparatus() {
    letGo();  // the server ends with its last answer
    server_.stop();
  }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(server_.port()); }

  void answer(const std::string& path, int status, const std::string& body = {}) {
    std::lock_guard guard(mutex_);
    answers_[path] = {status, body};
  }
  // The answer to that path, and all that comes after it, waits until it is let go.
  void hold(const std::string& path) {
    std::lock_guard guard(mutex_);
    held_ = path;
  }
  void letGo() {
    std::lock_guard guard(mutex_);
    held_.clear();
    letGo_.notify_all();
  }

  std::vector<Request> requests() const {
    std::lock_guard guard(mutex_);
    return requests_;
  }
  std::vector<Request> requests(const std::string& path) const {
    std::vector<Request> out = requests();
    std::erase_if(out, [&](const Request& request) { return request.path() != path; });
    return out;
  }
  // The paths of the events, in order. Delivery is at least once: a repeat is no event.
  std::vector<std::string> events() const {
    std::vector<std::string> out;
    std::set<std::pair<std::string, std::string>> seen;
    for (const Request& request : requests()) {
      const std::string key = request.header("Idempotency-Key");
      if (!key.empty() && seen.emplace(request.path(), key).second) out.push_back(request.path());
    }
    return out;
  }

 private:
  http::ServerResponse respond(const http::ServerRequest& request) {
    std::unique_lock guard(mutex_);
    requests_.push_back({request, text::parseJson(request.body).value_or(Value())});
    letGo_.wait(guard, [&] { return held_ != request.path; });
    const auto found = answers_.find(request.path);
    const bool isSaid = found != answers_.end();
    return {.status = isSaid ? found->second.first : 200,
            .contentType = "application/json",
            .body = isSaid ? found->second.second : "{}"};
  }

  mutable std::mutex mutex_;
  std::condition_variable letGo_;
  std::string held_;
  std::vector<Request> requests_;
  std::map<std::string, std::pair<int, std::string>> answers_;
  http::Server server_;
};

}  // namespace iop::e2e
