#pragma once

// A program that runs beside a test, and ends with it.
//
//   Result<std::unique_ptr<Process>> etcd = Process::start({"/bin/etcd"}, dir + "/etcd.log");
//   (*etcd)->isRunning()
//
// It leads a process group of its own, all of which the destructor ends: first politely, after two
// seconds for good. It is killed when the thread that started it ends, too.

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"

namespace iop::testing {

// Not thread-safe.
class Process {
 public:
  // Output and errors go to the log file. Error: Unreachable where the program cannot be run.
  static Result<std::unique_ptr<Process>> start(const std::vector<std::string>& command,
                                                const std::string& logPath);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const { return pid_; }
  bool isRunning();
  // Sends the group a signal and waits for the program to end. Does nothing when it has ended.
  void kill(int signal);

 private:
  explicit Process(pid_t pid) : pid_(pid) {}

  pid_t pid_;
  bool hasEnded_ = false;
};

// A port on the loopback interface that nobody listened on a moment ago.
int findFreePort();

}  // namespace iop::testing
