// How the demo's workers and broker are told to misbehave: small files below the demo's data directory. Used by
// `paramedic demo break`, by the API in demo mode, and by the demo's own processes. Any thread, any process.
//
//   DIR/workers/ID/        the worker's working directory (results, control file); also its disk quota
//   DIR/workers/ID/control the wanted fault, one word; the worker looks each 200 ms and clears it when it starts,
//                          so that a restart cures
//   DIR/broker/            queue.log, broker.sock
//   DIR/broker/control     "off" while the broker is to be down; kept over restarts of the demo's parts, cleared by
//   setup DIR/models/POOL.bin    the "model"
#pragma once
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/enum_names.h"
#include "base/result.h"

namespace paramedic::demo {

enum class Fault { none, crash, hang, leak, errors, slow, starve, disk, model, busy };
}  // namespace paramedic::demo
namespace paramedic {
PARAMEDIC_ENUM_NAMES(demo::Fault, "none", "crash", "hang", "leak", "errors", "slow", "starve", "disk", "model", "busy")
}
namespace paramedic::demo {

// One sentence per fault for the help text and the page: what it does, what Paramedic will say, what cures it.
std::string_view describe(Fault fault);

// The paths above, in one place. A plain value.
struct DemoLayout {
  std::filesystem::path root;
  std::filesystem::path workers() const { return root / "workers"; }
  std::filesystem::path worker(std::string_view id) const { return workers() / id; }
  std::filesystem::path control(std::string_view id) const { return worker(id) / "control"; }
  std::filesystem::path broker() const { return root / "broker"; }
  std::filesystem::path broker_socket() const { return broker() / "broker.sock"; }
  std::filesystem::path broker_control() const { return broker() / "control"; }
  std::filesystem::path model(std::string_view pool) const { return root / "models" / (std::string(pool) + ".bin"); }
};

// Ids of the workers that the demo in `root` has, sorted.
std::vector<std::string> demo_workers(const std::filesystem::path& root);

// Tells a worker to misbehave. Errors: not_found (names the workers that exist), io.
Result<void> break_worker(const std::filesystem::path& root, std::string_view id, Fault fault);
// Ends a fault that its worker survives: all but crash and hang, which need a restart.
Result<void> heal_worker(const std::filesystem::path& root, std::string_view id);
// The fault that is asked for now; `none` also when the file is missing or unreadable.
Fault wanted_fault(const std::filesystem::path& control_file);

// Stops or starts the demo's queue server. Errors: io.
Result<void> set_broker(const std::filesystem::path& root, bool on);
bool broker_wanted(const std::filesystem::path& root);

// What `paramedic demo break TARGET MODE` does, and the API's button: TARGET is a worker id, or "broker" with MODE
// "off" (or empty) or "on"; MODE "none" heals. Answers with a sentence that says what to watch for.
Result<std::string> demo_break(const std::filesystem::path& root, std::string_view target, std::string_view mode);

}  // namespace paramedic::demo
