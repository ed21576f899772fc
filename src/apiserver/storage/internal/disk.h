#pragma once

// The objects in a file, written behind by a thread of its own.
//
//   ASSIGN_OR_RETURN(std::unique_ptr<Disk> disk, Disk::open("/var/lib/iop", each, onDurable));
//   disk->write(entry, table.name(), change);
//   disk->durableVersion()
//
// Flow: write() queues; the thread takes everything that is queued and makes it one transaction, so
// that one fsync serves all writes that came in during the one before (group commit). Of several
// changes of one object in the queue only the last one is written.
// Guarantees: a transaction brings the file from one version of the whole storage to another, and
// is on the medium (SQLite: WAL, synchronous=FULL) before durableVersion() tells it.
// Bounds: write() waits for the disk where too much is queued, but never for onDurable.
// Errors: the first one ends the writing for good: what is on disk stays as it was before.
//
// The folder has two files (and SQLite's "storage.db-wal" beside the second one while it is open):
//   lock         locked while it is in use; who uses it
//   storage.db   schema_version(version)
//                state(version, clean): how far the counter is; 1 if it was closed in good order
//                objects(id, tbl, ns, name, version, json): id is the version of the creation

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "apiserver/storage/internal/row.h"
#include "apiserver/storage/internal/table.h"
#include "apiserver/storage/storage.h"
#include "base/result.h"

namespace iop::apiserver::storage {

// What one run of the program may have given out and not written when it was killed is far below
// this: after such an end the counter goes on behind it, so that no version ever has two meanings.
inline constexpr std::uint64_t kVersionLeap = 1'000'000;

class SqliteFile;  // internal/sqlite_file.h
class LockFile;    // internal/lock_file.h

// write() is for one thread, the other functions for all.
class Disk {
 public:
  // Gives all rows to `each`, whose error (it names the object) ends the opening. Errors:
  // InternalError naming the file.
  static Result<std::unique_ptr<Disk>> open(const std::string& directory,
                                            const std::function<Status(Row)>& each,
                                            std::function<void()> onDurable);
  // Writes what is queued.
  ~Disk();
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;

  std::uint64_t durableVersion() const { return durable_.load(std::memory_order_acquire); }
  // Nothing is written any more; error() says why.
  bool hasFailed() const { return hasFailed_.load(std::memory_order_acquire); }
  std::string error() const;

  // `entry` is that of the change's object; `table` must live as long as this.
  void write(Entry& entry, const std::string& table, const ChangePtr& change);

 private:
  struct Pending {
    std::uint64_t id = 0;
    const std::string* table = nullptr;
    ChangePtr change;
  };

  Disk(std::unique_ptr<LockFile> lock, std::unique_ptr<SqliteFile> file, std::uint64_t version,
       std::function<void()> onDurable);
  void run();
  Status writeAll(const std::vector<Pending>& batch, std::uint64_t version);

  std::unique_ptr<LockFile> lock_;  // let go last
  std::unique_ptr<SqliteFile> file_;
  std::function<void()> onDurable_;
  std::atomic<std::uint64_t> durable_;
  std::atomic<bool> hasFailed_ = false;

  mutable std::mutex mutex_;
  std::condition_variable work_;   // for the thread
  std::condition_variable space_;  // for write()
  std::vector<Pending> pending_;
  std::size_t pendingBytes_ = 0;
  std::uint64_t pendingVersion_ = 0;  // of the last change in `pending_`
  bool isIdle_ = false;               // the thread waits for work
  bool isTelling_ = false;            // the thread is in onDurable
  bool isClosing_ = false;
  std::string error_;

  std::thread thread_;
};

}  // namespace iop::apiserver::storage
