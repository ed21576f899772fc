#include "base/file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>

namespace iop::base {
namespace {

struct Close {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

std::string reasonOf(int error) {
  std::string reason = std::strerror(error);
  reason[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(reason[0])));
  return reason;
}

tl::unexpected<Error> failure(const std::string& path, int error) {
  return fail(error == ENOENT ? Code::NotFound : Code::BadRequest,
              "read '" + path + "': " + reasonOf(error));
}

// False, with errno, where not everything could be written.
bool writeAll(int file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(file, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace

Result<std::string> readFile(const std::string& path) {
  const std::unique_ptr<std::FILE, Close> file(std::fopen(path.c_str(), "rbe"));
  if (file == nullptr) return failure(path, errno);
  std::string text;
  char buffer[16384];
  while (const std::size_t size = std::fread(buffer, 1, sizeof(buffer), file.get())) {
    text.append(buffer, size);
  }
  if (std::ferror(file.get()) != 0) return failure(path, errno);
  return text;
}

Status writePrivateFile(const std::string& path, const std::string& text) {
  const auto failed = [&](int error) {
    return fail(Code::BadRequest, "write '" + path + "': " + reasonOf(error));
  };
  const std::string folder = std::filesystem::path(path).parent_path().string();
  std::error_code made;
  if (!folder.empty() && !std::filesystem::exists(folder, made)) {
    std::filesystem::create_directories(folder, made);
    if (made) return failed(made.value());
    std::filesystem::permissions(folder, std::filesystem::perms::owner_all, made);
  }
  const std::string draft = path + ".new";
  const int file = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return failed(errno);
  const bool whole = writeAll(file, text) && ::fsync(file) == 0;
  const int error = errno;
  ::close(file);
  if (!whole) {
    ::unlink(draft.c_str());
    return failed(error);
  }
  if (::rename(draft.c_str(), path.c_str()) != 0) return failed(errno);
  return {};
}

}  // namespace iop::base
