#include "apiserver/schema/schema.h"

namespace iop::apiserver::schema {

const Schema* Schema::find(std::string_view key) const {
  if (const auto found = properties.find(key); found != properties.end()) return found->second;
  return additionalProperties;
}

}  // namespace iop::apiserver::schema
