#include "app/agent/journal_text.h"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "base/text.h"
#include "io/wire/json_writer.h"

namespace paramedic::agent {
namespace {

namespace json = boost::json;
using wire::JsonWriter;

// Absent members keep their defaults: a newer version may add some.
std::string text_of(const json::object& o, std::string_view name) {
  const auto* value = o.if_contains(name);
  return value && value->is_string() ? std::string(value->get_string().data(), value->get_string().size())
                                     : std::string();
}
std::optional<std::int64_t> integer_of(const json::object& o, std::string_view name) {
  const auto* value = o.if_contains(name);
  if (value && value->is_int64()) return value->get_int64();
  return std::nullopt;
}
bool flag_of(const json::object& o, std::string_view name) {
  const auto* value = o.if_contains(name);
  return value && value->is_bool() && value->get_bool();
}
int int_of(const json::object& o, std::string_view name) { return static_cast<int>(integer_of(o, name).value_or(0)); }
std::optional<int> maybe_int(const json::object& o, std::string_view name) {
  const auto found = integer_of(o, name);
  return found ? std::optional(static_cast<int>(*found)) : std::nullopt;
}
// Nanoseconds, exactly.
Duration duration_of(const json::object& o, std::string_view name) { return Duration(integer_of(o, name).value_or(0)); }
WallTime time_of(const json::object& o) {
  const auto at = parse_time(text_of(o, "at"));
  return at ? *at : WallTime{};
}

void write_exit(JsonWriter& w, const ExitInfo& exit) {
  w.key("exit").begin_object().field_if("code", exit.code).field_if("signal", exit.signal);
  if (exit.oom) w.field("oom", true);
  if (exit.unknown_cause) w.field("unknown_cause", true);
  w.end_object();
}
ExitInfo read_exit(const json::object& o) {
  ExitInfo exit;
  const auto* value = o.if_contains("exit");
  if (!value || !value->is_object()) return exit;
  const auto& found = value->get_object();
  exit.code = maybe_int(found, "code");
  exit.signal = maybe_int(found, "signal");
  exit.oom = flag_of(found, "oom");
  exit.unknown_cause = flag_of(found, "unknown_cause");
  return exit;
}

void write(JsonWriter& w, const JournalHeader& header) { w.field("kind", "journal").field("version", header.version); }

void write(JsonWriter& w, const JournalWorker& worker) {
  w.field("kind", "worker").field("worker_id", worker.worker_id).field("phase", worker.phase);
  w.field_if("incarnation", worker.incarnation).field("pid", worker.pid);
  w.field("start_ticks", worker.start_ticks).field_if("boot_id", worker.boot_id).field("crashes", worker.crashes);
  if (worker.hold) w.field("hold", true).field_if("hold_reason", worker.hold_reason);
  write_exit(w, worker.exit);
}

void write(JsonWriter& w, const JournalStart& entry) {
  const auto& start = entry.start;
  w.field("kind", "start").field("action_id", start.action_id).field("worker_id", start.worker_id);
  w.field_if("previous_incarnation", start.previous_incarnation).field_if("incarnation", start.incarnation);
  w.field("crashes", start.crashes).field("at", entry.at);
  write_exit(w, start.exit);
  w.field_if("last_words", start.last_words);
}

void write(JsonWriter& w, const JournalLadder& entry) {
  const auto& ladder = entry.ladder;
  w.field("kind", "ladder").field("action_id", ladder.action_id).field("worker_id", ladder.worker_id);
  w.field_if("expected_incarnation", ladder.expected_incarnation).field("remedy", ladder.kind);
  w.field("drain_ns", ladder.drain.count()).field("max_drain_ns", ladder.max_drain.count());
  w.field("term_grace_ns", ladder.term_grace.count()).field("start_delay_ns", ladder.start_delay.count());
  w.field_if("reason", ladder.reason).field("at", entry.at).field("acked", entry.acked);
  const auto& progress = entry.progress;
  w.field("step", progress.step).field("done", progress.done).field("ok", progress.ok);
  w.field_if("new_incarnation", progress.new_incarnation).field_if("message", progress.message);
  if (!is_diagnosis(progress)) w.field_if("diagnosis", entry.diagnosis);
}

void write(JsonWriter& w, const JournalAck& ack) { w.field("kind", "ack").field("action_id", ack.action_id); }
void write(JsonWriter& w, const JournalForget& f) { w.field("kind", "forget").field("worker_id", f.worker_id); }
void write(JsonWriter& w, const JournalClean&) { w.field("kind", "clean"); }

JournalWorker read_worker(const json::object& o) {
  JournalWorker worker;
  worker.worker_id = text_of(o, "worker_id");
  worker.phase = parse_enum<JournalWorker::Phase>(text_of(o, "phase")).value_or(JournalWorker::Phase::dead);
  worker.incarnation = text_of(o, "incarnation");
  worker.pid = int_of(o, "pid");
  worker.start_ticks = static_cast<std::uint64_t>(integer_of(o, "start_ticks").value_or(0));
  worker.boot_id = text_of(o, "boot_id");
  worker.crashes = int_of(o, "crashes");
  worker.hold = flag_of(o, "hold");
  worker.hold_reason = text_of(o, "hold_reason");
  worker.exit = read_exit(o);
  return worker;
}

JournalStart read_start(const json::object& o) {
  JournalStart entry;
  entry.start.action_id = text_of(o, "action_id");
  entry.start.worker_id = text_of(o, "worker_id");
  entry.start.previous_incarnation = text_of(o, "previous_incarnation");
  entry.start.incarnation = text_of(o, "incarnation");
  entry.start.crashes = int_of(o, "crashes");
  entry.start.exit = read_exit(o);
  entry.start.last_words = text_of(o, "last_words");
  entry.at = time_of(o);
  return entry;
}

JournalLadder read_ladder(const json::object& o) {
  JournalLadder entry;
  auto& ladder = entry.ladder;
  ladder.action_id = text_of(o, "action_id");
  ladder.worker_id = text_of(o, "worker_id");
  ladder.expected_incarnation = text_of(o, "expected_incarnation");
  ladder.kind = parse_enum<RemedyKind>(text_of(o, "remedy")).value_or(RemedyKind::restart);
  ladder.drain = duration_of(o, "drain_ns");
  ladder.max_drain = duration_of(o, "max_drain_ns");
  ladder.term_grace = duration_of(o, "term_grace_ns");
  ladder.start_delay = duration_of(o, "start_delay_ns");
  ladder.reason = text_of(o, "reason");
  auto& progress = entry.progress;
  progress.action_id = ladder.action_id;
  progress.worker_id = ladder.worker_id;
  progress.step = parse_enum<LadderStep>(text_of(o, "step")).value_or(LadderStep::accepted);
  progress.done = flag_of(o, "done");
  progress.ok = flag_of(o, "ok");
  progress.new_incarnation = text_of(o, "new_incarnation");
  progress.message = text_of(o, "message");
  entry.diagnosis = is_diagnosis(progress) ? progress.message : text_of(o, "diagnosis");
  entry.at = time_of(o);
  entry.acked = flag_of(o, "acked");
  return entry;
}

Error broken(std::string_view why) { return make_error(Errc::corrupt, "journal line is broken: " + std::string(why)); }

template <class T>
Result<JournalRecord> keyed(T record, const std::string& key) {
  if (key.empty()) return broken("its key is missing");
  return JournalRecord(std::move(record));
}

}  // namespace

std::string journal_line(const JournalRecord& record) {
  std::string line;
  JsonWriter w(line);
  w.begin_object();
  std::visit([&](const auto& r) { write(w, r); }, record);
  w.end_object();
  return line;
}

Result<JournalRecord> parse_journal_line(std::string_view line) {
  boost::system::error_code failed;
  const auto value = json::parse(json::string_view(line.data(), line.size()), failed);
  if (failed) return broken(failed.message());
  if (!value.is_object()) return broken("not an object");
  const auto& o = value.get_object();
  const auto kind = text_of(o, "kind");
  if (kind == "journal") return JournalRecord(JournalHeader{int_of(o, "version")});
  if (kind == "clean") return JournalRecord(JournalClean{});
  const auto action_id = text_of(o, "action_id");
  const auto worker_id = text_of(o, "worker_id");
  if (kind == "worker") return keyed(read_worker(o), worker_id);
  if (kind == "start") return keyed(read_start(o), action_id);
  if (kind == "ladder") return keyed(read_ladder(o), action_id);
  if (kind == "ack") return keyed(JournalAck{action_id}, action_id);
  if (kind == "forget") return keyed(JournalForget{worker_id}, worker_id);
  return broken("unknown kind " + kind);
}

}  // namespace paramedic::agent
