#include "apiserver/storage/storage.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "apiserver/storage/internal/table.h"
#include "apiserver/storage/objects_test.h"
#include "text/json.h"

namespace iop::apiserver::storage {
namespace {

std::unique_ptr<Storage> openInMemory(StorageOptions options = {}) {
  return Storage::open(std::move(options)).value();
}

std::string textOf(const ObjectPtr& object) {
  return object == nullptr ? "absent" : object->value["data"]["text"].toString();
}

std::string namesOf(const ListPage& page) {
  std::string names;
  for (const ObjectPtr& object : page.objects) {
    if (!names.empty()) names += " ";
    names += object->value["metadata"]["name"].asString();
  }
  return names;
}

Value deepObject(int depth) {
  Value tree = 1;
  for (int i = 1; i < depth; ++i) tree = Value::array({tree});
  return Value::object({{"spec", tree}});
}

TEST(StorageChanges, WriteTheVersionIntoTheObject) {
  const auto storage = openInMemory();
  EXPECT_EQ(storage->version(), 0U);
  const ObjectPtr made = storage->create("configmaps", {"shop", "web"}, configMap("web")).value();
  EXPECT_EQ(made->version, 1U);
  EXPECT_EQ(made->value["metadata"]["resourceVersion"].asString(), "1");
  const ObjectPtr changed =
      storage->update("configmaps", {"shop", "web"}, 1, configMap("web", "y")).value();
  EXPECT_EQ(changed->version, 2U);
  EXPECT_EQ(changed->value["metadata"]["resourceVersion"].asString(), "2");
  EXPECT_EQ(textOf(made), "x");  // what was given out does not change
  EXPECT_EQ(storage->find("configmaps", {"shop", "web"}), changed);
  const ObjectPtr gone = storage->remove("configmaps", {"shop", "web"}, 2).value();
  EXPECT_EQ(gone->version, 3U);
  EXPECT_EQ(gone->value["metadata"]["resourceVersion"].asString(), "3");
  EXPECT_EQ(textOf(gone), "y");
  EXPECT_EQ(storage->find("configmaps", {"shop", "web"}), nullptr);
  EXPECT_EQ(storage->version(), 3U);
  EXPECT_EQ(storage->durableVersion(), 3U);
  EXPECT_EQ(storage->diskError(), "");
}

TEST(StorageChanges, OneCounterServesAllTables) {
  const auto storage = openInMemory();
  EXPECT_EQ(storage->create("configmaps", {"shop", "a"}, configMap("a")).value()->version, 1U);
  EXPECT_EQ(storage->create("secrets", {"shop", "a"}, configMap("a")).value()->version, 2U);
  EXPECT_EQ(storage->create("nodes", {"", "a"}, configMap("a")).value()->version, 3U);
  EXPECT_EQ(storage->tables(), (std::vector<std::string>{"configmaps", "nodes", "secrets"}));
}

TEST(StorageChanges, ThatChangeNothingUseNoVersion) {
  const auto storage = openInMemory();
  const ObjectPtr made = storage->create("configmaps", {"shop", "web"}, configMap("web")).value();
  int heard = 0;
  ASSERT_TRUE(
      storage->subscribe({.table = "configmaps", .after = 1}, [&](const ChangePtr&) { ++heard; }));
  Value other = configMap("web");
  other.edit("metadata").set("resourceVersion", "77");
  for (const Value& same : {made->value, configMap("web"), other}) {
    EXPECT_EQ(storage->update("configmaps", {"shop", "web"}, 1, same).value(), made);
  }
  EXPECT_EQ(storage->version(), 1U);
  EXPECT_EQ(heard, 0);
}

TEST(StorageChanges, FailWithTheReason) {
  const auto storage = openInMemory();
  const ObjectKey web{"shop", "web"};
  const ObjectKey other{"shop", "other"};
  ASSERT_TRUE(storage->create("configmaps", web, configMap("web")));
  const Value list = Value::array();
  const Value noMetadata = Value::object({{"metadata", "text"}});
  const struct {
    const char* what;
    Result<ObjectPtr> result;
    Code code;
    const char* message;
  } cases[] = {
      {"create what is there", storage->create("configmaps", web, configMap("web")),
       Code::AlreadyExists, "configmaps shop/web already exists"},
      {"update what is absent", storage->update("configmaps", other, 1, configMap("other")),
       Code::NotFound, "configmaps shop/other not found"},
      {"update in a table that is absent", storage->update("secrets", web, 1, configMap("web")),
       Code::NotFound, "secrets shop/web not found"},
      {"update another version", storage->update("configmaps", web, 9, configMap("web")),
       Code::Conflict, "configmaps shop/web is at version 1, not 9"},
      {"remove what is absent", storage->remove("configmaps", other, 1), Code::NotFound,
       "configmaps shop/other not found"},
      {"remove another version", storage->remove("configmaps", web, 2), Code::Conflict,
       "configmaps shop/web is at version 1, not 2"},
      {"create a list", storage->create("configmaps", other, list), Code::Invalid,
       "configmaps shop/other: not an object"},
      {"update to a list", storage->update("configmaps", web, 1, list), Code::Invalid,
       "configmaps shop/web: not an object"},
      {"remove with a list", storage->remove("configmaps", web, 1, &list), Code::Invalid,
       "configmaps shop/web: not an object"},
      {"metadata that is text", storage->create("configmaps", other, noMetadata), Code::Invalid,
       "configmaps shop/other: metadata is not an object"},
      {"create without a name", storage->create("configmaps", {"shop", ""}, configMap("")),
       Code::Invalid, "configmaps shop/: it has no name"},
      {"create something too deep", storage->create("configmaps", other, deepObject(1002)),
       Code::Invalid, "configmaps shop/other: nested deeper than 1000 levels"},
      {"update to something too deep", storage->update("configmaps", web, 1, deepObject(1002)),
       Code::Invalid, "configmaps shop/web: nested deeper than 1000 levels"},
  };
  for (const auto& [what, result, code, message] : cases) {
    SCOPED_TRACE(what);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, code);
    EXPECT_EQ(result.error().message, message);
  }
  EXPECT_EQ(storage->version(), 1U);
  EXPECT_EQ(storage->count("configmaps"), 1U);
}

// What can be read is what can be stored: one level more in either would lock a folder up.
TEST(StorageChanges, TakeAllThatCanBeReadAgain) {
  const auto storage = openInMemory();
  for (const int depth : {999, 1000, 1001, 1002}) {
    const Value object = deepObject(depth);
    const bool isReadable = text::parseJson(text::printJson(object)).has_value();
    EXPECT_EQ(storage->create("a", {"", std::to_string(depth)}, object).has_value(), isReadable)
        << depth;
  }
}

TEST(StorageChanges, RemoveCanTellAnotherLastState) {
  const auto storage = openInMemory();
  ASSERT_TRUE(storage->create("configmaps", {"shop", "web"}, configMap("web", "first")));
  ChangePtr heard;
  ASSERT_TRUE(storage->subscribe({.table = "configmaps", .after = 1},
                                 [&](const ChangePtr& change) { heard = change; }));
  const Value last = configMap("web", "last");
  const ObjectPtr gone = storage->remove("configmaps", {"shop", "web"}, 1, &last).value();
  EXPECT_EQ(textOf(gone), "last");
  ASSERT_NE(heard, nullptr);
  EXPECT_EQ(textOf(heard->before), "first");
  EXPECT_EQ(heard->after, nullptr);
  EXPECT_EQ(heard->last, gone);
  EXPECT_EQ(heard->last->value["metadata"]["resourceVersion"].asString(), "2");
}

TEST(StorageLists, CountNamespaces) {
  const auto storage = openInMemory();
  for (const char* space : {"a", "b"}) {
    for (const char* name : {"x", "y"}) {
      ASSERT_TRUE(storage->create("configmaps", {space, name}, configMap(name)));
    }
  }
  ASSERT_TRUE(storage->remove("configmaps", {"b", "x"}, 3));
  EXPECT_EQ(storage->count("configmaps"), 3U);
  EXPECT_EQ(storage->countNamespace("configmaps", "a"), 2U);
  EXPECT_EQ(storage->countNamespace("configmaps", "b"), 1U);
  EXPECT_EQ(storage->countNamespace("configmaps", "c"), 0U);
  EXPECT_EQ(storage->count("secrets"), 0U);
  ASSERT_TRUE(storage->remove("configmaps", {"b", "y"}, 4));
  EXPECT_EQ(storage->countNamespace("configmaps", "b"), 0U);
}

// Recorded from kube-apiserver 1.37.2: ConfigMaps of the namespaces "order" and "order-b".
TEST(StorageLists, AreInTheOrderOfEtcd) {
  const auto storage = openInMemory();
  for (const char* space : {"order", "order-b", "order.c", "order0", "orde"}) {
    ASSERT_TRUE(storage->create("configmaps", {space, "x"}, configMap(space)));
  }
  EXPECT_EQ(namesOf(storage->list("configmaps", {}).value()), "orde order-b order.c order order0");
}

TEST(StorageLists, HaveARange) {
  const auto storage = openInMemory();
  for (const char* name : {"a", "b", "c"}) {
    ASSERT_TRUE(storage->create("t", {"one", name}, configMap(std::string("1") + name)));
    ASSERT_TRUE(storage->create("t", {"two", name}, configMap(std::string("2") + name)));
  }
  const struct {
    const char* what;
    ListRange range;
    const char* names;
    std::size_t remaining;
  } cases[] = {
      {"all", {}, "1a 1b 1c 2a 2b 2c", 0},
      {"a limit", {.limit = 2}, "1a 1b", 4},
      {"a limit that fits", {.limit = 6}, "1a 1b 1c 2a 2b 2c", 0},
      {"a limit that is greater", {.limit = 7}, "1a 1b 1c 2a 2b 2c", 0},
      {"behind a key", {.after = {"one", "b"}, .limit = 2}, "1c 2a", 2},
      {"behind the last one of a namespace", {.after = {"one", "c"}}, "2a 2b 2c", 0},
      {"behind a key that is absent", {.after = {"one", "bb"}}, "1c 2a 2b 2c", 0},
      {"behind a namespace that is absent", {.after = {"pine", "x"}}, "2a 2b 2c", 0},
      {"behind all", {.after = {"two", "c"}}, "", 0},
      {"behind all namespaces", {.after = {"zoo", ""}}, "", 0},
      {"a namespace", {.namespaceName = "two"}, "2a 2b 2c", 0},
      {"a limit in a namespace", {.namespaceName = "one", .limit = 1}, "1a", 2},
      {"behind a key of the namespace",
       {.namespaceName = "one", .after = {"one", "a"}},
       "1b 1c",
       0},
      {"behind a lower namespace", {.namespaceName = "two", .after = {"one", "b"}}, "2a 2b 2c", 0},
      {"behind a higher namespace", {.namespaceName = "one", .after = {"two", "a"}}, "", 0},
      {"a namespace that is absent", {.namespaceName = "three"}, "", 0},
  };
  // The same at a version of the past, from which everything has been taken since.
  for (const bool isPast : {false, true}) {
    if (isPast) {
      const ListPage all = storage->list("t", {}).value();
      for (const ObjectPtr& object : all.objects) {
        const std::string name = object->value["metadata"]["name"].toString();
        ASSERT_TRUE(storage->remove("t", {name[0] == '1' ? "one" : "two", name.substr(1)},
                                    object->version));
      }
    }
    for (const auto& [what, range, names, remaining] : cases) {
      SCOPED_TRACE(what);
      ListRange asked = range;
      asked.version = 6;
      const ListPage page = storage->list("t", asked).value();
      EXPECT_EQ(namesOf(page), names);
      EXPECT_EQ(page.remaining, remaining);
      EXPECT_EQ(page.more, remaining > 0);
      EXPECT_EQ(page.version, 6U);
    }
  }
}

TEST(StorageLists, KnowThePast) {
  const auto storage = openInMemory();
  ASSERT_TRUE(storage->create("t", {"n", "a"}, configMap("a1")));     // 1
  ASSERT_TRUE(storage->create("t", {"n", "c"}, configMap("c2")));     // 2
  ASSERT_TRUE(storage->update("t", {"n", "a"}, 1, configMap("a3")));  // 3
  ASSERT_TRUE(storage->create("t", {"n", "b"}, configMap("b4")));     // 4
  ASSERT_TRUE(storage->remove("t", {"n", "c"}, 2));                   // 5
  ASSERT_TRUE(storage->create("t", {"n", "c"}, configMap("c6")));     // 6
  ASSERT_TRUE(storage->remove("t", {"n", "a"}, 3));                   // 7
  ASSERT_TRUE(storage->create("other", {"n", "z"}, configMap("z")));  // 8
  const char* expected[] = {"",      "a1",       "a1 c2", "a3 c2", "a3 b4 c2",
                            "a3 b4", "a3 b4 c6", "b4 c6", "b4 c6"};
  for (std::uint64_t version = 1; version <= 8; ++version) {
    const ListPage page = storage->list("t", {.version = version}).value();
    EXPECT_EQ(namesOf(page), expected[version]) << version;
    EXPECT_EQ(page.version, version);
  }
  EXPECT_EQ(namesOf(storage->list("other", {.version = 3}).value()), "");
}

TEST(StorageLists, HaveTheErrorsOfKubeApiserver) {
  const auto storage = openInMemory({.maxHistoryChanges = 2});
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(storage->create("t", {"n", std::to_string(i)}, configMap("x")));
  }
  EXPECT_TRUE(storage->list("t", {.version = 3}));
  const Error old = storage->list("t", {.version = 2}).error();
  EXPECT_EQ(old.code, Code::Expired);
  EXPECT_EQ(old.message, "The resourceVersion for the provided list is too old.");
  const Error early = storage->list("t", {.version = 6}).error();
  EXPECT_EQ(early.code, Code::Timeout);
  EXPECT_EQ(early.message, "Too large resource version: 6, current: 5");
  EXPECT_EQ(early.cause, "ResourceVersionTooLarge");
  EXPECT_EQ(early.retryAfterSeconds, 1);
}

