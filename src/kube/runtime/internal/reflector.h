#pragma once

// The wire half of an informer: lists, watches, and decides what to do when a stream ends. The
// rules are those of client-go's reflector (tools/cache/reflector.go), with a bound on the wait for
// the end of a streamed list.

#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "kube/client/client.h"
#include "kube/runtime/informer.h"

namespace iop::kube::runtime {

// What a reflector finds out; called on its thread.
class ReflectorSink {
 public:
  virtual ~ReflectorSink() = default;
  // An object of a list or a stream, on its way in; nothing: it is to be ignored.
  virtual std::optional<Value> project(Value&& object) = 0;
  // These are all objects (projected), as of that version.
  virtual void replace(std::vector<Value> objects, const std::string& resourceVersion) = 0;
  // One was added, modified or deleted (not projected).
  virtual void change(client::WatchEvent&& event) = 0;
  // Everything up to that version has been told (a bookmark).
  virtual void progress(const std::string& resourceVersion) = 0;
  // The server has answered, or something failed and will be tried again.
  virtual void succeeded() = 0;
  virtual void failed(const Error& error) = 0;
};

class Reflector {
 public:
  Reflector(client::Client& client, base::Clock& clock, const InformerOptions& options,
            ReflectorSink& sink);
  ~Reflector();

  // Until `stop` asks.
  void run(std::stop_token stop);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace iop::kube::runtime
