// Inside io/wire only: reports from parsed JSON, for report_json.cc and agent_protocol.cc.
#pragma once
#include "io/wire/json_reader.h"
#include "io/wire/json_writer.h"
#include "io/wire/report_json.h"

namespace paramedic::wire {

Result<Report> read_report(const json::value& v, ParseStats& stats, std::string_view worker_id = {});
bool read_exit(Fields& f, const json::value& v, ExitInfo& out);
bool read_in_flight(Fields& f, const json::value& v, InFlightTask& out);
bool read_labels(Fields& f, std::string_view key, const json::value& v, Labels& out);
void write_report(JsonWriter& w, const Report& report);
// {code, signal, oom, unknown_cause}: absent members where nothing is known.
void write_exit_compact(JsonWriter& w, const ExitInfo& exit);

}  // namespace paramedic::wire
