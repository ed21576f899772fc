#include <list>
#include <mutex>
#include <unordered_map>

#include "gotemplate/template.h"

namespace iop::gotemplate {

struct TemplateCache::State {
  struct Entry {
    std::string text;
    Template parsed;
    std::size_t bytes;
  };

  std::size_t maxBytes;
  ParseOptions options;
  std::string name;
  std::string leftDelim;
  std::string rightDelim;
  mutable std::mutex mutex;
  std::list<Entry> entries;  // the most recently used first
  std::unordered_map<std::string_view, std::list<Entry>::iterator> byText;
  std::size_t bytes = 0;
};

TemplateCache::TemplateCache(std::size_t maxBytes, ParseOptions options)
    : state_(std::make_unique<State>()) {
  State& state = *state_;
  state.maxBytes = maxBytes;
  state.name = options.name;
  state.leftDelim = options.leftDelim;
  state.rightDelim = options.rightDelim;
  state.options = {state.name, state.leftDelim, state.rightDelim, options.missingKey};
}

TemplateCache::~TemplateCache() = default;

Result<Template> TemplateCache::get(std::string_view text) {
  State& state = *state_;
  {
    const std::lock_guard lock(state.mutex);
    if (const auto found = state.byText.find(text); found != state.byText.end()) {
      state.entries.splice(state.entries.begin(), state.entries, found->second);
      return found->second->parsed;
    }
  }
  // Without the lock: another thread may parse the same text meanwhile, and one of the two results
  // is kept.
  ASSIGN_OR_RETURN(Template parsed, Template::parse(text, state.options));
  const std::size_t bytes = parsed.bytes() + text.size() + sizeof(State::Entry);
  if (bytes > state.maxBytes) return parsed;
  const std::lock_guard lock(state.mutex);
  if (state.byText.contains(text)) return parsed;
  state.entries.push_front({std::string(text), parsed, bytes});
  state.byText.emplace(state.entries.front().text, state.entries.begin());
  state.bytes += bytes;
  while (state.bytes > state.maxBytes) {
    state.bytes -= state.entries.back().bytes;
    state.byText.erase(state.entries.back().text);
    state.entries.pop_back();
  }
  return parsed;
}

Result<std::string> TemplateCache::render(std::string_view text, const Value& data,
                                          const Limits& limits) {
  if (!containsAction(text, state_->options.leftDelim)) return std::string(text);
  ASSIGN_OR_RETURN(const Template parsed, get(text));
  return parsed.execute(data, limits);
}

std::size_t TemplateCache::size() const {
  const std::lock_guard lock(state_->mutex);
  return state_->entries.size();
}

std::size_t TemplateCache::bytes() const {
  const std::lock_guard lock(state_->mutex);
  return state_->bytes;
}

}  // namespace iop::gotemplate