// Random changes against a plain map: every version that history reaches, in pages of random sizes
// between which further changes happen.
TEST(StorageLists, PagesOfOneVersionFitTogether) {
  using Model = std::map<std::pair<std::string, std::string>, std::string>;
  std::mt19937 random(7);
  const auto pick = [&](std::size_t below) { return random() % below; };
  const auto storage = openInMemory({.maxHistoryChanges = 400});
  Model model;
  std::vector<Model> states = {model};
  const auto change = [&] {
    const std::string space(1, static_cast<char>('a' + pick(3)));
    const std::string name = std::to_string(pick(300));
    const ObjectPtr there = storage->find("t", {space, name});
    const std::string text = std::to_string(states.size());
    if (there == nullptr) {
      ASSERT_TRUE(storage->create("t", {space, name}, configMap(name, text)));
      model[{space, name}] = text;
    } else if (pick(3) == 0) {
      ASSERT_TRUE(storage->remove("t", {space, name}, there->version));
      model.erase({space, name});
    } else {
      ASSERT_TRUE(storage->update("t", {space, name}, there->version, configMap(name, text)));
      model[{space, name}] = text;
    }
    states.push_back(model);
  };
  for (int i = 0; i < 3000; ++i) change();
  for (int round = 0; round < 60; ++round) {
    const std::uint64_t version = storage->version() - pick(200);
    const std::string space = pick(2) == 0 ? "" : std::string(1, static_cast<char>('a' + pick(3)));
    std::vector<std::pair<std::string, std::string>> expected;
    for (const auto& [key, text] : states[version]) {
      if (space.empty() || key.first == space) expected.emplace_back(key.second, text);
    }
    std::vector<std::pair<std::string, std::string>> found;
    ListRange range{.namespaceName = space, .version = version};
    bool more = true;
    std::size_t at = 0;
    while (more) {
      range.limit = 1 + pick(150);
      const Result<ListPage> page = storage->list("t", range);
      ASSERT_TRUE(page) << page.error().message;
      for (const ObjectPtr& object : page->objects) {
        found.emplace_back(object->value["metadata"]["name"].toString(), textOf(object));
      }
      ASSERT_EQ(page->remaining, expected.size() - found.size());
      more = page->more;
      if (!more) break;
      ASSERT_EQ(page->objects.size(), range.limit);
      // The model has the namespaces: names alone do not tell the key.
      at = found.size();
      std::size_t index = 0;
      for (const auto& [key, text] : states[version]) {
        if (!space.empty() && key.first != space) continue;
        if (++index == at) range.after = {key.first, key.second};
      }
      for (std::size_t i = pick(4); i > 0; --i) change();
    }
    ASSERT_EQ(found, expected);
  }
  EXPECT_EQ(storage->count("t"), model.size());
}

