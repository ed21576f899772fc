#include "apiserver/storage/internal/sqlite_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "apiserver/storage/internal/lock_file.h"
#include "text/json.h"

namespace iop::apiserver::storage {
namespace {

constexpr std::int64_t kSchemaVersion = 1;

constexpr const char* kSchema = R"(
  BEGIN IMMEDIATE;
  CREATE TABLE schema_version(version INTEGER NOT NULL);
  INSERT INTO schema_version VALUES(1);
  CREATE TABLE state(version INTEGER NOT NULL, clean INTEGER NOT NULL);
  INSERT INTO state VALUES(0, 1);
  CREATE TABLE objects(
    id INTEGER PRIMARY KEY,
    tbl TEXT NOT NULL,
    ns TEXT NOT NULL,
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    json TEXT NOT NULL);
  COMMIT;)";

// One process has the file (LockFile), so SQLite needs no memory that is shared with others. FULL
// syncs the log at each commit: NORMAL would lose the last commits with the power. The log is
// copied into the database every 4,000 pages (16 MB).
constexpr const char* kSettings = R"(
  PRAGMA locking_mode = EXCLUSIVE;
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA wal_autocheckpoint = 4000;
  PRAGMA journal_size_limit = 16777216;
  PRAGMA trusted_schema = OFF;)";

bool isMissingOrEmpty(const std::string& path) {
  struct stat found = {};
  return stat(path.c_str(), &found) != 0 || found.st_size == 0;
}

std::string textOf(sqlite3_stmt* row, int column) {
  const void* bytes = sqlite3_column_blob(row, column);
  const int size = sqlite3_column_bytes(row, column);
  if (bytes == nullptr) return {};
  return std::string(static_cast<const char*>(bytes), static_cast<std::size_t>(size));
}

std::uint64_t numberOf(sqlite3_stmt* row, int column) {
  return static_cast<std::uint64_t>(sqlite3_column_int64(row, column));
}

// The text must live until the statement has run.
void bindText(sqlite3_stmt* statement, int index, std::string_view text) {
  // SQLite takes a null pointer for NULL.
  const char* bytes = text.data() == nullptr ? "" : text.data();
  sqlite3_bind_text64(statement, index, bytes, text.size(), SQLITE_STATIC, SQLITE_UTF8);
}

void bindNumber(sqlite3_stmt* statement, int index, std::uint64_t number) {
  sqlite3_bind_int64(statement, index, static_cast<std::int64_t>(number));
}

}  // namespace

SqliteFile::Statement::~Statement() { sqlite3_finalize(handle); }

SqliteFile::~SqliteFile() {
  for (Statement* statement : {&begin_, &put_, &remove_, &setState_, &commit_}) {
    sqlite3_finalize(std::exchange(statement->handle, nullptr));
  }
  sqlite3_close(database_);
}

tl::unexpected<Error> SqliteFile::failure(std::string_view what) const {
  return fail(Code::InternalError, fmt::format("storage '{}': {}", path_, what));
}

tl::unexpected<Error> SqliteFile::failure() const {
  const int code = sqlite3_extended_errcode(database_);
  const int number = sqlite3_system_errno(database_);
  // "disk I/O error" says little without the system's reason.
  const bool isSystem = (code & 0xff) == SQLITE_IOERR || (code & 0xff) == SQLITE_CANTOPEN;
  if (isSystem && number != 0) {
    return failure(
        fmt::format("{}: {}", sqlite3_errmsg(database_), std::generic_category().message(number)));
  }
  return failure(sqlite3_errmsg(database_));
}

Status SqliteFile::prepare(const char* sql, Statement& statement) {
  if (sqlite3_prepare_v3(database_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement.handle,
                         nullptr) != SQLITE_OK) {
    return failure();
  }
  return {};
}

