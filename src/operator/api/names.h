#pragma once

// The words of the API integration.rock8s.com/v1beta1: kinds, events, condition types and reasons.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "kube/api/types.h"

namespace iop::operators::api {

inline constexpr std::string_view kGroup = "integration.rock8s.com";
inline constexpr std::string_view kVersion = "v1beta1";
inline constexpr std::string_view kApiVersion = "integration.rock8s.com/v1beta1";
inline constexpr std::string_view kFinalizer = "integration.rock8s.com/finalizer";
// An annotation that ends every wait of a deletion when it is "true".
inline constexpr std::string_view kForceDelete = "integration.rock8s.com/force-delete";
// The field manager of all that we write, and the component of our Kubernetes events.
inline constexpr std::string_view kFieldManager = "integration-operator";

const kube::api::Resource& plugResource();
const kube::api::Resource& socketResource();
const kube::api::Resource& interfaceResource();
const kube::api::Resource& deferredResourceResource();

// One of the two objects of a coupling.
enum class Side : std::uint8_t { Plug, Socket };
inline constexpr std::array kSides = {Side::Plug, Side::Socket};
inline std::string_view nameOf(Side side) { return side == Side::Plug ? "plug" : "socket"; }
inline std::string_view kindOf(Side side) { return side == Side::Plug ? "Plug" : "Socket"; }
inline Side otherSide(Side side) { return side == Side::Plug ? Side::Socket : Side::Plug; }

enum class Event : std::uint8_t { Created, Coupled, Updated, Decoupled, Deleted };
// "created", …: the words of `when` and the paths of an apparatus.
std::string_view nameOf(Event event);
std::optional<Event> parseEvent(std::string_view text);
// "PlugCreated", "SocketDecoupled", …: the reasons of Kubernetes events.
std::string reasonOf(Side side, Event event);

namespace condition {
inline constexpr std::string_view kCoupled = "Coupled";
inline constexpr std::string_view kFailed = "Failed";
inline constexpr std::string_view kReady = "Ready";
inline constexpr std::string_view kResolved = "Resolved";
// Read by kstatus (GitOps tools); there only while they are true.
inline constexpr std::string_view kReconciling = "Reconciling";
inline constexpr std::string_view kStalled = "Stalled";
}  // namespace condition

enum class Reason : std::uint8_t {
  PlugCreated,
  SocketNotCreated,
  CouplingInProcess,
  CouplingSucceeded,
  UpdatingInProcess,
  Flapping,
  Error,
  InterfaceMismatch,
  NamespaceNotAllowed,
  SocketFull,
  SocketTerminating,
  ConfigInvalid,
  ResultPending,
  ApparatusNotReady,
  DeletionBlocked,
  SocketCreated,
  SocketEmpty,
  SocketCoupled,
};
std::string_view nameOf(Reason reason);
std::optional<Reason> parseReason(std::string_view text);
// The reasons of a DeferredResource.
enum class DeferredReason : std::uint8_t { Pending, Success, Error };
std::string_view nameOf(DeferredReason reason);
// True for a reason that is a failure (`Failed` is true with it), false for a wait or a success.
bool isFailure(Reason reason);

}  // namespace iop::operators::api
