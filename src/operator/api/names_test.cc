#include "operator/api/names.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace iop::operators::api {
namespace {

// Tools and people look for these words: none is to come or go by accident.
TEST(Names, TheReasonsAreThoseOfTheContract) {
  std::set<std::string> reasons;
  for (int i = 0; i <= static_cast<int>(Reason::SocketCoupled); ++i)
    reasons.emplace(nameOf(static_cast<Reason>(i)));
  EXPECT_EQ(reasons, (std::set<std::string>{
                         "PlugCreated", "SocketNotCreated", "CouplingInProcess",
                         "CouplingSucceeded", "UpdatingInProcess", "Error", "SocketCreated",
                         "SocketEmpty", "SocketCoupled", "InterfaceMismatch", "NamespaceNotAllowed",
                         "SocketFull", "SocketTerminating", "ConfigInvalid", "ResultPending",
                         "ApparatusNotReady", "DeletionBlocked", "Flapping"}));
  for (const std::string& reason : reasons) EXPECT_EQ(nameOf(*parseReason(reason)), reason);
}

}  // namespace
}  // namespace iop::operators::api
