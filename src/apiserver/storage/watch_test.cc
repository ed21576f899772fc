#include <gtest/gtest.h>

#include "apiserver/storage/objects_test.h"
#include "apiserver/storage/storage.h"

namespace iop::apiserver::storage {
namespace {

// What a subscriber has heard: "+a1 ~a2 -a3".
class Heard {
 public:
  Storage::Subscriber subscriber() {
    return [this](const ChangePtr& change) {
      if (!text_.empty()) text_ += " ";
      text_ += change->before == nullptr ? "+" : change->after == nullptr ? "-" : "~";
      text_ += change->key.name + std::to_string(change->version);
    };
  }
  std::string take() { return std::exchange(text_, {}); }

 private:
  std::string text_;
};

class StorageWatch : public testing::Test {
 protected:
  void put(const std::string& space, const std::string& name, const std::string& table = "t") {
    const ObjectPtr there = storage_->find(table, {space, name});
    const Value object = configMap(name, std::to_string(storage_->version()));
    const auto done = there == nullptr
                          ? storage_->create(table, {space, name}, object)
                          : storage_->update(table, {space, name}, there->version, object);
    ASSERT_TRUE(done) << done.error().message;
  }
  void remove(const std::string& space, const std::string& name) {
    ASSERT_TRUE(storage_->remove("t", {space, name}, storage_->find("t", {space, name})->version));
  }
  std::uint64_t subscribe(const Storage::Subscription& subscription,
                          Storage::Subscriber subscriber) {
    return storage_->subscribe(subscription, std::move(subscriber)).value();
  }

