#include "operator/coupling/mask.h"

#include "text/base64.h"
#include "text/json.h"

namespace iop::operators::coupling {

void Masker::add(std::string_view value) {
  if (value.empty()) return;
  forms_.emplace(value);
  for (const bool escapeHtml : {true, false}) {
    std::string quoted;
    text::appendJsonString(quoted, value, escapeHtml);
    forms_.insert(quoted.substr(1, quoted.size() - 2));
  }
  forms_.insert(text::encodeBase64(value));
}

std::string Masker::mask(std::string text) const {
  static constexpr std::string_view kMark = "[sensitive]";
  for (const std::string& form : forms_) {
    for (std::size_t at = text.find(form); at != std::string::npos;
         at = text.find(form, at + kMark.size())) {
      text.replace(at, form.size(), kMark);
    }
  }
  return text;
}

}  // namespace iop::operators::coupling
