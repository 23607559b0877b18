// Inside io/restart: what a kind of executor is built from. A kind is one file with make_<name>(), which reads the keys
// of its own; finish() and the verdict over all problems are read_executors()'s.
#pragma once
#include "io/restart/executor.h"

namespace paramedic::restart {

struct KindContext {
  Duration timeout;
  std::vector<std::string> allow;  // executors.KIND.allow
};

#define PARAMEDIC_EXECUTOR(name) \
  std::shared_ptr<const Executor> make_##name(ParamsReader& r, const KindContext& context);
#include "io/restart/builtin_executors.def"
#undef PARAMEDIC_EXECUTOR

}  // namespace paramedic::restart
