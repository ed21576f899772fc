// The path functions of url.h: Go's package path.

#include "gotemplate/internal/strings.h"
#include "gotemplate/internal/url.h"

namespace iop::gotemplate::internal {

std::string cleanPath(std::string_view path) {
  if (path.empty()) return ".";
  const bool isRooted = path.starts_with('/');
  std::vector<std::string_view> kept;
  for (const std::string_view element : split(path, "/")) {
    if (element.empty() || element == ".") continue;
    if (element != "..") {
      kept.push_back(element);
    } else if (!kept.empty() && kept.back() != "..") {
      kept.pop_back();
    } else if (!isRooted) {
      kept.push_back(element);
    }
  }
  std::string out = isRooted ? "/" : "";
  out += join(kept, "/");
  return out.empty() ? "." : out;
}

std::string basePath(std::string_view path) {
  if (path.empty()) return ".";
  while (path.ends_with('/')) path.remove_suffix(1);
  if (path.empty()) return "/";
  return std::string(path.substr(path.rfind('/') + 1));
}

std::string dirPath(std::string_view path) {
  return cleanPath(path.substr(0, path.rfind('/') + 1));
}

std::string_view extensionOf(std::string_view path) {
  const std::string_view name = path.substr(path.rfind('/') + 1);
  const std::size_t dot = name.rfind('.');
  return dot == std::string_view::npos ? std::string_view() : name.substr(dot);
}

}  // namespace iop::gotemplate::internal
