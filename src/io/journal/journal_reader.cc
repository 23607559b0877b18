#include "io/journal/journal_reader.h"

#include <utility>

#include <fmt/format.h>

#include "io/journal/input_codec.h"

namespace paramedic::journal {

Result<std::unique_ptr<JournalReader>> JournalReader::open(const std::string& dir) {
  auto files = list_segments(dir);
  if (!files) return files.error();
  if (files->empty())
    return make_error(Errc::not_found, dir + " holds no recorded inputs; the monitor writes them with record: full");
  return std::unique_ptr<JournalReader>(new JournalReader(std::move(*files)));
}

Error JournalReader::damage(std::size_t offset, std::string_view what) const {
  return make_error(Errc::corrupt,
                    fmt::format("{} at byte {}: {}; what follows in this file cannot be read", name_, offset, what));
}

void JournalReader::emit(const Now& now, decltype(JournalEvent::what) what, std::size_t offset) {
  ready_.push_back({now, std::move(what), name_, offset});
}

Result<std::optional<JournalEvent>> JournalReader::next() {
  while (ready_.empty()) {
    if (file_.empty() && next_file_ == files_.size()) return std::optional<JournalEvent>();
    const auto done = file_.empty() ? open_segment() : read_frame();
    if (done) continue;
    skip_segment();
    return done.error();
  }
  std::optional<JournalEvent> out(std::move(ready_.front()));
  ready_.pop_front();
  return out;
}

void JournalReader::skip_segment() {
  file_.clear();
  step_.reset();
  state_.reset();
}

Result<void> JournalReader::open_segment() {
  const SegmentFile& at = files_[next_file_++];
  name_ = segment_name(at.sequence);
  // Removed meanwhile by the byte cap: the next one says what is missing.
  auto bytes = read_front(at.path, kMaxSegmentFile + 1);
  if (!bytes) return bytes.error().code == Errc::not_found ? Result<void>() : bytes.error();
  if (bytes->size() > kMaxSegmentFile)
    return make_error(Errc::corrupt, fmt::format("{} is larger than any segment of a journal", name_));
  if (torn_header(*bytes)) return remarks_.push_back(name_ + " ends within its header"), Result<void>();
  const auto header = decode_header(*bytes, offset_);
  if (!header) return make_error(header.error().code, fmt::format("{}: {}", name_, header.error().message));
  if (header->shape != shape_of_inputs())
    return make_error(Errc::invalid_argument,
                      fmt::format("{} was written by build '{}', whose inputs look otherwise; read it with that build",
                                  name_, header->build_id));
  file_ = std::move(*bytes);
  const bool other_run = header->run != run_;
  header_ = *header;
  if (other_run) {
    run_ = header_.run;
    run_records_ = 0;
    last_ = header_.at;
    if (header_.first_record == 0)
      state_.emplace();  // told when it is complete
    else
      emit(header_.at, RunBegins{header_, false, {}}, 0);
    state_parts_ = 0;
  }
  if (header_.first_record > run_records_) {
    GapRecord gap{.reason = GapReason::lost, .records = header_.first_record - run_records_, .since = last_};
    emit(header_.at, gap, 0);
  }
  run_records_ = header_.first_record;
  return {};
}

Result<void> JournalReader::read_frame() {
  const Frame frame = next_frame(file_, offset_);
  switch (frame.state) {
    case Frame::State::end:
      finish_segment("");
      return {};
    case Frame::State::torn:
      finish_segment(fmt::format("{} ends at byte {} of {} within a record", name_, offset_, file_.size()));
      return {};
    case Frame::State::corrupt:
      return damage(offset_, "the record does not match its checksum");
    case Frame::State::good:
      break;
  }
  auto record = decode_record(frame.payload);
  if (!record) return damage(offset_, "the record does not decode");
  const std::size_t at = std::exchange(offset_, frame.next);
  ++records_;
  ++run_records_;
  last_ = record->now;
  return take(std::move(*record), at);
}

// What was not finished here is finished nowhere: neither a step nor the state goes over two segments.
void JournalReader::finish_segment(std::string_view torn) {
  if (!torn.empty()) remarks_.emplace_back(torn);
  if (step_)
    remarks_.push_back(fmt::format("{} ends within a step: {} of its {} inputs are there", name_,
                                   std::get<RecordedStep>(step_->what).inputs.size(), step_inputs_));
  if (state_) remarks_.push_back(name_ + " ends before the first step of its run");
  skip_segment();
}

Result<void> JournalReader::take(Record record, std::size_t offset) {
  if (auto* part = std::get_if<StatePart>(&record.body)) return take(*part, record.now, offset);
  if (state_ && state_parts_ == 0) {  // it was too large to be written
    state_.reset();
    emit(record.now, RunBegins{header_, false, {}}, offset);
  }
  if (state_) return damage(offset, "the state that the run began with is not complete");
  auto* input = std::get_if<Input>(&record.body);
  if (bool(input) != step_.has_value())
    return damage(offset, input ? "an input stands outside of a step" : "a step has fewer inputs than it says");
  if (input) {
    auto& inputs = std::get<RecordedStep>(step_->what).inputs;
    inputs.push_back(std::move(*input));
    if (inputs.size() < step_inputs_) return {};
    ready_.push_back(std::move(*step_));
    step_.reset();
    return {};
  }
  if (const auto* step = std::get_if<StepRecord>(&record.body)) {
    JournalEvent event{record.now, RecordedStep{step->oldest_wait, {}}, name_, offset};
    step_inputs_ = step->inputs;
    if (step_inputs_ == 0)
      ready_.push_back(std::move(event));
    else
      step_ = std::move(event);
    return {};
  }
  if (auto* saved = std::get_if<AnalysisRecord>(&record.body)) emit(record.now, std::move(*saved), offset);
  if (auto* gap = std::get_if<GapRecord>(&record.body)) emit(record.now, *gap, offset);
  if (auto* reload = std::get_if<ReloadRecord>(&record.body)) emit(record.now, std::move(*reload), offset);
  if (std::holds_alternative<EndRecord>(record.body)) emit(record.now, EndRecord{}, offset);
  return {};
}

Result<void> JournalReader::take(StatePart& part, const Now& now, std::size_t offset) {
  if (!state_ || part.index != state_parts_ || part.index >= part.count)
    return damage(offset, "a part of the run's first state stands where none belongs");
  if (state_->size() + part.bytes.size() > kMaxState) return damage(offset, "the run's first state is too large");
  *state_ += part.bytes;
  if (++state_parts_ < part.count) return {};
  auto state = decode_state(*state_);
  if (!state) return damage(offset, "the run's first state does not decode");
  state_.reset();
  emit(now, RunBegins{header_, true, std::move(*state)}, offset);
  return {};
}

}  // namespace paramedic::journal
