#include "apiserver/storage/internal/disk.h"

#include <utility>

#include "apiserver/storage/internal/lock_file.h"
#include "apiserver/storage/internal/sqlite_file.h"
#include "text/json.h"

namespace iop::apiserver::storage {
namespace {

// How much may wait for the disk: more than it writes in a second, and little memory.
constexpr std::size_t kMaxPendingBytes = 32U << 20;
// The least that a change counts, for its place in the queue and its row.
constexpr std::size_t kLeastBytes = 256;

// One batch is in the queue while another one is being written.
static_assert(2 * kMaxPendingBytes / kLeastBytes < kVersionLeap);

}  // namespace

Result<std::unique_ptr<Disk>> Disk::open(const std::string& directory,
                                         const std::function<Status(Row)>& each,
                                         std::function<void()> onDurable) {
  ASSIGN_OR_RETURN(std::unique_ptr<LockFile> lock, LockFile::open(directory));
  ASSIGN_OR_RETURN(std::unique_ptr<SqliteFile> file, SqliteFile::open(directory));
  RETURN_IF_ERROR(file->readRows(each));
  std::uint64_t version = file->version();
  if (!file->isClean()) version += kVersionLeap;
  // This is the first write, too: a folder that cannot be written is found out here.
  RETURN_IF_ERROR(file->begin());
  RETURN_IF_ERROR(file->setState(version, false));
  RETURN_IF_ERROR(file->commit());
  return std::unique_ptr<Disk>(
      new Disk(std::move(lock), std::move(file), version, std::move(onDurable)));
}

Disk::Disk(std::unique_ptr<LockFile> lock, std::unique_ptr<SqliteFile> file, std::uint64_t version,
           std::function<void()> onDurable)
    : lock_(std::move(lock)),
      file_(std::move(file)),
      onDurable_(std::move(onDurable)),
      durable_(version),
      thread_([this] { run(); }) {}

Disk::~Disk() {
  {
    const std::lock_guard lock(mutex_);
    isClosing_ = true;
  }
  work_.notify_one();
  thread_.join();
}

std::string Disk::error() const {
  const std::lock_guard lock(mutex_);
  return error_;
}

void Disk::write(Entry& entry, const std::string& table, const ChangePtr& change) {
  bool wake = false;
  {
    std::unique_lock lock(mutex_);
    // What onDurable does may need the thread that is here: then the bound gives way.
    space_.wait(
        lock, [this] { return pendingBytes_ < kMaxPendingBytes || isTelling_ || !error_.empty(); });
    if (!error_.empty()) return;
    if (entry.place < pending_.size() && pending_[entry.place].id == entry.id) {
      pending_[entry.place].change = change;
    } else {
      entry.place = static_cast<std::uint32_t>(pending_.size());
      pending_.push_back({entry.id, &table, change});
    }
    pendingBytes_ += kLeastBytes + entry.bytes;
    pendingVersion_ = change->version;
    wake = isIdle_;
    isIdle_ = false;
  }
  if (wake) work_.notify_one();
}

void Disk::run() {
  std::unique_lock lock(mutex_);
  std::vector<Pending> batch;
  while (true) {
    isIdle_ = pending_.empty();
    work_.wait(lock, [this] { return !pending_.empty() || isClosing_; });
    isIdle_ = false;
    if (pending_.empty()) break;
    batch.swap(pending_);
    pendingBytes_ = 0;
    const std::uint64_t version = pendingVersion_;
    lock.unlock();
    space_.notify_one();
    const Status written = writeAll(batch, version);
    if (written) durable_.store(version, std::memory_order_release);
    lock.lock();
    if (!written) {
      error_ = written.error().message;
      hasFailed_.store(true, std::memory_order_release);
      pending_.clear();
      space_.notify_one();
    }
    if (onDurable_) {
      isTelling_ = true;
      lock.unlock();
      space_.notify_one();
      onDurable_();
      lock.lock();
      isTelling_ = false;
    }
    if (!error_.empty()) return;
    lock.unlock();
    batch.clear();
    lock.lock();
  }
  // Nobody looks any more: without the mark the next run takes this one for killed, which is safe.
  if (file_->begin() && file_->setState(durableVersion(), true)) (void)file_->commit();
}

Status Disk::writeAll(const std::vector<Pending>& batch, std::uint64_t version) {
  RETURN_IF_ERROR(file_->begin());
  std::string json;
  for (const Pending& pending : batch) {
    const ObjectPtr& object = pending.change->after;
    if (object == nullptr) {
      RETURN_IF_ERROR(file_->removeRow(pending.id));
      continue;
    }
    json.clear();
    text::appendJson(json, object->value, {.escapeHtml = false});
    RETURN_IF_ERROR(
        file_->putRow(pending.id, *pending.table, pending.change->key, object->version, json));
  }
  RETURN_IF_ERROR(file_->setState(version, false));
  return file_->commit();
}

}  // namespace iop::apiserver::storage
