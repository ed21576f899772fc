#include "operator/api/names.h"

namespace iop::operators::api {
namespace {

using kube::api::Resource;

constexpr std::array<std::string_view, 5> kEvents = {"created", "coupled", "updated", "decoupled",
                                                     "deleted"};
constexpr std::array<std::string_view, 5> kEventReasons = {"Created", "Coupled", "Updated",
                                                           "Decoupled", "Deleted"};

constexpr std::array<std::string_view, 18> kReasons = {
    "PlugCreated",
    "SocketNotCreated",
    "CouplingInProcess",
    "CouplingSucceeded",
    "UpdatingInProcess",
    "Flapping",
    "Error",
    "InterfaceMismatch",
    "NamespaceNotAllowed",
    "SocketFull",
    "SocketTerminating",
    "ConfigInvalid",
    "ResultPending",
    "ApparatusNotReady",
    "DeletionBlocked",
    "SocketCreated",
    "SocketEmpty",
    "SocketCoupled",
};

Resource ours(std::string_view plural, std::string_view kind) {
  return {std::string(kGroup), std::string(kVersion), std::string(plural), std::string(kind), true};
}

}  // namespace

const Resource& plugResource() {
  static const Resource resource = ours("plugs", "Plug");
  return resource;
}

const Resource& socketResource() {
  static const Resource resource = ours("sockets", "Socket");
  return resource;
}

const Resource& interfaceResource() {
  static const Resource resource = ours("interfaces", "Interface");
  return resource;
}

const Resource& deferredResourceResource() {
  static const Resource resource = ours("deferredresources", "DeferredResource");
  return resource;
}

std::string_view nameOf(Event event) { return kEvents[static_cast<std::size_t>(event)]; }

std::optional<Event> parseEvent(std::string_view text) {
  for (std::size_t i = 0; i < kEvents.size(); ++i) {
    if (kEvents[i] == text) return static_cast<Event>(i);
  }
  return std::nullopt;
}

std::string reasonOf(Side side, Event event) {
  return std::string(kindOf(side)).append(kEventReasons[static_cast<std::size_t>(event)]);
}

std::string_view nameOf(Reason reason) { return kReasons[static_cast<std::size_t>(reason)]; }

std::optional<Reason> parseReason(std::string_view text) {
  for (std::size_t i = 0; i < kReasons.size(); ++i) {
    if (kReasons[i] == text) return static_cast<Reason>(i);
  }
  return std::nullopt;
}

std::string_view nameOf(DeferredReason reason) {
  switch (reason) {
    case DeferredReason::Pending:
      return "Pending";
    case DeferredReason::Success:
      return "Success";
    case DeferredReason::Error:
      return "Error";
  }
  return "Error";
}

bool isFailure(Reason reason) {
  switch (reason) {
    case Reason::Error:
    case Reason::InterfaceMismatch:
    case Reason::NamespaceNotAllowed:
    case Reason::ConfigInvalid:
      return true;
    default:
      return false;
  }
}

}  // namespace iop::operators::api