  std::unique_ptr<Storage> storage_ = Storage::open({}).value();
};

TEST_F(StorageWatch, TellsHistoryThenChanges) {
  put("n", "a");
  put("n", "a");
  put("n", "b", "other");
  remove("n", "a");
  Heard all;
  Heard late;
  Heard now;
  subscribe({.table = "t"}, all.subscriber());
  subscribe({.table = "t", .after = 2}, late.subscriber());
  subscribe({.table = "t", .after = 4}, now.subscriber());
  EXPECT_EQ(all.take(), "+a1 ~a2 -a4");
  EXPECT_EQ(late.take(), "-a4");
  EXPECT_EQ(now.take(), "");
  put("n", "c");
  put("n", "c", "other");
  for (Heard* heard : {&all, &late, &now}) EXPECT_EQ(heard->take(), "+c5");
}

TEST_F(StorageWatch, TellsWhatWasAskedFor) {
  const struct {
    const char* what;
    std::string namespaceName;
    std::string name;
    const char* heard;
  } cases[] = {
      {"all", "", "", "+a1 +b2 +a3 +c4 ~a5"},
      {"a namespace", "one", "", "+a1 +b2 ~a5"},
      {"an object", "one", "a", "+a1 ~a5"},
      {"a name in all namespaces", "", "a", "+a1 +a3 ~a5"},
      {"a cluster-scoped object", "", "c", "+c4"},
      {"what never comes", "two", "b", ""},
      {"a namespace that is absent", "three", "", ""},
  };
  std::vector<Heard> live(std::size(cases));
  for (std::size_t i = 0; i < std::size(cases); ++i) {
    subscribe({.table = "t", .namespaceName = cases[i].namespaceName, .name = cases[i].name},
              live[i].subscriber());
  }
  put("one", "a");
  put("one", "b");
  put("two", "a");
  put("", "c");
  put("one", "a");
  for (std::size_t i = 0; i < std::size(cases); ++i) {
    SCOPED_TRACE(cases[i].what);
    EXPECT_EQ(live[i].take(), cases[i].heard);
    Heard replayed;
    subscribe({.table = "t", .namespaceName = cases[i].namespaceName, .name = cases[i].name},
              replayed.subscriber());
    EXPECT_EQ(replayed.take(), cases[i].heard);
  }
}

TEST_F(StorageWatch, WaitsForAVersionToCome) {
  put("n", "a");
  Heard heard;
  subscribe({.table = "t", .after = 3}, heard.subscriber());
  put("n", "b");
  put("n", "c");
  EXPECT_EQ(heard.take(), "");
  put("n", "d");
  EXPECT_EQ(heard.take(), "+d4");
}

TEST_F(StorageWatch, SeesTheNewStateWhileItIsTold) {
  std::uint64_t version = 0;
  bool isThere = false;
  subscribe({.table = "t"}, [&](const ChangePtr& change) {
    version = storage_->version();
    isThere = storage_->find("t", change->key) == change->after;
  });
  put("n", "a");
  EXPECT_EQ(version, 1U);
  EXPECT_TRUE(isThere);
}

TEST_F(StorageWatch, IsRefusedWhereHistoryIsGone) {
  storage_ = Storage::open({.maxHistoryChanges = 3}).value();
  for (const char* name : {"a", "b", "c", "d", "e"}) put("n", name);
  Heard heard;
  const auto refused = storage_->subscribe({.table = "t", .after = 1}, heard.subscriber());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::Expired);
  EXPECT_EQ(refused.error().message, "too old resource version: 1 (2)");
  EXPECT_EQ(heard.take(), "");
  subscribe({.table = "t", .after = 2}, heard.subscriber());
  EXPECT_EQ(heard.take(), "+c3 +d4 +e5");
}

// As kube-apiserver, which has a history for each resource: a quiet one stays watchable.
TEST_F(StorageWatch, GoesBackFurtherInAQuietTable) {
  storage_ = Storage::open({.maxHistoryChanges = 3}).value();
  put("n", "a", "quiet");
  for (const char* name : {"a", "b", "c", "d", "e"}) put("n", name);
  Heard heard;
  subscribe({.table = "quiet", .after = 1}, heard.subscriber());
  EXPECT_EQ(storage_->subscribe({.table = "quiet"}, heard.subscriber()).error().message,
            "too old resource version: 0 (1)");
  subscribe({.table = "never", .after = 0}, heard.subscriber());
  EXPECT_EQ(heard.take(), "");
}

TEST_F(StorageWatch, HasNoHistoryBeforeACompaction) {
  put("n", "a");
  put("n", "b");
  storage_->compact();
  Heard heard;
  for (const char* table : {"t", "never"}) {
    EXPECT_EQ(storage_->subscribe({.table = table, .after = 1}, heard.subscriber()).error().message,
              "too old resource version: 1 (2)");
    subscribe({.table = table, .after = 2}, heard.subscriber());
    EXPECT_EQ(storage_->list(table, {.version = 1}).error().code, Code::Expired);
    EXPECT_TRUE(storage_->list(table, {.version = 2}));
  }
  put("n", "c");
  EXPECT_EQ(heard.take(), "+c3");
}

TEST_F(StorageWatch, CompactionEndsNoWatch) {
  Heard heard;
  subscribe({.table = "t"}, heard.subscriber());
  put("n", "a");
  storage_->compact();
  put("n", "b");
  EXPECT_EQ(heard.take(), "+a1 +b2");
}

TEST_F(StorageWatch, EndsWithUnsubscribe) {
  Heard heard;
  Heard other;
  const std::uint64_t number = subscribe({.table = "t"}, heard.subscriber());
  subscribe({.table = "t"}, other.subscriber());
  storage_->unsubscribe(number);
  storage_->unsubscribe(number);
  storage_->unsubscribe(12345);
  put("n", "a");
  EXPECT_EQ(heard.take(), "");
  EXPECT_EQ(other.take(), "+a1");
}

TEST_F(StorageWatch, MayEndItselfAndOthersWhileItIsTold) {
  Heard before;
  Heard after;
  std::uint64_t numbers[4] = {};
  int told = 0;
  numbers[0] = subscribe({.table = "t"}, before.subscriber());
  // What a subscriber holds lives as long as it runs.
  numbers[1] = subscribe({.table = "t"}, [&, kept = std::string(100, 'k')](const ChangePtr&) {
    for (const std::uint64_t number : numbers) storage_->unsubscribe(number);
    told += kept == std::string(100, 'k') ? 1 : 1000;
  });
  numbers[2] = subscribe({.table = "t"}, after.subscriber());
  numbers[3] = subscribe({.table = "t", .namespaceName = "n", .name = "a"}, after.subscriber());
  put("n", "a");
  put("n", "a");
  EXPECT_EQ(before.take(), "+a1");
  EXPECT_EQ(after.take(), "");
  EXPECT_EQ(told, 1);
}

TEST_F(StorageWatch, MayBeginOthersWhileItIsTold) {
  std::vector<Heard> fresh(40);
  Heard elsewhere;
  std::size_t begun = 0;
  subscribe({.table = "t"}, [&](const ChangePtr&) {
    for (int i = 0; i < 20; ++i, ++begun) subscribe({.table = "t"}, fresh[begun].subscriber());
    if (begun == 20) subscribe({.table = "other"}, elsewhere.subscriber());
  });
  put("n", "a");
  for (std::size_t i = 0; i < 20; ++i) EXPECT_EQ(fresh[i].take(), "+a1");
  put("n", "b", "other");
  EXPECT_EQ(elsewhere.take(), "+b2");
  put("n", "c");
  for (std::size_t i = 0; i < 20; ++i) EXPECT_EQ(fresh[i].take(), "+c3");
  for (std::size_t i = 20; i < 40; ++i) EXPECT_EQ(fresh[i].take(), "+a1 +c3");
}

TEST_F(StorageWatch, CanBeChangedWhileALongListIsWalkedOver) {
  for (int i = 0; i < 200; ++i) put("n", std::to_string(i));
  const ListPage all = storage_->list("t", {}).value();
  for (const ObjectPtr& object : all.objects) {
    remove("n", object->value["metadata"]["name"].toString());
  }
  EXPECT_EQ(storage_->count("t"), 0U);
}

TEST_F(StorageWatch, OfManyOthersCostsNothing) {
  int heard = 0;
  const auto count = [&](const ChangePtr&) { ++heard; };
  std::vector<std::uint64_t> numbers;
  for (int i = 0; i < 1000; ++i) {
    numbers.push_back(subscribe(
        {.table = "t", .namespaceName = "n", .name = "other" + std::to_string(i)}, count));
  }
  put("n", "a");
  put("n", "other7");
  EXPECT_EQ(heard, 1);
  for (const std::uint64_t number : numbers) storage_->unsubscribe(number);
  put("n", "other7");
  EXPECT_EQ(heard, 1);
}

TEST_F(StorageWatch, MustNotChangeTheStorage) {
  subscribe({.table = "t"}, [&](const ChangePtr&) {
    (void)storage_->create("t", {"n", "b"}, configMap("b"));
  });
  EXPECT_DEATH((void)storage_->create("t", {"n", "a"}, configMap("a")), "assertion failed");
}

}  // namespace
}  // namespace iop::apiserver::storage
