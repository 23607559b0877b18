// Reports as JSON, both ways: the one schema of agent, HTTP, SDKs and adapters (docs/formats/report.md). Pure
// functions, any thread. Untrusted input: size, depth, counts, text lengths and ranges are bounded before anything is
// kept; unknown members are ignored and counted; a wrong member refuses its report with a sentence that names it,
// "disks[2].used_percent: must be a number from 0 to 100".
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/report.h"

namespace paramedic::wire {

inline constexpr std::size_t kMaxReportBytes = 256 * 1024;
inline constexpr std::size_t kMaxBulkBytes = 16 * 1024 * 1024;
inline constexpr std::size_t kMaxBulkReports = 20'000;
inline constexpr std::size_t kMaxNameBytes = 200;    // pool, host, queue, task type, model, mount, GPU id
inline constexpr std::size_t kMaxErrorBytes = 1024;  // model error text; longer text is cut

struct ParseStats {
  std::uint64_t unknown_fields = 0;  // members and capability words that this version does not know
  std::uint64_t dropped_items = 0;   // in-flight tasks beyond kMaxInFlight: the oldest are kept
};

// `worker_id`: the id that the caller already knows (the path of POST /health/workers/{id}/report), or empty. Then the
// body may leave it out and must not contradict it. Errors: invalid_argument (syntax, or the member that is wrong),
// too_large.
Result<Report> parse_report(std::string_view json, ParseStats* stats = nullptr, std::string_view worker_id = {});

// POST /health/reports: a JSON array or NDJSON (told apart by the first character). Each item stands for itself.
struct BulkReports {
  struct Refused {
    std::size_t index = 0;  // position in the array, or number of the non-empty line, from 0
    std::string message;
  };
  std::vector<Report> reports;  // in order
  std::vector<Refused> refused;
  ParseStats stats;
};
// Errors only when nothing can be told apart: an array that is not JSON, or limits on bytes and count.
Result<BulkReports> parse_reports(std::string_view body);

// {"accepted":2,"refused":[{"index":1,"message":"…"}]}
std::string bulk_answer_json(const BulkReports& bulk);

// Writes what is set, nothing else; parse_report reads back an equal report: times to the
// millisecond; numbers of up to four decimals exactly, longer ones to one unit in the last place (Boost.JSON 1.81).
void append_report(std::string& out, const Report& report);
std::string report_json(const Report& report);

}  // namespace paramedic::wire
