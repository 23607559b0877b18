#include "app/replay/sides.h"

#include "app/replay/recorded_ledger.h"

namespace paramedic::replay {

void ReplayResult::remark(std::string text) {
  if (remarks.size() < kMaxRemarks)
    remarks.push_back(std::move(text));
  else
    ++remarks_left_out;
}

Sides::Sides(const ReplayOptions& options)
    : options_(options), new_side_(*options.new_config, options.from, options.to) {
  if (options.old_config) old_side_.emplace(*options.old_config, options.from, options.to);
}

void Sides::begin_run(const LedgerState& state, const std::string& recorded_hash, const Now& now) {
  new_side_.begin_run(state, recorded_hash, now);
  if (old_side_) old_side_->begin_run(state, recorded_hash, now);
}

void Sides::restore_analysis(const std::string& name, const std::string& bytes, const Now& now) {
  new_side_.restore_analysis(name, bytes, now);
  if (old_side_) old_side_->restore_analysis(name, bytes, now);
}

void Sides::reload(const std::string& recorded_hash, const Now& now) {
  new_side_.reload(recorded_hash, now);
  if (old_side_) old_side_->reload(recorded_hash, now);
}

void Sides::step(std::vector<Input>& inputs, Duration oldest_wait, const Now& now) {
  if (old_side_) {
    copy_ = inputs;
    old_side_->step(copy_, oldest_wait, now);
  }
  new_side_.step(inputs, oldest_wait, now);
}

Result<void> Sides::finish(ReplayResult& out) {
  new_side_.end_run();
  out.new_wishes = new_side_.wishes();
  out.steps = new_side_.steps();
  out.brought_in = new_side_.brought_in();
  out.old_side = old_side_ ? OldSide::engine : OldSide::ledger;
  Tally really(options_.from, options_.to);
  if (old_side_) {
    old_side_->end_run();
    out.old_wishes = old_side_->wishes();
  } else if (options_.ledger) {
    if (auto done = tally_ledger(*options_.ledger, out.spans, really); !done) return done;
  }
  const Tally& old_tally = old_side_ ? old_side_->tally() : really;
  out.episodes_left_out = old_tally.left_out() + new_side_.tally().left_out();
  out.comparison = compare(old_tally, new_side_.tally(), out.spans);
  return {};
}

}  // namespace paramedic::replay
