#include "apiserver/storage/internal/lock_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <system_error>

namespace iop::apiserver::storage {
namespace {

tl::unexpected<Error> failWith(std::string_view action, const std::string& path, int number) {
  return fail(Code::InternalError,
              fmt::format("{} '{}': {}", action, path, std::generic_category().message(number)));
}

// Who has the file, for a message; empty where that is not known.
std::string holderOf(int file) {
  std::array<char, 32> text = {};
  const ssize_t size = pread(file, text.data(), text.size(), 0);
  if (size <= 0) return {};
  std::string holder(text.data(), static_cast<std::size_t>(size));
  holder.resize(std::min(holder.find_first_not_of("0123456789"), holder.size()));
  return holder.empty() ? holder : fmt::format(" ({})", holder);
}

// All folders of the path that are not there.
Status makeDirectories(const std::filesystem::path& directory) {
  std::filesystem::path path;
  for (const std::filesystem::path& part : directory) {
    path /= part;
    if (mkdir(path.c_str(), 0700) == 0) {
      const std::string parent = path.has_parent_path() ? path.parent_path().string() : ".";
      RETURN_IF_ERROR(syncDirectory(parent));
      continue;
    }
    const int number = errno;
    struct stat found = {};
    if (stat(path.c_str(), &found) != 0) return failWith("make folder", path.string(), number);
    if (!S_ISDIR(found.st_mode)) return failWith("make folder", path.string(), ENOTDIR);
  }
  return {};
}

}  // namespace

Status syncDirectory(const std::string& directory) {
  const int file = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (file < 0) return failWith("open", directory, errno);
  // Some file systems cannot do this and need not.
  const int number = fsync(file) == 0 || errno == EINVAL ? 0 : errno;
  close(file);
  if (number != 0) return failWith("sync", directory, number);
  return {};
}

Result<std::unique_ptr<LockFile>> LockFile::open(const std::string& directory) {
  RETURN_IF_ERROR(makeDirectories(directory));
  const std::string path = directory + "/lock";
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) return failWith("open", path, errno);
  std::unique_ptr<LockFile> lock(new LockFile(file));
  if (flock(file, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return failWith("lock", path, errno);
    return fail(Code::InternalError,
                fmt::format("open '{}': in use by another process{}", path, holderOf(file)));
  }
  const std::string holder = fmt::format("{}\n", getpid());
  if (ftruncate(file, 0) != 0 || pwrite(file, holder.data(), holder.size(), 0) < 0) {
    return failWith("write", path, errno);
  }
  return lock;
}

// The file stays: whoever removed it could take it from under one who has just opened it.
LockFile::~LockFile() { close(file_); }

}  // namespace iop::apiserver::storage
