#include "apiserver/storage/internal/disk.h"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <fstream>
#include <future>

#include "apiserver/storage/objects_test.h"
#include "apiserver/storage/storage.h"
#include "base/file.h"
#include "text/json.h"

namespace iop::apiserver::storage {
namespace {

class StorageDisk : public testing::Test {
 protected:
  std::unique_ptr<Storage> open() {
    auto storage = Storage::open({.directory = folder_.path()});
    EXPECT_TRUE(storage) << storage.error().message;
    return storage ? *std::move(storage) : nullptr;
  }
  // Of what must not succeed.
  std::string openError(const std::string& directory) {
    const auto storage = Storage::open({.directory = directory});
    if (storage) return "opened";
    EXPECT_EQ(storage.error().code, Code::InternalError);
    return storage.error().message;
  }
  std::string openError() { return openError(folder_.path()); }
  std::string database() const { return folder_.file("storage.db"); }

  // Makes a storage with three objects, in good order.
  void fill() {
    const auto storage = open();
    for (const char* name : {"a", "b", "c"}) {
      ASSERT_TRUE(storage->create("configmaps", {"n", name}, configMap(name)));
    }
  }

  void execute(const std::string& sql) {
    sqlite3* handle = nullptr;
    ASSERT_EQ(sqlite3_open(database().c_str(), &handle), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(handle, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
        << sqlite3_errmsg(handle);
    sqlite3_close(handle);
  }

  TemporaryFolder folder_;
};

TEST_F(StorageDisk, KeepsObjectsAndTheCounter) {
  const Value rich =
      text::parseJson(
          R"({"metadata":{"name":"x"},"text":"<a&b> \u0000 \u2028 ü","int":9007199254740993,)"
          R"("double":1.5,"null":null,"list":[1,[],{}],"empty":""})")
          .value();
  {
    const auto storage = open();
    EXPECT_EQ(storage->version(), 0U);
    ASSERT_TRUE(storage->create("apps/deployments", {"shop", "web"}, rich));
    ASSERT_TRUE(storage->create("nodes", {"", "one"}, configMap("one")));
    ASSERT_TRUE(storage->update("nodes", {"", "one"}, 2, configMap("one", "changed")));
    ASSERT_TRUE(storage->create("nodes", {"", "two"}, configMap("two")));
    ASSERT_TRUE(storage->remove("nodes", {"", "two"}, 4));
    ASSERT_TRUE(storage->create("nodes", {"", "two"}, configMap("two", "again")));
    ASSERT_TRUE(storage->create("pods", {"shop", "p"}, configMap("p")));
    ASSERT_TRUE(storage->remove("pods", {"shop", "p"}, 7));
  }
  const auto storage = open();
  EXPECT_EQ(storage->version(), 8U);
  EXPECT_EQ(storage->durableVersion(), 8U);
  EXPECT_EQ(storage->count("nodes"), 2U);
  EXPECT_EQ(storage->count("pods"), 0U);
  Value expected = rich;
  expected.edit("metadata").set("resourceVersion", "1");
  const ObjectPtr web = storage->find("apps/deployments", {"shop", "web"});
  ASSERT_NE(web, nullptr);
  EXPECT_EQ(web->value, expected);
  EXPECT_EQ(web->version, 1U);
  EXPECT_EQ(storage->find("nodes", {"", "one"})->version, 3U);
  EXPECT_EQ(storage->find("nodes", {"", "two"})->value["data"]["text"].asString(), "again");
  EXPECT_EQ(storage->create("pods", {"shop", "p"}, configMap("p")).value()->version, 9U);
}

TEST_F(StorageDisk, KeepsNoHistory) {
  fill();
  const auto storage = open();
  const auto ignore = [](const ChangePtr&) {};
  for (const char* table : {"configmaps", "never"}) {
    EXPECT_EQ(storage->subscribe({.table = table, .after = 2}, ignore).error().message,
              "too old resource version: 2 (3)");
    EXPECT_TRUE(storage->subscribe({.table = table, .after = 3}, ignore));
    EXPECT_EQ(storage->list(table, {.version = 2}).error().code, Code::Expired);
  }
  EXPECT_EQ(storage->list("configmaps", {.version = 3})->objects.size(), 3U);
}

TEST_F(StorageDisk, ChangesWhatItHasReadBefore) {
  fill();
  {
    const auto storage = open();
    ASSERT_TRUE(storage->update("configmaps", {"n", "b"}, 2, configMap("b", "changed")));
    ASSERT_TRUE(storage->remove("configmaps", {"n", "c"}, 3));
  }
  const auto storage = open();
  EXPECT_EQ(storage->version(), 5U);
  EXPECT_EQ(storage->count("configmaps"), 2U);
  EXPECT_EQ(storage->find("configmaps", {"n", "b"})->value["data"]["text"].asString(), "changed");
}

// Killed before its first transaction, it may have given out versions, too.
TEST_F(StorageDisk, LeapsAfterAnyEndThatWasNotInGoodOrder) {
  fill();
  const TemporaryFolder copy;
  {
    const auto storage = open();
    EXPECT_EQ(storage->version(), 3U);
    for (const char* name : {"storage.db", "storage.db-wal"}) {
      std::filesystem::copy_file(folder_.file(name), copy.file(name));
    }
  }
  for (const std::uint64_t version : {3 + kVersionLeap, 3 + kVersionLeap}) {
    const auto storage = Storage::open({.directory = copy.path()}).value();
    EXPECT_EQ(storage->version(), version);
    EXPECT_EQ(storage->count("configmaps"), 3U);
  }
}

TEST_F(StorageDisk, TellsWhenAllIsDurable) {
  std::promise<void> done;
  std::atomic<const Storage*> opened = nullptr;
  std::atomic<std::uint64_t> told = 0;
  auto storage = Storage::open({.directory = folder_.path(),
                                .onDurable =
                                    [&] {
                                      const std::uint64_t version = opened.load()->durableVersion();
                                      EXPECT_GT(version, told.load());
                                      told = version;
                                      if (version == 500) done.set_value();
                                    }})
                     .value();
  opened = storage.get();
  for (int i = 0; i < 500; ++i) {
    ASSERT_TRUE(storage->create("t", {"n", std::to_string(i)}, configMap("x")));
  }
  done.get_future().wait();
  EXPECT_EQ(told, 500U);
  EXPECT_EQ(storage->diskError(), "");
}

// The thread that changes may be the one that onDurable waits for, and the queue may be full.
TEST_F(StorageDisk, NeverWaitsForOnDurable) {
  std::promise<void> finished;
  std::shared_future<void> isFinished = finished.get_future().share();
  auto storage =
      Storage::open({.directory = folder_.path(), .onDurable = [&] { isFinished.wait(); }}).value();
  const std::string text(2 << 20, 'x');
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(storage->create("t", {"n", std::to_string(i)}, configMap("x", text)));
  }
  finished.set_value();
  storage.reset();
  EXPECT_EQ(open()->count("t"), 20U);
}

TEST_F(StorageDisk, WaitsForTheDiskWhereTooMuchIsQueued) {
  std::uint64_t behind = 0;
  {
    const auto storage = open();
    const Value object = configMap("x", std::string(1 << 20, 'x'));  // shared: made in no time
    for (int i = 0; i < 150; ++i) {
      ASSERT_TRUE(storage->create("t", {"n", std::to_string(i)}, object));
      behind = std::max(behind, storage->version() - storage->durableVersion());
    }
  }
  // 32 MB may wait, and as many be under way.
  EXPECT_LE(behind, 66U);
  EXPECT_EQ(open()->count("t"), 150U);
}

TEST_F(StorageDisk, DoesNotWaitForADiskThatHasFailed) {
  struct rlimit before = {};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  signal(SIGXFSZ, SIG_IGN);
  const auto storage = open();
  struct rlimit small = before;
  small.rlim_cur = 8U << 20;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const Value object = configMap("x", std::string(1 << 20, 'x'));
  int count = 0;
  while (storage->create("t", {"n", std::to_string(count)}, object)) ++count;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_NE(storage->diskError(), "");
  EXPECT_EQ(storage->version(), static_cast<std::uint64_t>(count));
}

TEST_F(StorageDisk, IsForOneAtATime) {
  auto storage = open();
  EXPECT_EQ(openError(), "open '" + folder_.file("lock") + "': in use by another process (" +
                             std::to_string(getpid()) + ")");
  storage.reset();
  EXPECT_NE(open(), nullptr);
}

TEST_F(StorageDisk, IsForOneProcessAtATime) {
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t child = fork();
  if (child == 0) {
    const auto storage = Storage::open({.directory = folder_.path()});
    (void)!write(ready[1], storage ? "y" : "n", 1);
    pause();
    _exit(0);
  }
  char answer = 0;
  ASSERT_EQ(read(ready[0], &answer, 1), 1);
  EXPECT_EQ(answer, 'y');
  EXPECT_EQ(openError(), "open '" + folder_.file("lock") + "': in use by another process (" +
                             std::to_string(child) + ")");
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  close(ready[0]);
  close(ready[1]);
  EXPECT_NE(open(), nullptr);
}

TEST_F(StorageDisk, MakesItsFolderForItsOwnerOnly) {
  const std::string directory = folder_.file("some/where");
  ASSERT_TRUE(Storage::open({.directory = directory}));
  for (const auto& [path, mode] : {std::pair<std::string, mode_t>{directory, 0700},
                                   {directory + "/storage.db", 0600},
                                   {directory + "/lock", 0600}}) {
    struct stat found = {};
    ASSERT_EQ(stat(path.c_str(), &found), 0) << path;
    EXPECT_EQ(found.st_mode & 0777, mode) << path;
  }
}

TEST_F(StorageDisk, SaysWhyItCannotBeWritten) {
  std::ofstream(folder_.file("file")) << "text";
  EXPECT_EQ(openError(folder_.file("file")),
            "make folder '" + folder_.file("file") + "': Not a directory");
  EXPECT_EQ(openError(folder_.file("file/below")),
            "make folder '" + folder_.file("file") + "': Not a directory");
  EXPECT_EQ(openError("/proc/nothing"), "make folder '/proc/nothing': No such file or directory");
  std::filesystem::create_directory(folder_.file("lock"));
  EXPECT_EQ(openError(), "open '" + folder_.file("lock") + "': Is a directory");
  std::filesystem::remove(folder_.file("lock"));
  std::filesystem::create_directory(database());
  EXPECT_EQ(openError(), "storage '" + database() + "': Is a directory");
}

TEST_F(StorageDisk, SaysThatAFolderIsReadOnly) {
  if (geteuid() == 0) GTEST_SKIP() << "root may write everywhere";
  ASSERT_EQ(chmod(folder_.path().c_str(), 0500), 0);
  EXPECT_EQ(openError(), "open '" + folder_.file("lock") + "': Permission denied");
  ASSERT_EQ(chmod(folder_.path().c_str(), 0700), 0);
  fill();
  ASSERT_EQ(chmod(database().c_str(), 0400), 0);
  EXPECT_EQ(openError(), "storage '" + database() + "': Permission denied");
}

TEST_F(StorageDisk, SaysThatAFileIsCorrupt) {
  const std::string corrupt = "storage '" + database() + "': the file is corrupt: ";
  const struct {
    const char* what;
    const char* sql;
    std::string message;
  } cases[] = {
      {"no JSON", "UPDATE objects SET json = '{\"a\":' WHERE name = 'b'",
       corrupt + "configmaps n/b: unexpected end of JSON input"},
      {"no object", "UPDATE objects SET json = '[]' WHERE name = 'b'",
       corrupt + "configmaps n/b: its version does not fit"},
      {"another version", "UPDATE objects SET version = 3 WHERE name = 'b'",
       corrupt + "configmaps n/b: its version does not fit"},
      {"a version that was never reached", "UPDATE state SET version = 2",
       corrupt + "configmaps n/c: its version does not fit"},
      {"an object that is there twice",
       "INSERT INTO objects SELECT 1000, tbl, ns, name, version, json FROM objects WHERE id = 2;"
       "UPDATE objects SET id = 0 WHERE id = 1000",
       corrupt + "configmaps n/b: its version does not fit"},
      {"an object with two rows", "UPDATE objects SET name = 'a' WHERE name = 'b'",
       corrupt + "configmaps n/a: it is there twice"},
      {"no name", "UPDATE objects SET name = '' WHERE name = 'b'",
       corrupt + "configmaps n/: it has no name"},
      {"no state", "DELETE FROM state", corrupt + "it has no version"},
      {"another schema", "UPDATE schema_version SET version = 2",
       "storage '" + database() +
           "': written by another version of this program: it has schema 2, known is 1"},
      {"no schema", "DELETE FROM schema_version",
       "storage '" + database() +
           "': written by another version of this program: it has schema 0, known is 1"},
      {"another program", "DROP TABLE schema_version",
       "storage '" + database() + "': a database of another program"},
  };
  for (const auto& [what, sql, message] : cases) {
    SCOPED_TRACE(what);
    std::filesystem::remove(database());
    fill();
    execute(sql);
    EXPECT_EQ(openError(), message);
  }
}

TEST_F(StorageDisk, SaysThatPagesAreCorrupt) {
  {
    const auto storage = open();
    for (int i = 0; i < 200; ++i) {
      ASSERT_TRUE(
          storage->create("t", {"n", std::to_string(i)}, configMap("x", std::string(500, 'x'))));
    }
  }
  const std::string content = base::readFile(database()).value();
  ASSERT_GT(content.size(), 100'000U);
  const auto overwrite = [&](std::size_t at, const std::string& bytes) {
    std::string changed = content;
    changed.replace(at, bytes.size(), bytes);
    std::ofstream(database(), std::ios::binary | std::ios::trunc) << changed;
  };
  overwrite(0, "no database at all");
  EXPECT_EQ(openError(), "storage '" + database() + "': file is not a database");
  overwrite(content.size() / 4096 / 2 * 4096, std::string(4096, 'z'));
  const std::string error = openError();
  EXPECT_EQ(error.rfind("storage '" + database() + "': ", 0), 0U) << error;
  std::ofstream(database(), std::ios::binary | std::ios::trunc) << content.substr(0, 50'000);
  EXPECT_EQ(openError(), "storage '" + database() + "': database disk image is malformed");
  std::ofstream(database(), std::ios::binary | std::ios::trunc) << content;
  EXPECT_EQ(open()->count("t"), 200U);
}

TEST_F(StorageDisk, LosesNoLogWhoseDatabaseIsMissing) {
  std::ofstream(folder_.file("storage.db-wal")) << "something";
  EXPECT_EQ(openError(), "storage '" + database() + "': the file is missing, but its log is there");
}

TEST_F(StorageDisk, TellsThatTheDiskIsFull) {
  struct rlimit before = {};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  signal(SIGXFSZ, SIG_IGN);
  std::promise<void> failed;
  std::atomic<const Storage*> opened = nullptr;
  std::atomic<bool> isTold = false;
  auto storage = Storage::open({.directory = folder_.path(),
                                .onDurable =
                                    [&] {
                                      if (opened.load()->diskError().empty()) return;
                                      EXPECT_FALSE(isTold.exchange(true));
                                      failed.set_value();
                                    }})
                     .value();
  opened = storage.get();
  const std::string text(1 << 20, 'x');
  struct rlimit small = before;
  small.rlim_cur = 8U << 20;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  Result<ObjectPtr> made;
  int count = 0;
  for (; made && count < 1000; ++count) {
    made = storage->create("t", {"n", std::to_string(count)}, configMap("x", text));
  }
  failed.get_future().wait();
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  const std::string error = storage->diskError();
  EXPECT_EQ(error.rfind("storage '" + database() + "': ", 0), 0U) << error;
  const std::uint64_t durable = storage->durableVersion();
  EXPECT_LT(durable, 20U);
  // The disk has room again, but what was lost cannot come back.
  made = storage->create("t", {"n", "later"}, configMap("later"));
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, Code::InternalError);
  EXPECT_EQ(made.error().message, error);
  EXPECT_NE(storage->find("t", {"n", "0"}), nullptr);
  EXPECT_EQ(storage->durableVersion(), durable);
  storage.reset();
  storage = open();
  EXPECT_EQ(storage->count("t"), durable);
  EXPECT_EQ(storage->version(), durable + kVersionLeap);
}

}  // namespace
}  // namespace iop::apiserver::storage
