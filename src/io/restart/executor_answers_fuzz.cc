// libFuzzer target: any bytes as what an API server of Kubernetes or an Engine of Docker answers, and as an id that a
// template makes a name of. What is taken for a name can stand in a path as it is.
#include <cstdint>
#include <cstdlib>

#include "io/net/http.h"
#include "io/restart/docker_answers.h"
#include "io/restart/job_values.h"
#include "io/restart/kube_api.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace paramedic;
  using namespace paramedic::restart;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto pod = parse_pod(bytes); pod && (pod->uid.empty() || pod->uid.size() > 128)) std::abort();
  if (const auto container = parse_container(bytes); container && percent_encode(container->id) != container->id)
    std::abort();
  if (const auto version = parse_docker_version(bytes); version && version->text().size() > 25) std::abort();
  Job job;
  job.ladder.worker_id = std::string(bytes);
  const NameRule rule{"container", "_.-", 255, false, "letters"};
  const auto name = target_name(rule, "{worker_id}", job);
  if (name && (percent_encode(*name) != *name || name->find("..") != name->npos)) std::abort();
  return 0;
}
