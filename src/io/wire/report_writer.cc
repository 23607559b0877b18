// The other direction of report_reader.cc: a report as JSON, only what is set.
#include "io/wire/report_reader.h"

namespace paramedic::wire {

namespace {

void write_capabilities(JsonWriter& w, const Capabilities& c) {
  w.key("capabilities").begin_array();
  if (c.voice) w.value("voice");
  if (c.tasks) w.value("tasks");
  if (c.queues) w.value("queues");
  if (c.models) w.value("models");
  if (c.process) w.value("process");
  w.end_array();
}

void write_process(JsonWriter& w, const ProcessPart& p) {
  w.key("process").begin_object();
  w.field_if("pid", p.pid).field_if("started_at", p.started_at);
  if (p.state) w.field("state", std::string_view(&p.state, 1));
  w.field_if("threads", p.threads).field_if("open_files", p.open_files);
  if (p.exit) {
    // A death must not read as "alive", which is what an empty exit means.
    ExitInfo exit = *p.exit;
    if (exit == ExitInfo{}) exit.unknown_cause = true;
    write_exit_compact(w.key("exit"), exit);
    w.field_if("last_words", p.last_words);
  }
  w.end_object();
}

void write_resources(JsonWriter& w, const ResourcesPart& r) {
  w.key("resources").begin_object();
  w.field_if("cpu_percent", r.cpu_percent)
      .field_if("cpu_cores", r.cpu_cores)
      .field_if("memory_percent", r.memory_percent);
  w.field_if("memory_mb", r.memory_mb);
  if (r.memory_limit_kind != MemoryLimitKind::none) w.field("memory_limit_kind", r.memory_limit_kind);
  w.field_if("memory_limit_mb", r.memory_limit_mb);
  if (!r.gpus.empty()) {
    w.key("gpus").begin_array();
    for (const GpuPart& g : r.gpus) {
      w.begin_object()
          .field("id", g.id)
          .field_if("utilization", g.utilization)
          .field_if("memory_percent", g.memory_percent);
      w.field_if("temperature_celsius", g.temperature_celsius).field_if("xid", g.xid).end_object();
    }
    w.end_array();
  }
  w.end_object();
}

void write_item(JsonWriter& w, const DiskPart& d) {
  w.field("mount", d.mount).field_if("used_percent", d.used_percent).field_if("free_bytes", d.free_bytes);
  w.field_if("inodes_used_percent", d.inodes_used_percent);
}

void write_item(JsonWriter& w, const TaskPart& t) {
  w.field("type", t.type).field("started", t.started).field("completed", t.completed).field("failed", t.failed);
  w.field("retried", t.retried).field("revoked", t.revoked).field("lost", t.lost);
  if (!t.durations) return;
  w.key("duration_seconds").begin_object().field("sum", t.durations->sum_seconds).key("buckets").begin_array();
  for (const auto n : t.durations->counts) w.value(n);
  w.end_array().end_object();
}

void write_item(JsonWriter& w, const InFlightTask& t) {
  w.field("id", t.id)
      .field_if("type", t.type)
      .field_if("started_at", t.started_at)
      .field_if("args_digest", t.args_digest);
  w.field_if("traceparent", t.traceparent);
}

void write_item(JsonWriter& w, const QueuePart& q) {
  w.field_if("broker", q.broker).field("name", q.name).field_if("connected", q.connected).field_if("paused", q.paused);
  w.field_if("rtt_ms", q.rtt_ms).field_if("ready", q.ready).field_if("oldest_age_seconds", q.oldest_age_seconds);
  w.field_if("consumed", q.consumed);
}

void write_item(JsonWriter& w, const ModelPart& m) {
  w.field("name", m.name)
      .field("state", m.state)
      .field_if("load_seconds", m.load_seconds)
      .field_if("progress", m.progress);
  w.field_if("error", m.error).field_if("smoke_ok", m.smoke_ok);
}

template <class T>
void write_items(JsonWriter& w, std::string_view key, const std::optional<std::vector<T>>& items) {
  if (!items) return;
  w.key(key).begin_array();
  for (const T& item : *items) {
    w.begin_object();
    write_item(w, item);
    w.end_object();
  }
  w.end_array();
}

void write_identity(JsonWriter& w, const Report& r) {
  w.field("schema", 1).field("worker_id", r.worker_id).field_if("pool", r.pool).field_if("host", r.host);
  w.field_if("version", r.version)
      .field_if("incarnation", r.incarnation)
      .field_if("seq", r.seq)
      .field_if("sent_at", r.sent_at);
  if (r.age.count() != 0) w.field("age_ms", std::chrono::duration<double, std::milli>(r.age).count());
  w.field_if("alive_at", r.alive_at);
  if (r.period) w.key("period_seconds").seconds(*r.period);
}

}  // namespace

void write_exit_compact(JsonWriter& w, const ExitInfo& exit) {
  w.begin_object().field_if("code", exit.code).field_if("signal", exit.signal);
  if (exit.oom) w.field("oom", true);
  if (exit.unknown_cause) w.field("unknown_cause", true);
  w.end_object();
}

void write_report(JsonWriter& w, const Report& r) {
  w.begin_object();
  write_identity(w, r);
  if (r.capabilities) write_capabilities(w, *r.capabilities);
  w.field_if("state", r.state);
  if (r.stop) {
    w.key("stop").begin_object().field("reason", r.stop->reason);
    if (r.stop->back_within) w.key("back_within_seconds").seconds(*r.stop->back_within);
    w.end_object();
  }
  w.field_if("concurrency", r.concurrency);
  if (r.labels) {
    w.key("labels").begin_object();
    for (const auto& [name, text] : *r.labels) w.field(name, text);
    w.end_object();
  }
  if (r.process) write_process(w, *r.process);
  if (r.resources) write_resources(w, *r.resources);
  write_items(w, "disks", r.disks);
  write_items(w, "tasks", r.tasks);
  write_items(w, "in_flight", r.in_flight);
  write_items(w, "queues", r.queues);
  write_items(w, "models", r.models);
  if (!r.metrics.empty()) {
    w.key("metrics").begin_object();
    for (const auto& [name, number] : r.metrics) w.field(name, number);
    w.end_object();
  }
  w.end_object();
}

}  // namespace paramedic::wire
