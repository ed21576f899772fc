#include "kube/client/internal/process_output.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <map>
#include <optional>

namespace iop::kube::client::internal {
namespace {

using std::chrono::milliseconds;

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd = -1) : fd_(fd) {}
  ~FileDescriptor() { reset(); }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;

  int get() const { return fd_; }
  bool isOpen() const { return fd_ >= 0; }
  void reset(int fd = -1) {
    if (fd_ >= 0) close(fd_);
    fd_ = fd;
  }

 private:
  int fd_;
};

struct Pipe {
  FileDescriptor readEnd;
  FileDescriptor writeEnd;

  bool open() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return false;
    readEnd.reset(ends[0]);
    writeEnd.reset(ends[1]);
    return true;
  }
};

// "NAME=value" of our environment with the additions, which win.
std::vector<std::string> mergeEnvironment(
    const std::vector<std::pair<std::string, std::string>>& additions) {
  std::map<std::string, std::string> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::size_t equals = text.find('=');
    if (equals != std::string_view::npos)
      variables[std::string(text.substr(0, equals))] = text.substr(equals + 1);
  }
  for (const auto& [name, value] : additions) variables[name] = value;
  std::vector<std::string> out;
  for (const auto& [name, value] : variables) out.push_back(name + "=" + value);
  return out;
}

std::vector<char*> pointersTo(const std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (const std::string& text : texts) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

Result<pid_t> spawn(const ProcessOptions& options, const Pipe& output, const Pipe& errors) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output.writeEnd.get(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, errors.writeEnd.get(), STDERR_FILENO);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);

  const std::vector<std::string> environment = mergeEnvironment(options.environment);
  pid_t pid = -1;
  const int error =
      posix_spawnp(&pid, options.command.front().c_str(), &actions, &attributes,
                   pointersTo(options.command).data(), pointersTo(environment).data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (error == 0) return pid;
  return fail(error == ENOENT ? Code::NotFound : Code::BadRequest,
              "run '" + options.command.front() + "': " + std::strerror(error));
}

// Appends what is there; false at the end.
bool readSome(int fd, std::string& out) {
  char bytes[16384];
  const ssize_t size = read(fd, bytes, sizeof(bytes));
  if (size > 0) out.append(bytes, static_cast<std::size_t>(size));
  return size > 0 || (size < 0 && errno == EINTR);
}

// Reads both pipes until their writers have closed them.
Status collect(const ProcessOptions& options, Pipe& output, Pipe& errors, ProcessOutput& out) {
  const FileDescriptor wake(eventfd(0, EFD_CLOEXEC));
  const std::stop_callback onStop(options.stop, [&wake] { eventfd_write(wake.get(), 1); });
  const auto deadline = std::chrono::steady_clock::now() + options.timeout;
  while (output.readEnd.isOpen() || errors.readEnd.isOpen()) {
    pollfd waiting[] = {{wake.get(), POLLIN, 0},
                        {output.readEnd.get(), POLLIN, 0},
                        {errors.readEnd.get(), POLLIN, 0}};
    const auto left = std::chrono::ceil<milliseconds>(deadline - std::chrono::steady_clock::now());
    const int ready = poll(waiting, std::size(waiting),
                           static_cast<int>(std::max(left, milliseconds(0)).count()));
    if (ready < 0 && errno != EINTR) return fail(Code::BadRequest, std::strerror(errno));
    if (options.stop.stop_requested()) return fail(Code::Canceled, "canceled");
    if (ready == 0) {
      return fail(Code::Timeout, "no end within " + std::to_string(options.timeout.count()) + "ms");
    }
    if (ready < 0) continue;
    if (waiting[1].revents != 0 && !readSome(output.readEnd.get(), out.output))
      output.readEnd.reset();
    if (waiting[2].revents != 0 && !readSome(errors.readEnd.get(), out.errors))
      errors.readEnd.reset();
    if (out.output.size() + out.errors.size() > options.maxOutputBytes) {
      return fail(Code::BadRequest,
                  "output of more than " + std::to_string(options.maxOutputBytes) + " bytes");
    }
  }
  return {};
}

int waitForEnd(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace

Result<ProcessOutput> runProcess(const ProcessOptions& options) {
  Pipe output;
  Pipe errors;
  if (!output.open() || !errors.open())
    return fail(Code::BadRequest, std::string("pipe: ") + std::strerror(errno));
  ASSIGN_OR_RETURN(const pid_t pid, spawn(options, output, errors));
  output.writeEnd.reset();
  errors.writeEnd.reset();
  ProcessOutput out;
  const Status collected = collect(options, output, errors, out);
  if (!collected) ::kill(-pid, SIGKILL);
  out.exitStatus = waitForEnd(pid);
  if (!collected)
    return tl::unexpected(collected.error().withContext("run '" + options.command.front() + "'"));
  return out;
}

}  // namespace iop::kube::client::internal
