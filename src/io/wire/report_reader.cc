#include "io/wire/report_reader.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/ids.h"

namespace paramedic::wire {

namespace {

using Key = std::string_view;
using Value = json::value;

constexpr double kAnyNumber = std::numeric_limits<double>::max();
constexpr double kMaxPercent = 100'000;  // of shares that may exceed 100: CPU bursts, memory over a soft limit
constexpr double kMaxMb = 1e12;
constexpr std::size_t kMaxTaskItems = 1024;      // beyond kMaxTaskTypesPerWorker the fleet folds into __other__
constexpr std::size_t kMaxInFlightItems = 4096;  // beyond kMaxInFlight the oldest are kept
constexpr std::size_t kMaxMetricName = 100;

class Reader {
 public:
  explicit Reader(ParseStats& stats) : stats_(stats) {}

  bool report(const Value& v, Report& out);
  Fields f;

 private:
  bool member(Key k, const Value& m, Report& r);
  bool identity(Key k, const Value& m, Report& r, bool& known);
  bool worker_state(Key k, const Value& m, std::optional<WorkerState>& out);
  bool capabilities(Key k, const Value& m, Capabilities& out);
  bool stop(const Value& v, StopNotice& out);
  bool process(const Value& v, ProcessPart& out);
  bool process_state(Key k, const Value& m, char& out);
  bool resources(const Value& v, ResourcesPart& out);
  bool gpu(const Value& v, GpuPart& out);
  bool disk(const Value& v, DiskPart& out);
  bool task(const Value& v, TaskPart& out);
  bool durations(const Value& v, DurationHistogram& out);
  bool queue(const Value& v, QueuePart& out);
  bool model(const Value& v, ModelPart& out);
  bool metrics(const Value& v, Report& out);
  bool in_flight(Key k, const Value& m, std::vector<InFlightTask>& out);

  // One nested object, its errors prefixed with the key.
  template <class Part>
  bool part(Key k, const Value& m, Part& out, bool (Reader::*read)(const Value&, Part&)) {
    return (this->*read)(m, out) || f.nest(k);
  }
  template <class T>
  bool parts(Key k, const Value& m, std::vector<T>& out, bool (Reader::*read)(const Value&, T&),
             std::size_t max = kMaxListItems) {
    return f.list(k, m, out, max, [&](const Value& item, T& to) { return (this->*read)(item, to); });
  }

