// A process that writes is killed again and again: nothing that it was told to be durable may be
// lost, and what is there must be the state of one version.

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <fstream>
#include <map>
#include <random>

#include "apiserver/storage/internal/disk.h"
#include "apiserver/storage/objects_test.h"
#include "apiserver/storage/storage.h"
#include "base/file.h"

namespace iop::apiserver::storage {
namespace {

// What each object should be: the number of the change that made it.
using State = std::map<ObjectKey, std::uint64_t>;

struct Step {
  ObjectKey key;
  bool isRemoval = false;
};

// The change that makes that version, given the state before: the same in the child that makes it
// and in the test that checks it.
Step stepOf(std::uint64_t version, const State& state) {
  std::mt19937_64 random(version);
  Step step;
  step.key = {std::string(1, static_cast<char>('a' + random() % 3)),
              std::to_string(random() % 100)};
  step.isRemoval = random() % 4 == 0 && state.contains(step.key);
  return step;
}

void apply(const Step& step, std::uint64_t version, State& state) {
  if (step.isRemoval) {
    state.erase(step.key);
  } else {
    state[step.key] = version;
  }
}

// Large enough that most objects fill more than a page.
std::string textOf(std::uint64_t version) {
  return std::string(version * 7919 % 6000, static_cast<char>('a' + version % 26)) +
         std::to_string(version);
}

// Changes the storage until it is killed, and writes each durable version to the pipe.
[[noreturn]] void writeForever(const std::string& directory, State state, int pipe) {
  std::atomic<const Storage*> opened = nullptr;
  auto storage = Storage::open({.directory = directory, .maxHistoryChanges = 100, .onDurable = [&] {
                                  const std::uint64_t version = opened.load()->durableVersion();
                                  (void)!write(pipe, &version, sizeof(version));
                                }});
  if (!storage) _exit(1);
  opened = storage->get();
  while (true) {
    const std::uint64_t version = (*storage)->version() + 1;
    const Step step = stepOf(version, state);
    const ObjectPtr there = (*storage)->find("t", step.key);
    Result<ObjectPtr> done;
    if (step.isRemoval) {
      done = (*storage)->remove("t", step.key, there->version);
    } else if (there != nullptr) {
      done = (*storage)->update("t", step.key, there->version, configMap("x", textOf(version)));
    } else {
      done = (*storage)->create("t", step.key, configMap("x", textOf(version)));
    }
    if (!done) _exit(2);
    apply(step, version, state);
  }
}

struct Killed {
  std::uint64_t told = 0;  // the last version that was durable; 0: none
  int status = 0;
};

// Kills a writer after so many transactions and microseconds.
Killed killWriter(const std::string& directory, const State& state, std::uint64_t transactions,
                  useconds_t microseconds) {
  int acknowledged[2];
  EXPECT_EQ(pipe(acknowledged), 0);
  const pid_t child = fork();
  if (child == 0) {
    close(acknowledged[0]);
    writeForever(directory, state, acknowledged[1]);
  }
  close(acknowledged[1]);
  Killed killed;
  std::uint64_t version = 0;
  const auto readOne = [&] {
    const ssize_t size = read(acknowledged[0], &version, sizeof(version));
    if (size == static_cast<ssize_t>(sizeof(version))) killed.told = version;
    return size > 0;
  };
  for (std::uint64_t i = 0; i < transactions && readOne(); ++i) {
  }
  usleep(microseconds);
  kill(child, SIGKILL);
  while (readOne()) {
  }
  waitpid(child, &killed.status, 0);
  close(acknowledged[0]);
  return killed;
}

void expectState(const Storage& storage, const State& state) {
  const ListPage page = storage.list("t", {}).value();
  ASSERT_EQ(page.objects.size(), state.size());
  for (const auto& [key, version] : state) {
    const ObjectPtr object = storage.find("t", key);
    ASSERT_NE(object, nullptr) << key.print();
    ASSERT_EQ(object->version, version) << key.print();
    ASSERT_EQ(object->value["data"]["text"].asString(), textOf(version)) << key.print();
  }
}

TEST(StorageKill, LosesNothingThatWasDurable) {
  std::random_device random;
  const TemporaryFolder folder;
  State state;
  std::uint64_t start = 0;
  std::uint64_t changes = 0;
  for (int round = 0; round < 20; ++round) {
    const std::uint64_t transactions = random() % 15;
    const useconds_t microseconds = random() % 3000;
    SCOPED_TRACE(testing::Message() << "round " << round << ": killed after " << transactions
                                    << " transactions and " << microseconds << " us");
    const Killed killed = killWriter(folder.path(), state, transactions, microseconds);
    ASSERT_TRUE(WIFSIGNALED(killed.status)) << killed.status;
    const auto storage = Storage::open({.directory = folder.path()}).value();
    // Killed before it had opened, it has left what the last one had closed in good order.
    const bool wasOpen = storage->version() != start;
    if (wasOpen) {
      ASSERT_GE(storage->version(), start + kVersionLeap);
    }
    const std::uint64_t reached = wasOpen ? storage->version() - kVersionLeap : start;
    ASSERT_GE(reached, killed.told);
    ASSERT_GE(reached, start);
    changes += reached - start;
    for (std::uint64_t version = start + 1; version <= reached; ++version) {
      apply(stepOf(version, state), version, state);
    }
    expectState(*storage, state);
    if (testing::Test::HasFatalFailure()) return;
    start = storage->version();
  }
  EXPECT_GT(changes, 100U);
}

// What a loss of power may leave: a log whose end is missing or garbage. Whatever it is, one state
// of the past comes back, and all that the log holds in full.
TEST(StorageKill, ComesBackFromATornLog) {
  const TemporaryFolder folder;
  // Few enough that the log has not been copied into the database yet.
  const Killed killed = killWriter(folder.path(), {}, 4, 500);
  ASSERT_TRUE(WIFSIGNALED(killed.status));
  const std::string database = base::readFile(folder.file("storage.db")).value();
  const std::string log = base::readFile(folder.file("storage.db-wal")).value();
  std::mt19937 random(5);
  std::uint64_t least = UINT64_MAX;
  std::uint64_t most = 0;
  for (int round = 0; round < 40; ++round) {
    const std::size_t cut = round == 0 ? log.size() : random() % log.size();
    SCOPED_TRACE(cut);
    std::string torn = log.substr(0, cut);
    if (round % 2 == 1) torn.resize(log.size(), static_cast<char>(random()));
    const TemporaryFolder copy;
    std::ofstream(copy.file("storage.db"), std::ios::binary) << database;
    std::ofstream(copy.file("storage.db-wal"), std::ios::binary) << torn;
    const auto storage = Storage::open({.directory = copy.path()});
    if (!storage) {
      // The very first transactions were those that make the tables.
      ADD_FAILURE() << storage.error().message;
      continue;
    }
    // A log that ends before the first opening was done leaves a new storage.
    const bool isNew = (*storage)->version() == 0;
    if (!isNew) {
      ASSERT_GE((*storage)->version(), kVersionLeap);
    }
    const std::uint64_t reached = isNew ? 0 : (*storage)->version() - kVersionLeap;
    State state;
    for (std::uint64_t version = 1; version <= reached; ++version) {
      apply(stepOf(version, state), version, state);
    }
    expectState(**storage, state);
    if (round == 0) {
      EXPECT_GE(reached, killed.told);
    }
    least = std::min(least, reached);
    most = std::max(most, reached);
  }
  EXPECT_LT(least, most);
}

}  // namespace
}  // namespace iop::apiserver::storage
