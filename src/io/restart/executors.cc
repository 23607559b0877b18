// What all kinds of executors share: the list, the common keys, the job as JSON.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "io/restart/executor_kind.h"
#include "io/wire/json_writer.h"

namespace paramedic::restart {

namespace {

struct Kind {
  std::string_view name;
  std::shared_ptr<const Executor> (*make)(ParamsReader& r, const KindContext& context);
};
constexpr auto kKinds = std::to_array<Kind>({
#define PARAMEDIC_EXECUTOR(name) {#name, make_##name},
#include "io/restart/builtin_executors.def"
#undef PARAMEDIC_EXECUTOR
});

std::string names() {
  std::string out;
  for (const Kind& kind : kKinds) (out += out.empty() ? "" : ", ") += kind.name;
  return out;
}

using AllowLists = std::map<std::string, std::vector<std::string>, std::less<>>;

AllowLists read_allow_lists(const Params& shared, Problems& problems) {
  AllowLists out;
  ParamsReader r(&shared, "executors", problems);
  for (const Kind& kind : kKinds) {
    ParamsReader one = r.child(kind.name);
    one.read("allow", out[std::string(kind.name)]);
    one.finish();
  }
  r.finish();
  return out;
}

ExecutorSetup read_executor(const Params& params, const std::string& path, const AllowLists& allow,
                            Problems& problems) {
  ExecutorSetup out;
  ParamsReader r(&params, path, problems);
  std::string type;
  r.read("type", type);
  r.read("timeout", out.limits.timeout, 100ms, 10min);
  r.read("parallel", out.limits.parallel, 1, 64);
  r.read("queue", out.limits.queue, 0, 10'000);
  const auto kind = std::find_if(kKinds.begin(), kKinds.end(), [&](const Kind& k) { return k.name == type; });
  if (kind == kKinds.end()) {
    r.problem("type",
              type.empty() ? "is missing; one of: " + names() : fmt::format("'{}' must be one of: {}", type, names()));
    return out;
  }
  out.kind = kind->name;
  out.executor = kind->make(r, {out.limits.timeout, allow.find(type)->second});
  r.finish();
  return out;
}

}  // namespace

ExecutorSetups read_executors(const Params& shared, const std::map<std::string, Params>& pools, Problems& problems) {
  const AllowLists allow = read_allow_lists(shared, problems);
  ExecutorSetups out;
  for (const auto& [pool, settings] : pools) {
    ExecutorSetup& setup = out[pool];
    const Params* params = settings.find("executor");
    if (params && params->kind != Params::Kind::null)
      setup = read_executor(*params, "pools." + pool + ".executor", allow, problems);
  }
  return out;
}

std::string job_json(const Job& job) {
  const Ladder& l = job.ladder;
  std::string out;
  wire::JsonWriter w(out);
  w.begin_object().field("action_id", l.action_id).field("worker_id", l.worker_id).field("pool", job.pool);
  w.field("host", job.host).field("incarnation", l.expected_incarnation).field("kind", l.kind);
  w.field("reason", l.reason);
  w.key("drain_seconds").seconds(l.drain).key("max_drain_seconds").seconds(l.max_drain);
  w.key("term_grace_seconds").seconds(l.term_grace);
  w.end_object();
  return out;
}

}  // namespace paramedic::restart
