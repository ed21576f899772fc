#pragma once

// The file "storage.db" (internal/disk.h says what is in it). Not thread-safe, but not bound to one
// thread either. All errors are InternalErrors that name the file.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "apiserver/storage/internal/row.h"
#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace iop::apiserver::storage {

class SqliteFile {
 public:
  // Makes the file where there is none, and checks it as a whole. The folder must be there and be
  // locked.
  static Result<std::unique_ptr<SqliteFile>> open(const std::string& directory);
  ~SqliteFile();
  SqliteFile(const SqliteFile&) = delete;
  SqliteFile& operator=(const SqliteFile&) = delete;

  // As they were when it was opened.
  std::uint64_t version() const { return version_; }
  bool isClean() const { return isClean_; }

  // Checks each row and gives it away.
  Status readRows(const std::function<Status(Row)>& each);

  // A transaction. After an error there is none any more.
  Status begin();
  Status putRow(std::uint64_t id, std::string_view table, const kube::api::ObjectKey& key,
                std::uint64_t version, std::string_view json);
  Status removeRow(std::uint64_t id);
  Status setState(std::uint64_t version, bool clean);
  // On the medium when it returns.
  Status commit();

 private:
  struct Statement {
    ~Statement();
    sqlite3_stmt* handle = nullptr;
  };

  explicit SqliteFile(std::string path) : path_(std::move(path)) {}
  Status prepare(const char* sql, Statement& statement);
  Status execute(const char* sql);
  // Of a query with one row and one column; the fallback where there is no row.
  Result<std::string> queryText(const char* sql, std::string fallback);
  // Runs a prepared statement and makes it ready for the next time.
  Status run(Statement& statement);
  Status openDatabase();
  Status checkSchema();
  Status checkPages();
  Status readState();
  Result<Row> readRow(const Statement& rows) const;
  tl::unexpected<Error> failure() const;
  tl::unexpected<Error> failure(std::string_view what) const;

  std::string path_;
  sqlite3* database_ = nullptr;
  Statement begin_;
  Statement put_;
  Statement remove_;
  Statement setState_;
  Statement commit_;
  std::uint64_t version_ = 0;
  bool isClean_ = true;
};

}  // namespace iop::apiserver::storage