TEST(StorageMemory, IsCountedUpAndDown) {
  const auto storage = openInMemory({.maxHistoryChanges = 0});
  const std::size_t empty = storage->heapBytes();
  const std::string text(5000, 'x');
  ASSERT_TRUE(storage->create("t", {"n", "a"}, configMap("a", text)));
  const std::size_t one = storage->heapBytes();
  EXPECT_GT(one, empty + 5000);
  EXPECT_LT(one, empty + 6500);
  ASSERT_TRUE(storage->update("t", {"n", "a"}, 1, configMap("a", "short")));
  EXPECT_LT(storage->heapBytes(), empty + 1500);
  ASSERT_TRUE(storage->remove("t", {"n", "a"}, 2));
  EXPECT_EQ(storage->heapBytes(), empty);
}

TEST(StorageMemory, OfTheHistoryIsWhatOnlyItHolds) {
  const auto storage = openInMemory();
  Value object = configMap("a", std::string(5000, 'x'));
  ASSERT_TRUE(storage->create("t", {"n", "a"}, object));
  const std::size_t before = storage->heapBytes();
  object = storage->find("t", {"n", "a"})->value;
  object.edit("metadata").set("generation", 2);  // shares the text
  ASSERT_TRUE(storage->update("t", {"n", "a"}, 1, object));
  EXPECT_LT(storage->heapBytes(), before + 1500);
  ASSERT_TRUE(storage->update("t", {"n", "a"}, 2, configMap("a", std::string(5000, 'y'))));
  EXPECT_GT(storage->heapBytes(), before + 5000);
  storage->compact();
  EXPECT_LE(storage->heapBytes(), before);
}

