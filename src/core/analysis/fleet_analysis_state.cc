// The half of FleetAnalysis that saves and takes back. One worker (docs/formats/analysis-state.md), little endian:
//   1 byte version (1) · as_of, began (nanoseconds since 1970) · pool, version, incarnation (a byte of length each)
//   4 bytes of length, then WorkerAnalysis::save · 1 byte count, then as many forecasts (forecast_state.h)
// Nothing in it is believed.
#include <algorithm>

#include <fmt/format.h>

#include "core/analysis/fleet_analysis.h"
#include "core/analysis/forecast_state.h"
#include "core/analysis/state_bytes.h"

namespace paramedic {

namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kMaxText = 255;  // of a name in a state

std::string short_text(const std::string& text) { return text.substr(0, kMaxText); }

Error corrupt(std::string_view what) {
  return make_error(Errc::corrupt, fmt::format("a state of the analysis is damaged: {}", what));
}

}  // namespace

std::string FleetAnalysis::encode(const Watched& worker, WallTime as_of) const {
  std::string out;
  StateWriter write(out);
  write(kVersion);
  write(std::int64_t(as_of.time_since_epoch().count()));
  write(std::int64_t(worker.began.time_since_epoch().count()));
  for (const std::string* text : {&worker.pool, &worker.version, &worker.incarnation}) write(short_text(*text));
  const std::string analysis = worker.analysis->save(as_of);
  write(std::uint32_t(analysis.size()));
  out += analysis;
  write(std::uint8_t(std::count_if(worker.forecasts.begin(), worker.forecasts.end(), [](auto& f) { return bool(f); })));
  for (const auto& forecast : worker.forecasts)
    if (forecast) put_forecast_state(out, *forecast, as_of);
  return out;
}

Result<FleetAnalysis::Watched> FleetAnalysis::decode(std::string_view worker_id, std::string_view bytes,
                                                      const SettingsOf& settings) {
  StateReader read(bytes);
  std::uint8_t version = 0, forecasts = 0;
  std::int64_t as_of = 0, began = 0;
  std::uint32_t size = 0;
  Watched worker;
  read(version), read(as_of), read(began);
  if (!read.ok() || version != kVersion) return corrupt("of another version");
  for (std::string* text : {&worker.pool, &worker.version, &worker.incarnation}) read(*text);
  read(size);
  const std::size_t head = 1 + 8 + 8 + 3 + worker.pool.size() + worker.version.size() + worker.incarnation.size() + 4;
  if (!read.ok() || bytes.size() < head + size + 1) return corrupt("it ends early");
  worker.began = WallTime{Duration{began}};
  worker.saved_at = WallTime{Duration{as_of}};
  worker.analysis = std::make_unique<WorkerAnalysis>(worker_id, budget_, settings(worker.pool).watch);
  if (auto loaded = worker.analysis->load(bytes.substr(head, size)); !loaded) return loaded.error();
  std::string_view rest = bytes.substr(head + size);
  forecasts = std::uint8_t(rest.front());
  rest.remove_prefix(1);
  if (rest.size() != forecasts * kForecastStateBytes) return corrupt("forecasts of another length");
  for (; !rest.empty(); rest.remove_prefix(kForecastStateBytes)) {
    auto stored = take_forecast_state(rest.substr(0, kForecastStateBytes));
    if (!stored) return stored.error();
    auto& to = worker.forecasts[std::size_t(stored->forecast.kind())];
    if (to) return corrupt("a forecast twice");
    to = std::make_unique<MetricForecast>(std::move(stored->forecast));
  }
  return worker;
}

Result<void> FleetAnalysis::refuse(Error error) {
  ++states_refused_;
  return error;
}

std::vector<SavedState> FleetAnalysis::save(WallTime now) const {
  std::vector<SavedState> out;
  for (const auto& [id, worker] : workers_) out.push_back({"worker/" + id, now, encode(worker, now)});
  for (const auto& key : degradations_.keys())
    out.push_back({"tasks/" + key.first + "/" + key.second, now, degradations_.encode(key, now)});
  std::sort(out.begin(), out.end(), [](const SavedState& a, const SavedState& b) { return a.name < b.name; });
  return out;
}

Result<void> FleetAnalysis::restore(std::string_view name, std::string_view bytes, WallTime now,
                                    const SettingsOf& settings) {
  if (name.starts_with("tasks/")) {
    const auto key = degradations_.restore(bytes, now);
    return key ? Result<void>() : refuse(key.error());
  }
  constexpr std::string_view kWorker = "worker/";
  if (!name.starts_with(kWorker)) return refuse(make_error(Errc::invalid_argument, "a state of nothing that is known"));
  const std::string id(name.substr(kWorker.size()));
  if (workers_.contains(id)) return refuse(make_error(Errc::invalid_argument, "the worker is watched already"));
  auto worker = decode(id, bytes, settings);
  if (!worker) return refuse(worker.error());
  for (auto& forecast : worker->forecasts)
    if (forecast && !budget_.take_small(sizeof(MetricForecast))) forecast.reset();
  Pool& its = pool(worker->pool);
  if (its.teacher.empty() && now - worker->began >= kTeachesAfter) its.teacher = id;
  workers_[id] = std::move(*worker);
  return {};
}

}  // namespace paramedic
