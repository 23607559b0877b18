// What is recorded of the engine's inputs: times and files, never the inputs themselves.
#include "io/api/core.h"
#include "io/api/query.h"

namespace paramedic::api {

namespace {

constexpr std::size_t kMaxSegments = 1000;

void write_segment(wire::JsonWriter& w, const RecordedSegment& s) {
  w.begin_object().field("file", s.file).field("run", s.run).field("build_id", s.build_id);
  w.field("config_hash", s.config_hash).field("from", s.from).field("to", s.to).field("bytes", s.bytes);
  w.field("first_record", s.first_record).field("current", s.current).end_object();
}

}  // namespace

HttpReply get_inputs(Core& core, Call& call) {
  if (!core.ports.inputs)
    return problem_reply(
        make_error(Errc::not_found,
                   "inputs are not recorded: set record: full under history, see docs/configuration.md"),
        call.request.path);
  QueryReader reader(call.request.query);
  const auto before = reader.time("before");
  const auto limit = std::size_t(reader.number("limit", 1, kMaxSegments).value_or(100));
  if (auto ok = reader.finish(); !ok) return problem_reply(ok.error(), call.request.path);
  const RecordedInputs recorded = core.ports.inputs->recorded();
  std::string body;
  wire::JsonWriter w(body);
  w.begin_object().field("degraded", recorded.degraded).field("problem", recorded.problem);
  w.field("bytes", recorded.bytes).field("max_bytes", recorded.max_bytes);
  w.field("dropped_inputs", recorded.dropped_inputs).key("segments").begin_array();
  std::size_t written = 0;
  const RecordedSegment* last = nullptr;
  for (auto segment = recorded.segments.rbegin(); segment != recorded.segments.rend() && written < limit; ++segment) {
    if (before && segment->from >= *before) continue;
    write_segment(w, *segment);
    last = &*segment;
    ++written;
  }
  w.end_array();
  if (written == limit) w.field("next", last->from);
  w.end_object();
  return json_reply(std::move(body));
}

}  // namespace paramedic::api
