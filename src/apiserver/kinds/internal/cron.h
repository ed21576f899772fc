#pragma once

// Cron schedules as CronJobs have them (github.com/robfig/cron/v3, ParseStandard). Pure.

#include <string>
#include <string_view>

namespace iop::apiserver::kinds::internal {

// What is wrong with a schedule, in that library's words; empty: nothing.
std::string findCronProblem(std::string_view schedule);

// Whether the system knows a time zone of that name ("Europe/Berlin").
bool isTimeZone(std::string_view name);

}  // namespace iop::apiserver::kinds::internal
