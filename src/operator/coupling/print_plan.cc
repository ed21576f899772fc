#include "operator/coupling/plan.h"
#include "text/yaml.h"

namespace iop::operators::coupling {
namespace {

std::string_view nameOf(api::Do what) {
  switch (what) {
    case api::Do::Apply:
      return "apply";
    case api::Do::Delete:
      return "delete";
    case api::Do::Recreate:
      return "recreate";
  }
  return "apply";
}

Value printRef(const InputRef& ref) {
  Value out = Value::object(
      {{"apiVersion", ref.kind.apiVersion()}, {"kind", ref.kind.kind}, {"name", ref.key.name}});
  if (!ref.key.namespaceName.empty()) out.set("namespace", ref.key.namespaceName);
  if (!ref.user.empty()) out.set("as", ref.user);
  return out;
}

struct Printer {
  Value operator()(const AddFinalizer&) const { return Value::object({{"addFinalizer", true}}); }
  Value operator()(const RemoveFinalizer&) const {
    return Value::object({{"removeFinalizer", true}});
  }
  Value operator()(const DeleteSelf&) const { return Value::object({{"deleteSelf", true}}); }
  Value operator()(const WriteStatus&) const { return Value::object({{"writeStatus", true}}); }
  Value operator()(const ConfirmSocket&) const { return Value::object({{"confirmSocket", true}}); }
  Value operator()(const Call& call) const {
    return Value::object({{"call", Value::object({{"url", call.url}, {"body", call.body}})}});
  }
  Value operator()(const Effect& effect) const {
    return Value::object(
        {{nameOf(effect.rendered.what), effect.rendered.object}, {"as", effect.user}});
  }
  Value operator()(const Prune& prune) const {
    return Value::object({{"prune", api::printInventory({prune.entry}).at(0)}, {"as", prune.user}});
  }
  Value operator()(const Notice& notice) const {
    return Value::object({{"event", Value::object({{"on", api::nameOf(notice.side)},
                                                   {"type", notice.warning ? "Warning" : "Normal"},
                                                   {"reason", notice.reason},
                                                   {"message", notice.message}})}});
  }
  Value operator()(const Mark& mark) const {
    switch (mark.kind) {
      case Mark::Kind::Created:
        return Value::object({{"mark", "created"}});
      case Mark::Kind::Delivered:
        return Value::object({{"mark", "delivered to " + std::string(api::nameOf(mark.side))}});
      case Mark::Kind::Forget:
        return Value::object({{"mark", "forget the UID of " + mark.entry.object.kind + " " +
                                           mark.entry.object.name}});
      case Mark::Kind::Replace:
        return Value::object({{"status", mark.status}});
    }
    return {};
  }
};

Value printNeeds(const Needs& needs) {
  Value out = Value::object();
  for (const InputRef& ref : needs.contents) out.edit("contents").push(printRef(ref));
  for (const InputRef& ref : needs.versions) out.edit("versions").push(printRef(ref));
  for (const GroupVersionKind& kind : needs.resources) {
    out.edit("resources")
        .push(Value::object({{"apiVersion", kind.apiVersion()}, {"kind", kind.kind}}));
  }
  for (const ConfigRequest& request : needs.configs) {
    out.edit("configs").push(Value::object({{"url", request.url}, {"body", request.body}}));
  }
  return out;
}

}  // namespace

std::string printPlan(const Plan& plan) {
  Value out = Value::object();
  if (!plan.needs.empty()) out.set("needs", printNeeds(plan.needs));
  for (const Action& action : plan.actions)
    out.edit("actions").push(std::visit(Printer{}, action.what));
  if (plan.tolerant) out.set("tolerant", true);
  if (plan.force) out.set("force", true);
  if (plan.again) out.set("again", true);
  if (plan.takesPlace) out.set("takesPlace", true);
  if (plan.failure) out.set("failure", plan.failure->message);
  if (plan.requeueAfter) {
    out.set("requeueAfterMilliseconds",
            std::chrono::duration_cast<std::chrono::milliseconds>(*plan.requeueAfter).count());
  }
  for (const InputRef& ref : plan.watched) out.edit("watched").push(printRef(ref));
  return text::printYaml(out);
}

}  // namespace iop::operators::coupling
