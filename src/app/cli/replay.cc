// paramedic replay --config NEW.yaml: recorded days once more under another configuration (docs/replay.md). Looks at
// copies: a monitor may run on the data directory meanwhile, and nothing of it is changed.
#include "app/replay/replay.h"

#include <cstdlib>
#include <filesystem>
#include <iostream>

#include <fmt/format.h>

#include "app/cli/commands.h"
#include "app/cli/instant.h"
#include "app/cli/monitor.h"
#include "app/cli/replay_text.h"
#include "app/cli/stored_copy.h"
#include "base/build_id.h"
#include "base/text.h"

namespace paramedic::cli {

namespace fs = std::filesystem;

namespace {

constexpr Duration kDefaultHistory = 24h * 7;  // how long rows are kept by default
constexpr std::size_t kShown = 20, kShownJson = 1000;

struct Question {
  replay::ConfiguredEngine new_config, old_config;
  std::string data_dir;
  WallTime from{}, to{};
  bool from_given = false;
};

Result<replay::ConfiguredEngine> read_config(const std::string& file, std::string* data_dir) {
  auto settings = load_monitor(file, "", "");
  if (!settings) return settings.error();
  if (data_dir && data_dir->empty()) *data_dir = settings->config.data_dir;
  return replay::ConfiguredEngine{std::move(settings->engine), settings->config.hash};
}

Result<Question> understand(const ReplayOptions& options) {
  Question out;
  out.data_dir = options.data_dir;
  auto fresh = read_config(options.config_file, &out.data_dir);
  if (!fresh) return fresh.error();
  out.new_config = std::move(*fresh);
  if (!options.old_config_file.empty()) {
    auto old = read_config(options.old_config_file, nullptr);
    if (!old) return with_context(old.error(), "--old");
    out.old_config = std::move(*old);
  }
  const WallTime now = SystemClock().now().wall;
  const auto to = options.to.empty() ? Result<WallTime>(now) : parse_instant(options.to, "--to", now);
  if (!to) return to.error();
  out.to = *to;
  out.from_given = !options.from.empty();
  const auto from = out.from_given ? parse_instant(options.from, "--from", now) : Result<WallTime>(WallTime{});
  if (!from) return from.error();
  out.from = *from;
  if (out.to <= out.from) return Error{Errc::invalid_argument, "--to must lie after --from"};
  std::error_code ignored;
  if (!fs::exists(out.data_dir, ignored))
    return Error{Errc::not_found, out.data_dir + " does not exist; name the data_dir of a monitor with --data-dir"};
  return out;
}

Result<replay::ReplayResult> from_history(const Question& question, replay::ReplayOptions ask, const WorkFolder& work,
                                          StoredCopy& stores, const std::string& why) {
  if (!question.from_given) ask.from = std::max(WallTime{}, question.to - kDefaultHistory);
  if (auto done = open_history_copy(question.data_dir, work, stores); !done) return done.error();
  if (!stores.history || !stores.ledger)
    return Error{
        Errc::not_found,
        fmt::format("{}{} holds no {}; name the data_dir of a monitor with --data-dir (stores on Redis cannot be "
                    "replayed)",
                    why.empty() ? "" : why + "; ", question.data_dir, stores.ledger ? "history.db" : "ledger.db")};
  ask.history = stores.history.get();
  ask.ledger = stores.ledger.get();
  auto result = replay::replay_history(ask);
  if (result && !why.empty()) result->remark(why);
  return result;
}

Result<replay::ReplayResult> replay_question(const ReplayOptions& options, const Question& question) {
  auto work = WorkFolder::make();
  if (!work) return work.error();
  StoredCopy stores;
  if (auto done = open_ledger_copy(question.data_dir, *work, stores); !done) return done.error();
  replay::ReplayOptions ask{.new_config = &question.new_config};
  if (!options.old_config_file.empty()) ask.old_config = &question.old_config;
  ask.inputs_dir = question.data_dir + "/inputs";
  ask.from = question.from;
  ask.to = question.to;
  ask.build_id = fmt::format("{} {}", kVersion, build_id());
  ask.ledger = stores.ledger.get();
  if (options.approximate) return from_history(question, ask, *work, stores, "");
  if (!stores.ledger && !ask.old_config)
    return Error{Errc::not_found, question.data_dir +
                                      " holds no ledger.db, so that what really happened is not known; name the old "
                                      "configuration with --old, or the data_dir of a monitor with --data-dir"};
  auto exact = replay::replay_inputs(ask);
  if (exact || exact.error().code != Errc::not_found) return exact;
  return from_history(question, ask, *work, stores,
                      "no inputs are recorded of this time (record: full writes them from now on)");
}

}  // namespace

int replay_days(const ReplayOptions& options) {
  const auto question = understand(options);
  if (!question) return fail(question.error());
  const auto result = replay_question(options, *question);
  if (!result) return fail(result.error());
  const ReplayNames names{.new_file = options.config_file,
                          .old_file = options.old_config_file,
                          .new_hash = question->new_config.hash,
                          .most = options.all    ? 0
                                  : options.json ? kShownJson
                                                 : kShown};
  std::cout << (options.json ? replay_json(*result, names) : replay_text(*result, names));
  return 0;
}

}  // namespace paramedic::cli
