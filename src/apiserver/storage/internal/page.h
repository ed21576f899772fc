#pragma once

// Lists. Pure.

#include <cstdint>

#include "apiserver/storage/internal/history.h"
#include "apiserver/storage/internal/table.h"
#include "apiserver/storage/storage.h"

namespace iop::apiserver::storage {

// A page of the table as it was; `past` null: as it is now.
ListPage readPage(const Table& table, const ListRange& range, const Past* past,
                  std::uint64_t version);

}  // namespace iop::apiserver::storage
