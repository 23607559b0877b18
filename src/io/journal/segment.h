// One file of the input journal (docs/formats/inputs.md): 8 bytes of magic, a header, then records; header and records
// have the same frame. Pure reading and writing of bytes; the files are InputJournal's and JournalReader's. Any thread.
//
//   magic    "PMINP" 0 0 VERSION
//   frame    length of the payload (4), CRC-32C over the length and the payload (4), payload
//   record   payload = kind (1), steady and wall time (8 each), and what the kind says
// Numbers are little-endian.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/clock.h"
#include "base/result.h"
#include "model/input.h"

namespace paramedic::journal {

inline constexpr std::size_t kMagicBytes = 8;
inline constexpr std::size_t kFrameHead = 8;
inline constexpr std::size_t kMaxPayload = 4 << 20;          // of one record
inline constexpr std::uint64_t kMaxState = 256 << 20;        // of the state that a run begins with
inline constexpr std::uint64_t kMaxSegmentFile = 384 << 20;  // a larger file is none of ours
inline constexpr std::string_view kSegmentSuffix = ".inputs";

// "00000000000000000007.inputs"
std::string segment_name(std::uint64_t sequence);
std::optional<std::uint64_t> segment_sequence(std::string_view name);

// What stands at the front of a segment.
struct SegmentHeader {
  std::uint64_t sequence = 0;      // as in the name; rises over all runs
  std::string run;                 // one life of the monitor; the same in all its segments
  std::uint64_t first_record = 0;  // how many records of the run stand in segments before this one
  std::string build_id;            // version and build of the program that wrote it
  std::string config_hash;         // of the configuration in force
  std::uint64_t shape = 0;         // shape_of_inputs() of the program that wrote it
  Now at;                          // when the segment began
  bool operator==(const SegmentHeader& other) const;
};

std::string encode_header(const SegmentHeader& header);  // magic and frame
// Error: corrupt, or invalid_argument for another version; names what is wrong. `end` = where the records begin.
Result<SegmentHeader> decode_header(std::string_view file, std::size_t& end);
// Whether the file ends before its header does: it was being made when the monitor or the power went.
bool torn_header(std::string_view file);

// ---- records ----

// Why inputs are missing.
enum class GapReason {
  queue_full,  // they came faster than the disk took them
  too_large,   // a step or an input beyond the limits of the format
  lost         // said by the reader alone: records that were written and are not there any more
};

// A part of encode_state(); all parts of a run stand at its front, before the first step.
struct StatePart {
  std::uint64_t index = 0, count = 1;
  std::string bytes;
};
// Engine::step at this instant, with the `inputs` records that follow.
struct StepRecord {
  Duration oldest_wait{};
  std::uint64_t inputs = 0;
};
struct GapRecord {
  GapReason reason = GapReason::queue_full;
  std::uint64_t steps = 0, inputs = 0, records = 0;  // records: of `lost` alone, where the others are not known
  Now since;
};
// From here on another configuration holds.
struct ReloadRecord {
  std::string config_hash;
};
// The monitor ended as it should.
struct EndRecord {};
// Engine::restore_analysis of one worker or task type, behind the first state and before the first step.
struct AnalysisRecord {
  std::string name, bytes;  // as SavedState
};

using RecordBody = std::variant<StatePart, StepRecord, Input, GapRecord, ReloadRecord, EndRecord, AnalysisRecord>;
struct Record {
  Now now;
  RecordBody body;
};

// Appends a frame with room for the checksum, which seal_frames() fills in. False: larger than kMaxPayload; nothing was
// appended.
bool append_record(std::string& out, const Now& now, const RecordBody& body);
bool append_input(std::string& out, const Now& now, const Input& input);
// Makes the checksums of whole frames, one after the other.
void seal_frames(std::string& frames);

std::optional<Record> decode_record(std::string_view payload);

// The next frame of a file at `offset`.
struct Frame {
  enum class State {
    good,
    end,      // nothing more
    torn,     // the file ends within a frame, or with zeros: it was being written when the monitor or the power went
    corrupt,  // damaged: what follows cannot be trusted either
  };
  State state = State::end;
  std::string_view payload;
  std::size_t next = 0;  // offset of the frame behind it
};
Frame next_frame(std::string_view file, std::size_t offset);

}  // namespace paramedic::journal

namespace paramedic {
PARAMEDIC_ENUM_NAMES(journal::GapReason, "queue_full", "too_large", "lost")
}
