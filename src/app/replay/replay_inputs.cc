// The exact way: what the engine was given, from the input journal.
#include <fmt/format.h>

#include "app/replay/replay.h"
#include "app/replay/sides.h"
#include "base/text.h"
#include "io/journal/journal_reader.h"

namespace paramedic::replay {

namespace {

using journal::AnalysisRecord;
using journal::EndRecord;
using journal::GapRecord;
using journal::JournalEvent;
using journal::JournalReader;
using journal::RecordedStep;
using journal::ReloadRecord;
using journal::RunBegins;

class InputReplay {
 public:
  InputReplay(const ReplayOptions& options, JournalReader& reader)
      : options_(options), reader_(reader), sides_(options) {
    out_.evidence = Evidence::recorded_inputs;
    out_.exact = out_.new_is_recorded = true;
  }

  Result<ReplayResult> all() {
    while (auto event = next()) {
      if (event->now.wall >= options_.to) break;
      std::visit([&](auto& what) { take(what, event->now); }, event->what);
    }
    close_span();
    for (const std::string& remark : reader_.remarks()) out_.remark("torn end: " + remark);
    if (out_.spans.empty()) return first_error_.value_or(nothing_recorded());
    if (options_.from > WallTime{} && out_.spans.front().from > options_.from + kSame)
      out_.remark(fmt::format("nothing is recorded between {} and {}", format_time(options_.from),
                              format_time(out_.spans.front().from)));
    if (auto done = sides_.finish(out_); !done) return done.error();
    return std::move(out_);
  }

 private:
  // Damage is told; reading goes on behind it.
  std::optional<JournalEvent> next() {
    for (;;) {
      auto event = reader_.next();
      if (event) return std::move(*event);
      out_.remark(event.error().message);
      out_.exact = false;
      if (!first_error_) first_error_ = event.error();
    }
  }

  Error nothing_recorded() const {
    return make_error(Errc::not_found,
                      fmt::format("{} holds nothing between {} and {}; name another time with --from and --to, or take "
                                  "--approximate, which reads the history",
                                  options_.inputs_dir, format_time(options_.from), format_time(options_.to)));
  }

  void take(RunBegins& run, const Now& now) {
    close_span();
    ++out_.runs;
    if (!run.whole)
      not_exact(
          fmt::format("the beginning of the run at {} is lost: what the monitor knew then is not "
                      "known here",
                      format_time(now.wall)));
    if (run.header.build_id != options_.build_id)
      not_exact(fmt::format("recorded at {} by build '{}'; this is '{}', which may decide otherwise",
                            format_time(now.wall), run.header.build_id, options_.build_id));
    under(run.header.config_hash);
    if (options_.old_config && options_.old_config->hash != run.header.config_hash)
      out_.remark(
          fmt::format("the run at {} was not recorded under the old configuration that was named (its hash is "
                      "{}, that of the run {})",
                      format_time(now.wall), options_.old_config->hash, run.header.config_hash));
    sides_.begin_run(run.restored, run.header.config_hash, now);
    running_ = true;
    open_span(now.wall);
  }

  void take(RecordedStep& step, const Now& now) {
    if (!running_) return;
    if (!span_) open_span(now.wall);
    out_.inputs += step.inputs.size();
    for (const Input& input : step.inputs) out_.reports += std::holds_alternative<ReportInput>(input);
    sides_.step(step.inputs, step.oldest_wait, now);
    if (span_) span_->to = in_millis(now.wall);
  }

  void take(GapRecord& gap, const Now& now) {
    if (span_) span_->to = std::min(span_->to, in_millis(gap.since.wall));
    close_span();
    const std::string what = gap.reason == journal::GapReason::lost
                                 ? fmt::format("{} records are lost", gap.records)
                                 : fmt::format("{} steps with {} inputs were not recorded ({})", gap.steps, gap.inputs,
                                               to_string(gap.reason));
    not_exact(fmt::format("gap from {} to {}: {}", format_time(gap.since.wall), format_time(now.wall), what));
    open_span(now.wall);
  }

  void take(ReloadRecord& reload, const Now& now) {
    under(reload.config_hash);
    out_.remark(fmt::format("the monitor took another configuration on at {} (hash {})", format_time(now.wall),
                            reload.config_hash));
    sides_.reload(reload.config_hash, now);
  }

  void take(AnalysisRecord& saved, const Now& now) {
    if (running_) sides_.restore_analysis(saved.name, saved.bytes, now);
  }
  void take(EndRecord&, const Now&) { close_span(); }

  void under(const std::string& recorded_hash) {
    out_.new_is_recorded = out_.new_is_recorded && recorded_hash == options_.new_config->hash;
  }
  void not_exact(std::string why) {
    out_.exact = false;
    out_.remark(std::move(why));
  }
  // Nothing before `from` is compared, but the engines see it: they are warm then.
  void open_span(WallTime at) { span_ = Span{in_millis(std::max(at, options_.from)), in_millis(at)}; }
  void close_span() {
    if (span_ && span_->to > span_->from) out_.spans.push_back(*span_);
    span_.reset();
  }

  const ReplayOptions& options_;
  JournalReader& reader_;
  Sides sides_;
  ReplayResult out_;
  std::optional<Span> span_;
  std::optional<Error> first_error_;
  bool running_ = false;
};

}  // namespace

Result<ReplayResult> replay_inputs(const ReplayOptions& options) {
  auto reader = JournalReader::open(options.inputs_dir);
  if (!reader) return reader.error();
  return InputReplay(options, **reader).all();
}

}  // namespace paramedic::replay
