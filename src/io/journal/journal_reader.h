// JournalReader: reads an input journal back, step by step, oldest first. Trusts no byte: a torn end is accepted and
// told in a remark, damage is an error that names file and offset, and what is missing is said by a gap where it is
// missing. One thread; a journal that is being written may be read as far as it has come.
#pragma once
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "io/journal/files.h"
#include "io/journal/segment.h"
#include "model/effects.h"

namespace paramedic::journal {

// A life of the monitor begins, or the part of it that is left.
struct RunBegins {
  SegmentHeader header;
  bool whole = false;    // from its first step on: Engine(config, now), restore(restored, now) and
                         // restore_analysis() of each AnalysisRecord that follows repeat it exactly
  LedgerState restored;  // when whole
};
struct RecordedStep {
  Duration oldest_wait{};
  std::vector<Input> inputs;
};
struct JournalEvent {
  Now now;
  std::variant<RunBegins, AnalysisRecord, RecordedStep, GapRecord, ReloadRecord, EndRecord> what;
  std::string file;  // name of the segment
  std::uint64_t offset = 0;
};

class JournalReader {
 public:
  // Errors: not_found (no segments there), io, forbidden.
  static Result<std::unique_ptr<JournalReader>> open(const std::string& dir);

  // Nothing at the end. After an error the next call goes on with the next segment, and says what is missing by then.
  // Errors: corrupt (file and offset named), invalid_argument (written by a build whose inputs look otherwise), io.
  Result<std::optional<JournalEvent>> next();

  // Torn ends that were met so far.
  const std::vector<std::string>& remarks() const { return remarks_; }
  std::uint64_t records() const { return records_; }  // good ones so far

 private:
  explicit JournalReader(std::vector<SegmentFile> files) : files_(std::move(files)) {}
  Result<void> open_segment();
  void begin_run(std::string run, bool whole);
  Result<void> read_frame();
  void skip_segment();
  Result<void> take(Record record, std::size_t offset);
  Result<void> take(StatePart& part, const Now& now, std::size_t offset);
  void finish_segment(std::string_view torn);
  void emit(const Now& now, decltype(JournalEvent::what) what, std::size_t offset);
  Error damage(std::size_t offset, std::string_view what) const;

  std::vector<SegmentFile> files_;
  std::size_t next_file_ = 0;
  std::string name_, file_;  // the segment at hand and its bytes; empty: none
  std::size_t offset_ = 0;
  SegmentHeader header_;
  std::string run_;
  std::uint64_t run_records_ = 0;  // of the run, in all segments so far
  std::uint64_t records_ = 0;
  Now last_;                          // of the latest record
  std::optional<std::string> state_;  // parts so far; set while they are read
  std::uint64_t state_parts_ = 0;     // read so far
  std::optional<JournalEvent> step_;  // whose inputs are being read
  std::uint64_t step_inputs_ = 0;     // it has that many
  std::deque<JournalEvent> ready_;
  std::vector<std::string> remarks_;
};

}  // namespace paramedic::journal
