#pragma once

// A folder that one process has for itself.

#include <memory>
#include <string>

#include "base/result.h"

namespace iop::apiserver::storage {

class LockFile {
 public:
  // Makes the folder, readable for its owner only, and locks it until this is destroyed or the
  // process ends, however it does. Errors: InternalError ("open '/x/lock': in use by another
  // process (1234)").
  static Result<std::unique_ptr<LockFile>> open(const std::string& directory);
  ~LockFile();
  LockFile(const LockFile&) = delete;
  LockFile& operator=(const LockFile&) = delete;

 private:
  explicit LockFile(int file) : file_(file) {}

  int file_;
};

// Makes the names in a folder survive a loss of power.
Status syncDirectory(const std::string& directory);

}  // namespace iop::apiserver::storage
