#include "testing/process.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <thread>

namespace iop::testing {
namespace {

constexpr std::chrono::seconds kPatience{2};
constexpr std::chrono::milliseconds kPoll{5};

// Between fork and exec only what signal handlers may do is allowed.
[[noreturn]] void runChild(char* const* arguments, int log, int failure, pid_t parent) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127);  // it died before the line above
  dup2(log, STDOUT_FILENO);
  dup2(log, STDERR_FILENO);
  const int nothing = open("/dev/null", O_RDONLY);
  dup2(nothing, STDIN_FILENO);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  execv(arguments[0], arguments);
  const int error = errno;
  [[maybe_unused]] const ssize_t written = write(failure, &error, sizeof(error));
  _exit(127);
}

}  // namespace

Result<std::unique_ptr<Process>> Process::start(const std::vector<std::string>& command,
                                                const std::string& logPath) {
  std::vector<char*> arguments;
  for (const std::string& argument : command)
    arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  const int log = open(logPath.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  int failure[2];
  if (log < 0 || pipe2(failure, O_CLOEXEC) != 0) {
    return fail(Code::Unreachable, "run '" + command.front() + "': " + std::strerror(errno));
  }
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid == 0) runChild(arguments.data(), log, failure[1], parent);
  const int forkError = errno;
  close(log);
  close(failure[1]);
  int error = pid < 0 ? forkError : 0;
  if (pid > 0 && read(failure[0], &error, sizeof(error)) <= 0) error = 0;  // closed by exec
  close(failure[0]);
  if (error != 0) {
    if (pid > 0) waitpid(pid, nullptr, 0);
    return fail(Code::Unreachable, "run '" + command.front() + "': " + std::strerror(error));
  }
  return std::unique_ptr<Process>(new Process(pid));
}

Process::~Process() {
  if (!isRunning()) return;
  ::kill(-pid_, SIGTERM);
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (isRunning() && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(kPoll);
  kill(SIGKILL);
}

bool Process::isRunning() {
  if (!hasEnded_) hasEnded_ = waitpid(pid_, nullptr, WNOHANG) != 0;
  return !hasEnded_;
}

void Process::kill(int signal) {
  if (!isRunning()) return;
  ::kill(-pid_, signal);
  waitpid(pid_, nullptr, 0);
  hasEnded_ = true;
}

int findFreePort() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  ASSERT(bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0);
  ASSERT(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  close(fd);
  return ntohs(address.sin_port);
}

}  // namespace iop::testing
