// sprig's functions on URLs and paths.

#include <string>

#include "gotemplate/internal/bind.h"
#include "gotemplate/internal/url.h"

namespace iop::gotemplate::internal {
namespace {

Typed<Type::AnyMap> urlParse(Runtime& runtime, std::string_view text) {
  const UrlParts parts = valueOrFail(splitUrl(text));
  Map* out = runtime.makeMap(8);
  const auto add = [&](std::string_view key, const std::string& value) {
    runtime.set(*out, key, runtime.makeString(value).asInterface());
  };
  add("scheme", parts.scheme);
  add("host", parts.host);
  add("hostname", parts.hostname);
  add("path", parts.path);
  add("query", parts.query);
  add("opaque", parts.opaque);
  add("fragment", parts.fragment);
  add("userinfo", parts.userinfo);
  return {Any::mapOf(Type::AnyMap, out)};
}

Result<std::string> urlJoin(Runtime& runtime, MapArgument map) {
  const auto part = [&](std::string_view key) {
    bool found = false;
    const Any value = runtime.find(map.value, key, found);
    if (!found) return std::string();
    if (value.isNil()) failFunction(kNilDereference);
    if (!value.isString()) {
      failFunction("unable to parse " + std::string(key) + " key, must be of type string, but " +
                   std::string(kindName(kindOf(value.type))) + " found");
    }
    return std::string(value.asText());
  };
  // In sprig's order, which decides what error is met first.
  UrlParts parts;
  parts.scheme = part("scheme");
  parts.host = part("host");
  parts.path = part("path");
  parts.query = part("query");
  parts.opaque = part("opaque");
  parts.fragment = part("fragment");
  parts.userinfo = part("userinfo");
  return joinUrl(parts);
}

template <auto function>
constexpr Function entry(std::string_view name) {
  return bind<function>(name, "URLs and paths");
}

// Paths of the operating system are those of URLs: this is not Windows.
constexpr Function kFunctions[] = {
    entry<&urlParse>("urlParse"),    entry<&urlJoin>("urlJoin"),
    entry<&basePath>("base"),        entry<&basePath>("osBase"),
    entry<&dirPath>("dir"),          entry<&dirPath>("osDir"),
    entry<&cleanPath>("clean"),      entry<&cleanPath>("osClean"),
    entry<&extensionOf>("ext"),      entry<&extensionOf>("osExt"),
    entry<&isAbsolutePath>("isAbs"), entry<&isAbsolutePath>("osIsAbs"),
};

}  // namespace

std::span<const Function> urlFunctions() { return kFunctions; }

}  // namespace iop::gotemplate::internal