  ParseStats& stats_;
};

bool Reader::report(const Value& v, Report& out) {
  if (!f.object(v, [&](Key k, const Value& m) { return member(k, m, out); })) return false;
  return true;
}

bool Reader::identity(Key k, const Value& m, Report& r, bool& known) {
  known = true;
  if (k == "worker_id") return f.id(k, m, r.worker_id);
  if (k == "pool") return f.id(k, m, r.pool);
  if (k == "host") return f.name(k, m, r.host, kMaxNameBytes);
  if (k == "version") return f.name(k, m, r.version, kMaxNameBytes);
  if (k == "incarnation") return f.id(k, m, r.incarnation);
  if (k == "seq") return f.count(k, m, r.seq);
  if (k == "sent_at") return f.time(k, m, r.sent_at);
  if (k == "age_ms") return f.duration(k, m, r.age, 24h * 7, 1ms);
  if (k == "alive_at") return f.time(k, m, r.alive_at);
  if (k == "schema") {
    int schema = 0;
    return f.integer(k, m, schema, 1, 1'000'000);  // later schemas only add members: read what is known
  }
  known = false;
  return true;
}

bool Reader::member(Key k, const Value& m, Report& r) {
  bool known = false;
  if (!identity(k, m, r, known)) return false;
  if (known) return true;
  if (k == "tasks") return parts(k, m, r.tasks.emplace(), &Reader::task, kMaxTaskItems);
  if (k == "resources") return part(k, m, r.resources.emplace(), &Reader::resources);
  if (k == "process") return part(k, m, r.process.emplace(), &Reader::process);
  if (k == "queues") return parts(k, m, r.queues.emplace(), &Reader::queue);
  if (k == "metrics") return metrics(m, r);
  if (k == "in_flight") return in_flight(k, m, r.in_flight.emplace());
  if (k == "disks") return parts(k, m, r.disks.emplace(), &Reader::disk);
  if (k == "state") return worker_state(k, m, r.state);
  if (k == "period_seconds") {
    double seconds = 0;
    if (!f.number(k, m, seconds, 0.05, 86'400)) return false;
    r.period = Duration{std::llround(seconds * 1e9)};  // rounded: 2048.006 must not become 2048.005999999
    return true;
  }
  if (k == "capabilities") return capabilities(k, m, r.capabilities.emplace());
  if (k == "concurrency") return f.integer(k, m, r.concurrency, 0, 1'000'000);
  if (k == "labels") return read_labels(f, k, m, r.labels.emplace());
  if (k == "models") return parts(k, m, r.models.emplace(), &Reader::model);
  if (k == "stop") return part(k, m, r.stop.emplace(), &Reader::stop);
  return f.skip();
}

bool Reader::worker_state(Key k, const Value& m, std::optional<WorkerState>& out) {
  constexpr std::string_view kAnnounced[] = {"starting", "running", "draining", "stopping", "stopped"};
  const auto word = m.is_string() ? view(m.get_string()) : std::string_view{};
  if (std::find(std::begin(kAnnounced), std::end(kAnnounced), word) == std::end(kAnnounced))
    return f.fail(k, "must be one of: starting, running, draining, stopping, stopped");
  out = parse_enum<WorkerState>(word);
  return true;
}

bool Reader::capabilities(Key k, const Value& m, Capabilities& out) {
  if (!m.is_array()) return f.fail(k, "must be a list of words");
  for (const Value& item : m.get_array()) {
    if (!item.is_string()) return f.fail(k, "must be a list of words");
    const auto word = view(item.get_string());
    if (word == "voice")
      out.voice = true;
    else if (word == "tasks")
      out.tasks = true;
    else if (word == "queues")
      out.queues = true;
    else if (word == "models")
      out.models = true;
    else if (word == "process")
      out.process = true;
    else
      f.skip();
  }
  return true;
}

bool Reader::stop(const Value& v, StopNotice& out) {
  return f.object(v, [&](Key k, const Value& m) {
    if (k == "reason") return f.word(k, m, out.reason);
    if (k == "back_within_seconds") return f.duration(k, m, out.back_within, 24h * 7);
    return f.skip();
  });
}

// One letter of /proc/PID/stat, reduced to the ones that checks know: idle is sleep, a tracing stop is a stop.
bool Reader::process_state(Key k, const Value& m, char& out) {
  const auto letter = m.is_string() ? view(m.get_string()) : std::string_view{};
  if (letter.empty() && m.is_string()) return true;
  if (letter.size() != 1 || std::string_view("RSDTtZXxIKWP").find(letter[0]) == std::string_view::npos)
    return f.fail(k, "must be one letter of R S D T Z X, as in /proc/PID/stat");
  switch (letter[0]) {
    case 't':
      out = 'T';
      break;
    case 'x':
      out = 'X';
      break;
    case 'I':
    case 'K':
    case 'W':
    case 'P':
      out = 'S';
      break;
    default:
      out = letter[0];
  }
  return true;
}

bool Reader::process(const Value& v, ProcessPart& out) {
  constexpr int kMaxPid = std::numeric_limits<int>::max();
  return f.object(v, [&](Key k, const Value& m) {
    if (k == "pid") return f.integer(k, m, out.pid, 1, kMaxPid);
    if (k == "started_at") return f.time(k, m, out.started_at);
    if (k == "state") return process_state(k, m, out.state);
    if (k == "last_words") return f.lines(k, m, out.last_words, 3 * kMaxLastWords);
    if (k == "threads") return f.integer(k, m, out.threads, 0, kMaxPid);
    if (k == "open_files") return f.integer(k, m, out.open_files, 0, kMaxPid);
    if (k == "exit") {
      ExitInfo exit;
      if (!read_exit(f, m, exit)) return f.nest(k);
      // All members empty is how a living process is written.
      if (exit != ExitInfo{}) out.exit = exit;
      return true;
    }
    return f.skip();
  });
}

bool Reader::resources(const Value& v, ResourcesPart& out) {
  return f.object(v, [&](Key k, const Value& m) {
    if (k == "cpu_percent") return f.number(k, m, out.cpu_percent, 0, kMaxPercent);
    if (k == "cpu_cores") return f.number(k, m, out.cpu_cores, 0, kMaxPercent);
    if (k == "memory_percent") return f.number(k, m, out.memory_percent, 0, kMaxPercent);
    if (k == "memory_mb") return f.number(k, m, out.memory_mb, 0, kMaxMb);
    if (k == "memory_limit_kind") return f.word(k, m, out.memory_limit_kind);
    if (k == "memory_limit_mb") return f.number(k, m, out.memory_limit_mb, 0, kMaxMb);
    if (k == "gpus") return parts(k, m, out.gpus, &Reader::gpu);
    return f.skip();
  });
}

bool Reader::gpu(const Value& v, GpuPart& out) {
  return f.object(v, [&](Key k, const Value& m) {
    if (k == "id") return f.name(k, m, out.id, kMaxNameBytes);
    if (k == "utilization") return f.number(k, m, out.utilization, 0, 100);
    if (k == "memory_percent") return f.number(k, m, out.memory_percent, 0, 100);
    if (k == "temperature_celsius") return f.number(k, m, out.temperature_celsius, -273.15, 1000);
    if (k == "xid") return f.integer(k, m, out.xid, 0, 1'000'000);
    return f.skip();
  }) && f.required("id", !out.id.empty());
}

bool Reader::disk(const Value& v, DiskPart& out) {
  return f.object(v, [&](Key k, const Value& m) {
    if (k == "mount") return f.name(k, m, out.mount, kMaxNameBytes);
    if (k == "used_percent") return f.number(k, m, out.used_percent, 0, 100);
    if (k == "free_bytes") return f.count(k, m, out.free_bytes);
    if (k == "inodes_used_percent") return f.number(k, m, out.inodes_used_percent, 0, 100);
    return f.skip();
  }) && f.required("mount", !out.mount.empty());
}

bool Reader::durations(const Value& v, DurationHistogram& out) {
  bool buckets = false;
  const auto member = [&](Key k, const Value& m) {
    if (k == "sum") return f.number(k, m, out.sum_seconds, 0, 1e15);
    if (k != "buckets") return f.skip();
    if (!m.is_array() || m.get_array().size() != kDurationBuckets)
      return f.fail(
          k, fmt::format("must be a list of {} counts, one per bound and +Inf, not cumulative", kDurationBuckets));
    for (std::size_t i = 0; i < kDurationBuckets; ++i)
      if (!f.count(fmt::format("buckets[{}]", i), m.get_array()[i], out.counts[i])) return false;
    return buckets = true;
  };
  return f.object(v, member) && f.required("buckets", buckets);
}

bool Reader::task(const Value& v, TaskPart& out) {
  return f.object(v, [&](Key k, const Value& m) {
    if (k == "type") return f.name(k, m, out.type, kMaxNameBytes);
    if (k == "started") return f.count(k, m, out.started);
    if (k == "completed") return f.count(k, m, out.completed);
    if (k == "failed") return f.count(k, m, out.failed);
    if (k == "retried") return f.count(k, m, out.retried);
    if (k == "revoked") return f.count(k, m, out.revoked);
    if (k == "lost") return f.count(k, m, out.lost);
    if (k == "duration_seconds") return part(k, m, out.durations.emplace(), &Reader::durations);
    return f.skip();
  }) && f.required("type", !out.type.empty());
}

bool Reader::queue(const Value& v, QueuePart& out) {
  return f.object(v, [&](Key k, const Value& m) {
    if (k == "broker") return f.name(k, m, out.broker, kMaxNameBytes);
    if (k == "name") return f.name(k, m, out.name, kMaxNameBytes);
    if (k == "connected") return f.boolean(k, m, out.connected);
    if (k == "paused") return f.boolean(k, m, out.paused);
    if (k == "rtt_ms") return f.number(k, m, out.rtt_ms, 0, 1e9);
    if (k == "ready") return f.count(k, m, out.ready);
    if (k == "oldest_age_seconds") return f.number(k, m, out.oldest_age_seconds, 0, 1e10);
    if (k == "consumed") return f.count(k, m, out.consumed);
    return f.skip();
  }) && f.required("name", !out.name.empty());
}

bool Reader::model(const Value& v, ModelPart& out) {
  return f.object(v, [&](Key k, const Value& m) {
    if (k == "name") return f.name(k, m, out.name, kMaxNameBytes);
    if (k == "state") return f.word(k, m, out.state);
    if (k == "load_seconds") return f.number(k, m, out.load_seconds, 0, 1e9);
    if (k == "progress") return f.number(k, m, out.progress, 0, 1);
    if (k == "smoke_ok") return f.boolean(k, m, out.smoke_ok);
    if (k != "error") return f.skip();
    if (!f.text(k, m, out.error, kMaxReportBytes)) return false;
    if (out.error.size() > kMaxErrorBytes) {
      std::size_t end = kMaxErrorBytes;
      while (end > 0 && (static_cast<unsigned char>(out.error[end]) & 0xC0) == 0x80) --end;
      out.error.resize(end);
    }
    return true;
  }) && f.required("name", !out.name.empty());
}

// [A-Za-z_][A-Za-z0-9_]*: the same name then works as a Prometheus label and a column of history.
bool valid_metric_name(Key name) {
  if (name.empty() || name.size() > kMaxMetricName || (name[0] >= '0' && name[0] <= '9')) return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

bool Reader::metrics(const Value& v, Report& out) {
  if (!v.is_object()) return f.fail("metrics", "must be an object of numbers");
  if (v.get_object().size() > kMaxMetrics)
    return f.fail("metrics", fmt::format("has {} members; at most {}", v.get_object().size(), kMaxMetrics));
  out.metrics.reserve(v.get_object().size());
  const auto member = [&](Key k, const Value& m) {
    if (!valid_metric_name(k))
      return f.fail(k, "must be a name of at most 100 of A-Z a-z 0-9 _, not beginning with a digit");
    double number = 0;
    if (!f.number(k, m, number, -kAnyNumber, kAnyNumber)) return false;
    out.metrics.emplace_back(std::string(k), number);
    return true;
  };
  return f.object(v, member) || f.nest("metrics");
}

bool Reader::in_flight(Key k, const Value& m, std::vector<InFlightTask>& out) {
  const auto read = [&](const Value& item, InFlightTask& to) { return read_in_flight(f, item, to); };
  if (!f.list(k, m, out, kMaxInFlightItems, read)) return false;
  if (out.size() <= kMaxInFlight) return true;
  stats_.dropped_items += out.size() - kMaxInFlight;
  // The longest-running ones are those that a check may call hung; without a start time nothing can be said.
  const auto begun = [](const InFlightTask& t) { return t.started_at.value_or(WallTime::max()); };
  std::stable_sort(out.begin(), out.end(), [&](const auto& a, const auto& b) { return begun(a) < begun(b); });
  out.resize(kMaxInFlight);
  return true;
}

}  // namespace

bool read_labels(Fields& f, std::string_view key, const json::value& v, Labels& out) {
  if (!v.is_object()) return f.fail(key, "must be an object of text");
  if (v.get_object().size() > kMaxLabels)
    return f.fail(key, fmt::format("has {} labels; at most {}", v.get_object().size(), kMaxLabels));
  const auto member = [&](std::string_view k, const json::value& m) {
    if (k.empty() || k.size() > kMaxLabelBytes)
      return f.fail(k, fmt::format("must be a name of 1 to {} bytes", kMaxLabelBytes));
    return f.name(k, m, out.emplace_back(std::string(k), std::string()).second, kMaxLabelBytes);
  };
  if (!f.object(v, member)) return f.nest(key);
  std::sort(out.begin(), out.end());  // one order, so that equal sets compare equal
  return true;
}

bool read_exit(Fields& f, const json::value& v, ExitInfo& out) {
  return f.object(v, [&](std::string_view k, const json::value& m) {
    if (k == "code") return f.integer(k, m, out.code, -255, 255);
    if (k == "signal") return f.integer(k, m, out.signal, 1, 128);
    if (k == "oom") return f.boolean(k, m, out.oom);
    if (k == "unknown_cause") return f.boolean(k, m, out.unknown_cause);
    return f.skip();
  });
}

bool read_in_flight(Fields& f, const json::value& v, InFlightTask& out) {
  return f.object(v, [&](std::string_view k, const json::value& m) {
    if (k == "id") return f.name(k, m, out.id, kMaxNameBytes);
    if (k == "type") return f.name(k, m, out.type, kMaxNameBytes);
    if (k == "started_at") return f.time(k, m, out.started_at);
    if (k == "args_digest") return f.name(k, m, out.args_digest, kMaxNameBytes);
    if (k == "traceparent") return f.name(k, m, out.traceparent, kMaxNameBytes);
    return f.skip();
  }) && f.required("id", !out.id.empty());
}

Result<Report> read_report(const json::value& v, ParseStats& stats, std::string_view worker_id) {
  Report report;
  Reader reader(stats);
  const auto refuse = [](std::string message) { return make_error(Errc::invalid_argument, std::move(message)); };
  if (!v.is_object()) return refuse("a report must be a JSON object");
  if (!reader.report(v, report)) return refuse(reader.f.error());
  stats.unknown_fields += reader.f.unknown();
  if (report.worker_id.empty()) report.worker_id = worker_id;
  if (report.worker_id.empty()) return refuse("worker_id: is missing");
  if (!worker_id.empty() && report.worker_id != worker_id)
    return refuse(fmt::format("worker_id: '{}' is not the worker '{}' of the address", report.worker_id, worker_id));
  return report;
}

}  // namespace paramedic::wire
