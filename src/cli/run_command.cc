#include "cli/run_command.h"

#include <pthread.h>
#include <signal.h>

#include <cstdlib>
#include <thread>

#include "base/log.h"

namespace iop::cli {

int runOperator(operators::control::OperatorOptions options) {
  // Signals are taken by sigwait() here; threads inherit the mask.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);

  operators::control::Operator theOperator(std::move(options), [] {
    // Whatever is still in flight is no longer ours to finish.
    log::error("the lease was lost: another process leads");
    std::_Exit(1);
  });
  if (const Status started = theOperator.start(); !started) {
    log::error("cannot start", {{"error", started.error().message}});
    return 1;
  }
  int signal = 0;
  sigwait(&signals, &signal);
  log::info("stopping", {{"signal", signal == SIGTERM ? "SIGTERM" : "SIGINT"}});
  std::thread([signals] {
    int second = 0;
    sigwait(&signals, &second);
    std::_Exit(1);
  }).detach();
  const bool clean = theOperator.stop();
  log::info("stopped", {{"clean", clean ? "true" : "false"}});
  return 0;
}

}  // namespace iop::cli