TEST(StorageMemory, BoundsTheHistoryByBytes) {
  const auto storage = openInMemory({.maxHistoryBytes = 100'000});
  ASSERT_TRUE(storage->create("t", {"n", "a"}, configMap("a")));
  for (std::uint64_t i = 1; i <= 100; ++i) {
    ASSERT_TRUE(storage->update(
        "t", {"n", "a"}, i, configMap("a", std::string(10'000, static_cast<char>('a' + i % 2)))));
    ASSERT_LT(storage->heapBytes(), 115'000U);
  }
  EXPECT_TRUE(storage->list("t", {.version = 95}));
  EXPECT_EQ(storage->list("t", {.version = 85}).error().code, Code::Expired);
}

TEST(NamespaceOrder, IsThatOfPaths) {
  const std::string names[] = {"", "a", "a-b", "a.b", "a/b", "a0", "aa", "b", "-a", "\xff"};
  for (const std::string& a : names) {
    for (const std::string& b : names) {
      const int order = (a + "/").compare(b + "/");
      const int found = compareNamespaces(a, b);
      EXPECT_EQ(found < 0, order < 0) << a << " " << b;
      EXPECT_EQ(found > 0, order > 0) << a << " " << b;
    }
  }
}

TEST(Names, KeepTheirOrder) {
  for (const bool isRandom : {false, true}) {
    std::mt19937 random(3);
    Names names;
    std::map<std::string, std::uint64_t> model;
    for (std::uint64_t i = 1; i <= 3000; ++i) {
      const std::string name = std::to_string(isRandom ? random() % 2000 : 10'000 + i);
      if (const auto found = model.find(name); found == model.end()) {
        names.insert(name).id = i;
        model[name] = i;
      } else {
        names.erase(name);
        model.erase(found);
      }
    }
    for (int round = 0; round < 2; ++round) {
      ASSERT_EQ(names.size(), model.size());
      Names::Position position;
      std::size_t left = model.size();
      for (const auto& [name, id] : model) {
        ASSERT_NE(names.at(position), nullptr);
        ASSERT_EQ(names.at(position)->name, name);
        ASSERT_EQ(names.at(position)->id, id);
        ASSERT_EQ(names.find(name), names.at(position));
        ASSERT_EQ(names.countFrom(position), left);
        names.advance(position);
        --left;
        ASSERT_EQ(names.at(names.after(name)), names.at(position));
      }
      ASSERT_EQ(names.at(position), nullptr);
      ASSERT_EQ(names.find("absent"), nullptr);
      // Most of them go: chunks are joined.
      for (auto at = model.begin(); at != model.end();) {
        if (random() % 20 == 0) {
          ++at;
        } else {
          names.erase(at->first);
          at = model.erase(at);
        }
      }
    }
  }
}

}  // namespace
}  // namespace iop::apiserver::storage
