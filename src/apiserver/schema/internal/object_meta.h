#pragma once

// ObjectMeta (apimachinery, pkg/apis/meta/v1), which objects of custom kinds have, whatever their
// schema says, and so do the resources embedded in them.

#include <string>
#include <string_view>

#include "apiserver/schema/field_error.h"
#include "apiserver/schema/schema.h"

namespace iop::apiserver::schema::internal {

// Makes the nodes in the document; returns the one of metadata.
Schema& addObjectMeta(Document& document);

// What an embedded resource at `path` must be (apiextensions-apiserver, pkg/apiserver/schema/
// objectmeta): apiVersion, kind, labels and annotations.
void validateEmbedded(const Value& resource, const std::string& path, FieldErrors& errors);

}  // namespace iop::apiserver::schema::internal