Status SqliteFile::execute(const char* sql) {
  if (sqlite3_exec(database_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) return failure();
  return {};
}

Result<std::string> SqliteFile::queryText(const char* sql, std::string fallback) {
  Statement query;
  RETURN_IF_ERROR(prepare(sql, query));
  switch (sqlite3_step(query.handle)) {
    case SQLITE_ROW:
      return textOf(query.handle, 0);
    case SQLITE_DONE:
      return fallback;
    default:
      return failure();
  }
}

Status SqliteFile::run(Statement& statement) {
  const int code = sqlite3_step(statement.handle);
  if (code != SQLITE_DONE) {
    const auto error = failure();
    sqlite3_reset(statement.handle);
    // SQLite may have done that itself, depending on the error.
    if (sqlite3_get_autocommit(database_) == 0) {
      sqlite3_exec(database_, "ROLLBACK", nullptr, nullptr, nullptr);
    }
    return error;
  }
  sqlite3_reset(statement.handle);
  return {};
}

Result<std::unique_ptr<SqliteFile>> SqliteFile::open(const std::string& directory) {
  const std::string path = directory + "/storage.db";
  std::unique_ptr<SqliteFile> file(new SqliteFile(path));
  const bool isNew = isMissingOrEmpty(path);
  // SQLite would take the log for a stale one and remove it, and the objects with it.
  if (isNew && !isMissingOrEmpty(path + "-wal")) {
    return file->failure("the file is missing, but its log is there");
  }
  // Made here because SQLite would make it readable for everybody; there are secrets in it.
  const int made = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (made < 0) return file->failure(std::generic_category().message(errno));
  close(made);
  RETURN_IF_ERROR(file->openDatabase());
  RETURN_IF_ERROR(file->checkSchema());
  if (isNew) RETURN_IF_ERROR(syncDirectory(directory));
  RETURN_IF_ERROR(file->checkPages());
  RETURN_IF_ERROR(file->readState());
  RETURN_IF_ERROR(file->prepare("BEGIN IMMEDIATE", file->begin_));
  RETURN_IF_ERROR(
      file->prepare("INSERT INTO objects(id, tbl, ns, name, version, json)"
                    " VALUES(?, ?, ?, ?, ?, ?) ON CONFLICT(id) DO UPDATE"
                    " SET version = excluded.version, json = excluded.json",
                    file->put_));
  RETURN_IF_ERROR(file->prepare("DELETE FROM objects WHERE id = ?", file->remove_));
  RETURN_IF_ERROR(file->prepare("UPDATE state SET version = ?, clean = ?", file->setState_));
  RETURN_IF_ERROR(file->prepare("COMMIT", file->commit_));
  return file;
}

Status SqliteFile::openDatabase() {
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
  if (sqlite3_open_v2(path_.c_str(), &database_, flags, nullptr) != SQLITE_OK) return failure();
  sqlite3_extended_result_codes(database_, 1);
  // A file that somebody has prepared can do no more than be wrong.
  sqlite3_db_config(database_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  RETURN_IF_ERROR(execute(kSettings));
  ASSIGN_OR_RETURN(const std::string mode, queryText("PRAGMA journal_mode", ""));
  if (mode != "wal") return failure(fmt::format("the journal is in mode '{}', not 'wal'", mode));
  return {};
}

Status SqliteFile::checkSchema() {
  ASSIGN_OR_RETURN(const std::string tables, queryText("SELECT count(*) FROM sqlite_schema", "0"));
  if (tables == "0") return execute(kSchema);
  ASSIGN_OR_RETURN(
      const std::string known,
      queryText("SELECT count(*) FROM sqlite_schema WHERE name = 'schema_version'", "0"));
  if (known == "0") return failure("a database of another program");
  ASSIGN_OR_RETURN(const std::string version,
                   queryText("SELECT max(version) FROM schema_version", "0"));
  if (version == std::to_string(kSchemaVersion)) return {};
  return failure(
      fmt::format("written by another version of this program: it has schema {}, known is {}",
                  version.empty() ? "0" : version, kSchemaVersion));
}

Status SqliteFile::checkPages() {
  ASSIGN_OR_RETURN(const std::string found, queryText("PRAGMA integrity_check(1)", ""));
  if (found != "ok") return failure("the file is corrupt: " + found);
  return {};
}

Status SqliteFile::readState() {
  Statement query;
  RETURN_IF_ERROR(prepare("SELECT version, clean FROM state", query));
  const int code = sqlite3_step(query.handle);
  if (code != SQLITE_ROW && code != SQLITE_DONE) return failure();
  if (code == SQLITE_DONE || sqlite3_column_int64(query.handle, 0) < 0) {
    return failure("the file is corrupt: it has no version");
  }
  version_ = numberOf(query.handle, 0);
  isClean_ = sqlite3_column_int64(query.handle, 1) != 0;
  return {};
}

Status SqliteFile::readRows(const std::function<Status(Row)>& each) {
  Statement rows;
  RETURN_IF_ERROR(prepare("SELECT id, version, tbl, ns, name, json FROM objects", rows));
  int code = sqlite3_step(rows.handle);
  for (; code == SQLITE_ROW; code = sqlite3_step(rows.handle)) {
    ASSIGN_OR_RETURN(Row row, readRow(rows));
    if (Status status = each(std::move(row)); !status) {
      return failure("the file is corrupt: " + status.error().message);
    }
  }
  if (code != SQLITE_DONE) return failure();
  return {};
}

Result<Row> SqliteFile::readRow(const Statement& rows) const {
  Row row;
  row.id = numberOf(rows.handle, 0);
  row.version = numberOf(rows.handle, 1);
  row.table = textOf(rows.handle, 2);
  row.key = {textOf(rows.handle, 3), textOf(rows.handle, 4)};
  const auto corrupt = [&](std::string_view what) {
    return failure(fmt::format("the file is corrupt: {} {}: {}", row.table, row.key.print(), what));
  };
  Result<Value> value = text::parseJson(textOf(rows.handle, 5));
  if (!value) return corrupt(value.error().message);
  row.value = *std::move(value);
  if (row.version == 0 || row.version > version_ || row.id == 0 || row.id > row.version ||
      row.value["metadata"]["resourceVersion"].asString() != std::to_string(row.version)) {
    return corrupt("its version does not fit");
  }
  return row;
}

Status SqliteFile::begin() { return run(begin_); }

Status SqliteFile::putRow(std::uint64_t id, std::string_view table, const kube::api::ObjectKey& key,
                          std::uint64_t version, std::string_view json) {
  bindNumber(put_.handle, 1, id);
  bindText(put_.handle, 2, table);
  bindText(put_.handle, 3, key.namespaceName);
  bindText(put_.handle, 4, key.name);
  bindNumber(put_.handle, 5, version);
  bindText(put_.handle, 6, json);
  return run(put_);
}

Status SqliteFile::removeRow(std::uint64_t id) {
  bindNumber(remove_.handle, 1, id);
  return run(remove_);
}

Status SqliteFile::setState(std::uint64_t version, bool clean) {
  bindNumber(setState_.handle, 1, version);
  bindNumber(setState_.handle, 2, static_cast<std::uint64_t>(clean));
  return run(setState_);
}

Status SqliteFile::commit() { return run(commit_); }

}  // namespace iop::apiserver::storage
