#pragma once

// Plays a side's apparatus the events of couplings, as an operator does on good days and on bad
// ones, and says what is wrong with its answers (docs/apparatus.md).
//
//   ApparatusTrial trial({.url = "http://localhost:8080", .side = Side::Socket}, client);
//   trial.run([](const Trial& trial) { …print… });

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "http/client.h"
#include "operator/api/names.h"
#include "value/value.h"

namespace iop::cli {

struct TrialOptions {
  std::string url;  // base URL of the apparatus
  operators::api::Side side = operators::api::Side::Socket;
  Value plug;  // what it is played for; null: ones made up
  Value socket;
  std::chrono::milliseconds timeout{30'000};
};

// One thing that was tried, and what was wrong with the answers to it; nothing if it is as it
// should be.
struct Trial {
  std::string what;
  std::vector<std::string> faults;
};

// For one run on one thread; `client` must outlive it.
class ApparatusTrial {
 public:
  ApparatusTrial(TrialOptions options, http::Client& client);

  // Everything, in order; `told` is called after each trial. Each has a socket and plugs of its
  // own, by UID, and ends with decoupled and deleted for them, so that an apparatus that works has
  // nothing left.
  void run(const std::function<void(const Trial&)>& told);

 private:
  struct Coupling {
    Value plug;
    Value socket;
    std::string name;  // of the plug, with its namespace
  };

  // A coupling of one trial; all of one have one socket.
  Coupling couplingOf(int trial, int number = 0) const;
  http::Request request(operators::api::Event event, const Coupling& coupling,
                        const std::string& key) const;
  http::Request configRequest(const Coupling& coupling) const;
  // Sends, and notes what is wrong with an answer that has to be 2xx.
  void expectTaken(Trial& trial, const std::string& what, const http::Request& request);
  // The same, but an answer that is none at first may become one.
  void expectTakenInTheEnd(Trial& trial, const std::string& what, const http::Request& request);
  void play(Trial& trial, const std::vector<operators::api::Event>& events,
            const Coupling& coupling);

  Trial ping();
  Trial config();
  Trial life();
  Trial repeats();
  Trial ordersAfterACrash();
  Trial abandoned();
  Trial concurrent();
  Trial garbage();
  Trial unknownEvent();

  TrialOptions options_;
  http::Client& client_;
};

}  // namespace iop::cli
