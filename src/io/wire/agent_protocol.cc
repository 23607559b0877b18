#include "io/wire/agent_protocol.h"

#include <fmt/format.h>

#include "io/wire/json_writer.h"
#include "io/wire/report_reader.h"

namespace paramedic::wire {

namespace {

constexpr std::size_t kMaxFrameBytes = 16 * 1024 * 1024;
constexpr std::size_t kMaxFrameItems = 20'000;
constexpr std::size_t kMaxTextBytes = 4096;
// Of the progress of a ladder: 16 KiB of a stack dump, whose bytes that are not UTF-8 have become three each.
constexpr std::size_t kMaxProgressBytes = 64 * 1024;
constexpr int kMaxCrashes = 1'000'000'000;
constexpr Duration kMaxSpan = 24h * 366;

using Key = std::string_view;
using Value = json::value;

// ---- encode --------------------------------------------------------------------------------------------------------

JsonWriter& begin(JsonWriter& w, std::string_view type) { return w.begin_object().field("type", type); }
JsonWriter& seconds(JsonWriter& w, std::string_view key, Duration d) { return w.key(key).seconds(d); }

void put(JsonWriter& w, const std::monostate&) { begin(w, "none"); }

void put(JsonWriter& w, const AgentHello& f) {
  begin(w, "hello").field("protocol", f.protocol).field("agent_id", f.agent_id).field("host", f.host);
  w.field("boot_id", f.boot_id).field("version", f.version);
  seconds(w, "period_seconds", f.period).key("workers").begin_array();
  for (const auto& worker : f.workers)
    w.begin_object().field("worker_id", worker.worker_id).field_if("incarnation", worker.incarnation).end_object();
  w.end_array();
}

void put(JsonWriter& w, const AgentReports& f) {
  begin(w, "reports");
  if (f.backlog) w.field("backlog", true);
  w.key("reports").begin_array();
  for (const Report& report : f.reports) write_report(w, report);
  w.end_array();
}

void put(JsonWriter& w, const AgentProgress& f) {
  begin(w, "progress").field("action_id", f.action_id).field("worker_id", f.worker_id).field("step", f.step);
  w.field("done", f.done)
      .field("ok", f.ok)
      .field_if("new_incarnation", f.new_incarnation)
      .field_if("message", f.message);
}

void put(JsonWriter& w, const AgentStarts& f) {
  begin(w, "starts").key("starts").begin_array();
  for (const AgentStart& s : f.starts) {
    w.begin_object().field("action_id", s.action_id).field("worker_id", s.worker_id);
    w.field_if("previous_incarnation", s.previous_incarnation).field_if("incarnation", s.incarnation);
    w.field("crashes", s.crashes).key("ago_seconds").seconds(s.ago);
    write_exit_compact(w.key("exit"), s.exit);
    w.field_if("last_words", s.last_words).end_object();
  }
  w.end_array();
}

void put(JsonWriter& w, const AgentAlive&) { begin(w, "alive"); }

void put(JsonWriter& w, const MonitorWelcome& f) {
  begin(w, "welcome").field("protocol", f.protocol).field("version", f.version);
}
void put(JsonWriter& w, const MonitorRefusal& f) { begin(w, "refused").field("message", f.message); }

void put(JsonWriter& w, const Lease& f) {
  begin(w, "lease").field("worker_id", f.worker_id).field_if("incarnation", f.incarnation).field("crashes", f.crashes);
  seconds(w, "next_start_in_seconds", f.next_start_in).field("hold", f.hold).field_if("hold_reason", f.hold_reason);
  seconds(w.field("adds_jitter", f.adds_jitter), "valid_for_seconds", f.valid_for);
}

void put(JsonWriter& w, const Ladder& f) {
  begin(w, "ladder").field("action_id", f.action_id).field("worker_id", f.worker_id);
  w.field_if("expected_incarnation", f.expected_incarnation).field("kind", f.kind);
  seconds(w, "diagnostics_seconds", f.diagnostics);
  seconds(w, "drain_seconds", f.drain);
  seconds(w, "max_drain_seconds", f.max_drain);
  seconds(w, "term_grace_seconds", f.term_grace);
  seconds(w, "start_delay_seconds", f.start_delay).field_if("reason", f.reason);
}

void put(JsonWriter& w, const MonitorAck& f) {
  begin(w, "ack").key("action_ids").begin_array();
  for (const auto& id : f.action_ids) w.value(id);
  w.end_array();
}

void put(JsonWriter& w, const MonitorWorkerCommand& f) {
  begin(w, "command").field("worker_id", f.worker_id).field_if("incarnation", f.incarnation).field("verb", f.verb);
}

template <class Frame>
std::string encode_any(const Frame& frame) {
  std::string out;
  JsonWriter w(out);
  std::visit([&](const auto& f) { put(w, f); }, frame);
  w.end_object();
  return out;
}

// ---- decode --------------------------------------------------------------------------------------------------------

bool get(Fields& f, const Value& v, AgentHello& out) {
  const auto worker = [&](const Value& item, AgentHello::Worker& to) {
    const auto member = [&](Key k, const Value& m) {
      if (k == "worker_id") return f.id(k, m, to.worker_id);
      if (k == "incarnation") return f.id(k, m, to.incarnation);
      return f.skip();
    };
    return f.object(item, member) && f.required("worker_id", !to.worker_id.empty());
  };
  const auto member = [&](Key k, const Value& m) {
    if (k == "protocol") return f.integer(k, m, out.protocol, 1, 1'000'000);
    if (k == "agent_id") return f.id(k, m, out.agent_id);
    if (k == "host") return f.name(k, m, out.host, kMaxNameBytes);
    if (k == "boot_id") return f.name(k, m, out.boot_id, kMaxNameBytes);
    if (k == "version") return f.name(k, m, out.version, kMaxNameBytes);
    if (k == "period_seconds") return f.duration(k, m, out.period, 24h);
    if (k == "workers") return f.list(k, m, out.workers, kMaxFrameItems, worker);
    return f.skip();
  };
  return f.object(v, member) && f.required("agent_id", !out.agent_id.empty());
}

// One refused report does not cost the others of its frame.
bool get(Fields& f, const Value& v, AgentReports& out) {
  const auto reports = [&](Key k, const Value& m) {
    if (!m.is_array() || m.get_array().size() > kMaxFrameItems)
      return f.fail(k, "must be a list of at most 20000 reports");
    ParseStats stats;
    for (const Value& item : m.get_array()) {
      auto report = read_report(item, stats);
      if (report)
        out.reports.push_back(std::move(*report));
      else if (out.skipped++ == 0)
        out.first_refusal = std::move(report.error().message);
    }
    return true;
  };
  return f.object(v, [&](Key k, const Value& m) {
    if (k == "backlog") return f.boolean(k, m, out.backlog);
    if (k == "reports") return reports(k, m);
    return f.skip();
  });
}

bool get(Fields& f, const Value& v, AgentProgress& out) {
  const auto member = [&](Key k, const Value& m) {
    if (k == "action_id") return f.id(k, m, out.action_id);
    if (k == "worker_id") return f.id(k, m, out.worker_id);
    if (k == "step") return f.word(k, m, out.step);
    if (k == "done") return f.boolean(k, m, out.done);
    if (k == "ok") return f.boolean(k, m, out.ok);
    if (k == "new_incarnation") return f.id(k, m, out.new_incarnation);
    if (k == "message") return f.lines(k, m, out.message, kMaxProgressBytes);
    return f.skip();
  };
  return f.object(v, member) && f.required("action_id", !out.action_id.empty()) &&
         f.required("worker_id", !out.worker_id.empty());
}

bool get_start(Fields& f, const Value& v, AgentStart& out) {
  const auto member = [&](Key k, const Value& m) {
    if (k == "action_id") return f.id(k, m, out.action_id);
    if (k == "worker_id") return f.id(k, m, out.worker_id);
    if (k == "previous_incarnation") return f.id(k, m, out.previous_incarnation);
    if (k == "incarnation") return f.id(k, m, out.incarnation);
    if (k == "crashes") return f.integer(k, m, out.crashes, 0, kMaxCrashes);
    if (k == "ago_seconds") return f.duration(k, m, out.ago, kMaxSpan);
    if (k == "exit") return read_exit(f, m, out.exit) || f.nest(k);
    if (k == "last_words") return f.lines(k, m, out.last_words, 3 * kMaxLastWords);
    return f.skip();
  };
  return f.object(v, member) && f.required("action_id", !out.action_id.empty()) &&
         f.required("worker_id", !out.worker_id.empty());
}

bool get(Fields& f, const Value& v, AgentStarts& out) {
  return f.object(v, [&](Key k, const Value& m) {
    if (k != "starts") return f.skip();
    return f.list(k, m, out.starts, kMaxFrameItems,
                  [&](const Value& item, AgentStart& to) { return get_start(f, item, to); });
  });
}

bool get(Fields&, const Value&, AgentAlive&) { return true; }

bool get(Fields& f, const Value& v, MonitorWelcome& out) {
  return f.object(v, [&](Key k, const Value& m) {
    if (k == "protocol") return f.integer(k, m, out.protocol, 1, 1'000'000);
    if (k == "version") return f.name(k, m, out.version, kMaxNameBytes);
    return f.skip();
  });
}

bool get(Fields& f, const Value& v, MonitorRefusal& out) {
  return f.object(
      v, [&](Key k, const Value& m) { return k == "message" ? f.text(k, m, out.message, kMaxTextBytes) : f.skip(); });
}

bool get(Fields& f, const Value& v, Lease& out) {
  const auto member = [&](Key k, const Value& m) {
    if (k == "worker_id") return f.id(k, m, out.worker_id);
    if (k == "incarnation") return f.id(k, m, out.incarnation);
    if (k == "crashes") return f.integer(k, m, out.crashes, 0, kMaxCrashes);
    if (k == "next_start_in_seconds") return f.duration(k, m, out.next_start_in, kMaxSpan);
    if (k == "hold") return f.boolean(k, m, out.hold);
    if (k == "hold_reason") return f.text(k, m, out.hold_reason, kMaxTextBytes);
    if (k == "adds_jitter") return f.boolean(k, m, out.adds_jitter);
    if (k == "valid_for_seconds") return f.duration(k, m, out.valid_for, kMaxSpan);
    return f.skip();
  };
  return f.object(v, member) && f.required("worker_id", !out.worker_id.empty());
}

bool get(Fields& f, const Value& v, Ladder& out) {
  bool kind = false;
  const auto member = [&](Key k, const Value& m) {
    if (k == "action_id") return f.id(k, m, out.action_id);
    if (k == "worker_id") return f.id(k, m, out.worker_id);
    if (k == "expected_incarnation") return f.id(k, m, out.expected_incarnation);
    if (k == "kind") return kind = f.word(k, m, out.kind);
    if (k == "diagnostics_seconds") return f.duration(k, m, out.diagnostics, kMaxSpan);
    if (k == "drain_seconds") return f.duration(k, m, out.drain, kMaxSpan);
    if (k == "max_drain_seconds") return f.duration(k, m, out.max_drain, kMaxSpan);
    if (k == "term_grace_seconds") return f.duration(k, m, out.term_grace, kMaxSpan);
    if (k == "start_delay_seconds") return f.duration(k, m, out.start_delay, kMaxSpan);
    if (k == "reason") return f.text(k, m, out.reason, kMaxTextBytes);
    return f.skip();
  };
  return f.object(v, member) && f.required("action_id", !out.action_id.empty()) &&
         f.required("worker_id", !out.worker_id.empty()) && f.required("kind", kind);
}

bool get(Fields& f, const Value& v, MonitorAck& out) {
  return f.object(v, [&](Key k, const Value& m) {
    if (k != "action_ids") return f.skip();
    return f.list(k, m, out.action_ids, kMaxFrameItems,
                  [&](const Value& item, std::string& to) { return f.id("", item, to); });
  });
}

bool get(Fields& f, const Value& v, MonitorWorkerCommand& out) {
  bool verb = false;
  const auto member = [&](Key k, const Value& m) {
    if (k == "worker_id") return f.id(k, m, out.worker_id);
    if (k == "incarnation") return f.id(k, m, out.incarnation);
    if (k == "verb") return verb = f.word(k, m, out.verb);
    return f.skip();
  };
  if (!f.object(v, member) || !f.required("worker_id", !out.worker_id.empty()) || !f.required("verb", verb))
    return false;
  return out.verb == Verb::drain || out.verb == Verb::resume || f.fail("verb", "must be drain or resume");
}

template <class T, class Frame>
Result<Frame> decode_as(std::string_view type, const Value& v) {
  Fields fields;
  T out;
  if (!get(fields, v, out))
    return make_error(Errc::invalid_argument, fmt::format("frame {}: {}", type, fields.error()));
  return Frame(std::move(out));
}

// Parses the text and hands (type, object) to `choose`.
template <class Frame, class Choose>
Result<Frame> decode(std::string_view text, Choose choose) {
  if (text.size() > kMaxFrameBytes)
    return make_error(Errc::too_large, fmt::format("frame has {} bytes; at most {}", text.size(), kMaxFrameBytes));
  Document document;
  const auto root = document.parse(text);
  if (!root) return with_context(root.error(), "frame");
  const auto* object = (*root)->if_object();
  const auto* type = object ? object->if_contains("type") : nullptr;
  if (!type || !type->is_string()) return make_error(Errc::invalid_argument, "frame: must be an object with a type");
  return choose(view(type->get_string()), **root);
}

}  // namespace

std::string encode(const AgentFrame& frame) { return encode_any(frame); }
std::string encode(const MonitorFrame& frame) { return encode_any(frame); }

Result<AgentFrame> decode_agent_frame(std::string_view text) {
  return decode<AgentFrame>(text, [](std::string_view type, const Value& v) -> Result<AgentFrame> {
    if (type == "reports") return decode_as<AgentReports, AgentFrame>(type, v);
    if (type == "alive") return decode_as<AgentAlive, AgentFrame>(type, v);
    if (type == "progress") return decode_as<AgentProgress, AgentFrame>(type, v);
    if (type == "starts") return decode_as<AgentStarts, AgentFrame>(type, v);
    if (type == "hello") return decode_as<AgentHello, AgentFrame>(type, v);
    return AgentFrame();
  });
}

Result<MonitorFrame> decode_monitor_frame(std::string_view text) {
  return decode<MonitorFrame>(text, [](std::string_view type, const Value& v) -> Result<MonitorFrame> {
    if (type == "lease") return decode_as<Lease, MonitorFrame>(type, v);
    if (type == "ladder") return decode_as<Ladder, MonitorFrame>(type, v);
    if (type == "ack") return decode_as<MonitorAck, MonitorFrame>(type, v);
    if (type == "command") return decode_as<MonitorWorkerCommand, MonitorFrame>(type, v);
    if (type == "welcome") return decode_as<MonitorWelcome, MonitorFrame>(type, v);
    if (type == "refused") return decode_as<MonitorRefusal, MonitorFrame>(type, v);
    return MonitorFrame();
  });
}

}  // namespace paramedic::wire
