// Jobs and CronJobs (pkg/registry/batch, pkg/apis/batch/validation/validation.go).

#include "apiserver/kinds/internal/cron.h"
#include "apiserver/kinds/internal/go_zero.h"
#include "apiserver/kinds/internal/names.h"
#include "apiserver/kinds/internal/pod.h"
#include "apiserver/kinds/internal/strategies.h"

namespace iop::apiserver::kinds::internal {
namespace {

constexpr int kBackoffLimit = 6, kMaxIndexedParallelism = 100'000;
constexpr std::size_t kMaxCronJobName = 52;
constexpr const char *kUidLabel = "batch.kubernetes.io/controller-uid",
                     *kNameLabel = "batch.kubernetes.io/job-name", *kOldUidLabel = "controller-uid",
                     *kOldNameLabel = "job-name";

void applyPodFailurePolicyDefaults(Value& spec) {
  const std::size_t rules = spec["podFailurePolicy"]["rules"].size();
  for (std::size_t i = 0; i < rules; ++i) {
    const std::size_t patterns = spec["podFailurePolicy"]["rules"].at(i)["onPodConditions"].size();
    for (std::size_t k = 0; k < patterns; ++k) {
      setDefault(spec.edit("podFailurePolicy")
                     .edit("rules")
                     .editItem(i)
                     .edit("onPodConditions")
                     .editItem(k),
                 "status", "True");
    }
  }
}

void applyJobDefaults(Value& job) {
  dropZeroValues(job);
  Value& spec = job.edit("spec");
  if (!spec.isNull() && !spec.isObject()) return;
  if (spec["completions"].isNull() && spec["parallelism"].isNull()) {
    spec.set("completions", 1);
    spec.set("parallelism", 1);
  }
  setDefault(spec, "parallelism", 1);
  setDefault(spec, "completionMode", "NonIndexed");
  setDefault(spec, "manualSelector", false);
  setDefault(spec, "suspend", false);
  setDefault(spec, "backoffLimit",
             spec["backoffLimitPerIndex"].isNull() ? Value(kBackoffLimit) : Value(2'147'483'647));
  setDefault(spec, "podReplacementPolicy",
             spec["podFailurePolicy"].isNull() ? "TerminatingOrFailed" : "Failed");
  applyPodFailurePolicyDefaults(spec);
  Value& podTemplate = spec.edit("template");
  if (!podTemplate.isNull() && !podTemplate.isObject()) return;
  const Value labels = podTemplate["metadata"]["labels"];
  if (!labels.empty() && job["metadata"]["labels"].empty())
    job.edit("metadata").set("labels", labels);
  applyPodTemplateDefaults(job.edit("spec").edit("template"));
}

// The selector and labels by which a Job finds its pods (generateSelector).
void prepareJobForCreate(Value& job) {
  job.set("status", Value::object());
  Value& spec = job.edit("spec");
  if (!spec.isObject() || spec["manualSelector"].asBool()) return;
  const std::string uid = job["metadata"]["uid"].toString();
  const std::string name = job["metadata"]["name"].toString();
  Value& labels = spec.edit("template").edit("metadata").edit("labels");
  if (!labels.isObject()) labels = Value::object();
  for (const auto& [label, value] : {std::pair{kUidLabel, uid},
                                     {kNameLabel, name},
                                     {kOldUidLabel, uid},
                                     {kOldNameLabel, name}}) {
    if (labels[label].asString().empty()) labels.set(label, value);
  }
  Value& selector = spec.edit("selector");
  if (!selector.isObject()) selector = Value::object();
  Value& wanted = selector.edit("matchLabels");
  if (!wanted.isObject()) wanted = Value::object();
  if (wanted[kUidLabel].asString().empty()) wanted.set(kUidLabel, uid);
  // A job without labels has those of its pods.
  Value& own = job.edit("metadata").edit("labels");
  if (own.empty()) own = job["spec"]["template"]["metadata"]["labels"];
}

void checkPodFailurePolicy(Errors& errors, const Path& path, const Value& spec) {
  static constexpr std::string_view kActions[] = {"Count", "FailIndex", "FailJob", "Ignore"};
  static constexpr std::string_view kOperators[] = {"In", "NotIn"};
  const Path rules = path["rules"];
  for (std::size_t i = 0; i < spec["podFailurePolicy"]["rules"].size(); ++i) {
    const Value& rule = spec["podFailurePolicy"]["rules"].at(i);
    const Path at = rules[i];
    if (rule["action"].asString().empty()) {
      errors.required(at["action"],
                      "valid values: \"Count\", \"FailIndex\", \"FailJob\", \"Ignore\"");
    } else {
      checkChoice(errors, at["action"], rule["action"], kActions);
    }
    const bool hasCodes = rule["onExitCodes"].isObject();
    const bool hasConditions = !rule["onPodConditions"].empty();
    if (hasCodes && hasConditions)
      errors.invalid(at, nullptr,
                     "specifying both OnExitCodes and OnPodConditions is not supported");
    if (!hasCodes && !hasConditions)
      errors.invalid(at, nullptr, "specifying one of OnExitCodes and OnPodConditions is required");
    if (!hasCodes) continue;
    const Path codes = at["onExitCodes"];
    checkChoice(errors, codes["operator"], rule["onExitCodes"]["operator"], kOperators);
    if (rule["onExitCodes"]["values"].empty())
      errors.invalid(codes["values"], rule["onExitCodes"]["values"],
                     "at least one value is required");
  }
}

// All of a Job's spec but its selector.
void checkJobSpec(Errors& errors, const Path& path, const Value& spec) {
  static constexpr std::string_view kModes[] = {"NonIndexed", "Indexed"};
  static constexpr std::string_view kRestart[] = {"OnFailure", "Never"};
  for (const char* field : {"parallelism", "completions", "activeDeadlineSeconds", "backoffLimit",
                            "ttlSecondsAfterFinished", "backoffLimitPerIndex", "maxFailedIndexes"})
    checkNonNegative(errors, path[field], spec[field]);
  if (spec["managedBy"].isString())
    errors.invalid(path["managedBy"], spec["managedBy"],
                   checkDomainPrefixedPath(spec["managedBy"].asString()));
  checkOptionalChoice(errors, path["completionMode"], spec["completionMode"], kModes);
  const bool isIndexed = spec["completionMode"].asString() == "Indexed";
  if (isIndexed) {
    if (spec["completions"].isNull())
      errors.required(path["completions"], "when completion mode is Indexed");
    if (spec["parallelism"].asInt() > kMaxIndexedParallelism)
      errors.invalid(path["parallelism"], spec["parallelism"],
                     "must be less than or equal to 100000 when completion mode is Indexed");
  } else {
    if (!spec["backoffLimitPerIndex"].isNull())
      errors.invalid(path["backoffLimitPerIndex"], spec["backoffLimitPerIndex"],
                     "requires indexed completion mode");
    if (!spec["maxFailedIndexes"].isNull())
      errors.invalid(path["maxFailedIndexes"], spec["maxFailedIndexes"],
                     "requires indexed completion mode");
  }
  if (spec["podFailurePolicy"].isObject())
    checkPodFailurePolicy(errors, path["podFailurePolicy"], spec);
  const Value& replacement = spec["podReplacementPolicy"];
  if (replacement.isString()) {
    if (spec["podFailurePolicy"].isObject()) {
      static constexpr std::string_view kFailed[] = {"Failed"};
      checkChoice(errors, path["podReplacementPolicy"], replacement, kFailed);
    } else {
      static constexpr std::string_view kReplacement[] = {"Failed", "TerminatingOrFailed"};
      checkChoice(errors, path["podReplacementPolicy"], replacement, kReplacement);
    }
  }
  checkPodTemplate(errors, path["template"], spec["template"]);
  const std::string_view restart = spec["template"]["spec"]["restartPolicy"].asString();
  const Path restartPath = path["template.spec.restartPolicy"];
  if (restart.empty() || restart == "Always") {
    errors.required(restartPath, R"(valid values: "OnFailure", "Never")");
  } else if (!isOneOf(restart, kRestart)) {
    errors.notSupported(restartPath, restart, kRestart);
  } else if (spec["podFailurePolicy"].isObject() && restart != "Never") {
    errors.invalid(restartPath, restart,
                   "only \"Never\" is supported when podFailurePolicy is specified");
  }
}

FieldErrors validateJob(const Value& job) {
  Errors errors;
  const Path root, path = root["spec"];
  const Value& spec = job["spec"];
  const Value& labels = spec["template"]["metadata"]["labels"];
  const Path selectorPath = path["selector"];
  if (spec["selector"].isNull()) {
    errors.required(selectorPath);
  } else {
    checkLabelSelector(errors, selectorPath, spec["selector"]);
  }
  const bool isWrong = !errors.empty() && !spec["selector"].isNull();
  if (!spec["manualSelector"].asBool() &&
      spec["selector"]["matchLabels"].size() + spec["selector"]["matchExpressions"].size() > 1)
    errors.invalid(selectorPath, spec["selector"], "`selector` not auto-generated");
  checkJobSpec(errors, path, spec);
  if (!isWrong && !selectorMatches(spec["selector"], labels))
    errors.invalid(path["template.metadata.labels"], labels,
                   "`selector` does not match template `labels`");
  return errors.take();
}

FieldErrors validateJobUpdate(const Value& job, const Value& old) {
  Errors errors;
  const Path root, path = root["spec"];
  const Value &spec = job["spec"], &before = old["spec"];
  // An indexed job may change its completions together with its parallelism.
  const bool isElastic =
      spec["completionMode"].asString() == "Indexed" && spec["completions"] == spec["parallelism"];
  if (!isElastic || spec["completions"].isNull())
    checkImmutable(errors, path["completions"], spec["completions"], before["completions"]);
  checkImmutable(errors, path["selector"], spec["selector"], before["selector"]);
  Value podTemplate = spec["template"];
  const bool mayChangePods = before["suspend"].asBool() && old["status"]["startTime"].isNull();
  if (mayChangePods) {
    // Where pods go may still be decided.
    for (const char* field : {"nodeSelector", "tolerations", "affinity", "schedulingGates"}) {
      Value& pod = podTemplate.edit("spec");
      const Value* was = before["template"]["spec"].find(field);
      if (was != nullptr) {
        pod.set(field, *was);
      } else {
        pod.erase(field);
      }
    }
    const Value* metadata = before["template"].find("metadata");
    if (metadata != nullptr) podTemplate.set("metadata", *metadata);
  }
  if (podTemplate != before["template"])
    errors.invalid(path["template"], spec["template"], std::string(kImmutable));
  for (const char* field :
       {"completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy"})
    checkImmutable(errors, path[field], spec[field], before[field]);
  return errors.take();
}

// ---- CronJobs ----

void applyCronJobDefaults(Value& job) {
  dropZeroValues(job);
  Value& spec = job.edit("spec");
  if (!spec.isNull() && !spec.isObject()) return;
  setDefault(spec, "concurrencyPolicy", "Allow");
  setDefault(spec, "suspend", false);
  setDefault(spec, "successfulJobsHistoryLimit", 3);
  setDefault(spec, "failedJobsHistoryLimit", 1);
  Value& podTemplate = spec.edit("jobTemplate");
  if (!podTemplate.isNull() && !podTemplate.isObject()) return;
  setDefault(podTemplate, "metadata", Value::object());
  Value& inner = podTemplate.edit("spec");
  if (!inner.isNull() && !inner.isObject()) return;
  // Of the job's own defaults only those of the pods are applied here.
  applyPodTemplateDefaults(inner.edit("template"));
  applyPodFailurePolicyDefaults(inner);
}

void initialiseStatus(Value& job) { job.set("status", Value::object()); }

FieldErrors validateCronJob(const Value& job) {
  static constexpr std::string_view kPolicies[] = {"Allow", "Forbid", "Replace"};
  static constexpr std::string_view kNotManual[] = {"nil", "false"};
  Errors errors;
  const Path root, path = root["spec"];
  const Value& spec = job["spec"];
  const std::string_view schedule = spec["schedule"].asString();
  if (schedule.empty()) {
    errors.required(path["schedule"]);
  } else if (schedule.find("TZ") != std::string_view::npos) {
    errors.invalid(path["schedule"], schedule,
                   "cannot use TZ or CRON_TZ in schedule, use timeZone field instead");
  } else if (const std::string problem = findCronProblem(schedule); !problem.empty()) {
    errors.invalid(path["schedule"], schedule, problem);
  }
  const Value& zone = spec["timeZone"];
  if (zone.isString()) {
    if (zone.empty()) {
      errors.invalid(path["timeZone"], zone, "timeZone must be nil or non-empty string");
    } else if (zone.asString() == "Local") {
      errors.invalid(path["timeZone"], zone,
                     "timeZone must be an explicit time zone as defined in "
                     "https://www.iana.org/time-zones");
    } else if (!isTimeZone(zone.asString())) {
      errors.invalid(path["timeZone"], zone, "unknown time zone " + zone.toString());
    }
  }
  checkNonNegative(errors, path["startingDeadlineSeconds"], spec["startingDeadlineSeconds"]);
  checkChoice(errors, path["concurrencyPolicy"], spec["concurrencyPolicy"], kPolicies);
  const Path podTemplate = path["jobTemplate.spec"];
  const Value& inner = spec["jobTemplate"]["spec"];
  checkJobSpec(errors, podTemplate, inner);
  if (inner["manualSelector"].asBool())
    errors.notSupported(podTemplate["manualSelector"], inner["manualSelector"], kNotManual);
  for (const char* field : {"successfulJobsHistoryLimit", "failedJobsHistoryLimit"})
    checkNonNegative(errors, path[field], spec[field]);
  // Names of its jobs have eleven characters more.
  const std::string_view name = job["metadata"]["name"].asString();
  if (name.size() > kMaxCronJobName)
    errors.invalid(root["metadata.name"], name, "must be no more than 52 characters");
  return errors.take();
}

}  // namespace

constinit const Strategy kJobs{.applyDefaults = applyJobDefaults,
                               .prepareForCreate = prepareJobForCreate,
                               .validate = validateJob,
                               .validateUpdate = validateJobUpdate,
                               .hasGeneration = true};

constinit const Strategy kCronJobs{.applyDefaults = applyCronJobDefaults,
                                   .prepareForCreate = initialiseStatus,
                                   .validate = validateCronJob,
                                   .hasGeneration = true};

}  // namespace iop::apiserver::kinds::internal
