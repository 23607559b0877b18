// The saved state of a worker's analysis:
//   u32 version | i64 as_of (ns since 1970) | missingness | score | i64 since, i64 last of the missingness anomaly |
//   u8 number of series | per series, by name: u8 length, name, u8 form (1 = full), detector, rate of a counter,
//   anomaly
// Numbers little-endian, floating point by bits; the order of members is that of the `fields` of each part. A later
// layout gets a later version; an unknown one is refused and the worker learns anew.
#include <utility>

#include "core/analysis/state_bytes.h"
#include "core/analysis/worker_analysis.h"

namespace paramedic {

namespace {
constexpr std::uint32_t kVersion = 2;  // 1: before the alarms of the last day
Error corrupt(const char* what) { return make_error(Errc::corrupt, std::string("state of the analysis: ") + what); }
}  // namespace

std::string WorkerAnalysis::save(WallTime as_of) const {
  std::string out;
  out.reserve(bytes());
  StateWriter writer(out);
  writer(kVersion);
  writer(std::int64_t(as_of.time_since_epoch().count()));
  Missingness::fields(missing_, writer);
  WorkerScore::fields(score_, writer);
  writer(std::int64_t(missing_since_.time_since_epoch().count()));
  writer(std::int64_t(missing_at_.time_since_epoch().count()));
  writer(std::uint8_t(series_.size()));
  for (const WatchedSeries& series : series_) {
    writer(series.name());
    writer(std::uint8_t(series.is_full() ? 1 : 0));
    series.save(writer);
  }
  return out;
}

Result<WallTime> WorkerAnalysis::load(std::string_view blob) {
  StateReader reader(blob);
  std::uint32_t version = 0;
  reader(version);
  if (!reader.ok() || version != kVersion) return corrupt("its version is not known");
  std::int64_t as_of = 0, since = 0, at = 0;
  reader(as_of);
  Missingness missing;
  Missingness::fields(missing, reader);
  WorkerScore score;
  WorkerScore::fields(score, reader);
  reader(since);
  reader(at);
  std::uint8_t count = 0;
  reader(count);
  const auto is_time = [](std::int64_t ticks) { return ticks >= 0 && ticks <= 8'000'000'000'000'000'000; };
  if (!reader.ok() || !is_time(as_of) || !is_time(since) || !is_time(at) || count > kMaxSeries || !missing.is_sane() ||
      !score.is_sane())
    return corrupt("its head is damaged");
  std::vector<WatchedSeries> loaded;
  loaded.reserve(kMaxSeries);
  std::size_t full = 0;
  for (std::uint8_t i = 0; i < count; ++i) {
    std::string name;
    std::uint8_t form = 0;
    reader(name);
    reader(form);
    if (!reader.ok() || name.empty() || name.size() > kMaxNameBytes || form > 1 || (full += form) > kMaxFull ||
        (!loaded.empty() && loaded.back().name() >= name))
      return corrupt("a series is damaged");
    loaded.emplace_back(name, rank_of(name));
    if (form == 1) loaded.back().make_full();
    loaded.back().load(reader);
    if (!reader.ok() || !loaded.back().is_sane()) return corrupt("a detector is damaged");
  }
  if (!reader.at_end()) return corrupt("it goes on behind its end");
  release_all();
  // Saved within the budget of then; what today's does not hold is set back to the small form or left out.
  for (WatchedSeries& series : loaded) {
    if (!budget_.take_small(sizeof(LightDetector))) continue;
    if (series.is_full() && !budget_.take_full(sizeof(AnomalyDetector) - sizeof(LightDetector))) series.make_light();
    series_.push_back(std::move(series));
  }
  missing_ = missing;
  score_ = score;
  missing_since_ = WallTime{Duration{since}};
  missing_at_ = WallTime{Duration{at}};
  return WallTime{Duration{as_of}};
}

}  // namespace paramedic
