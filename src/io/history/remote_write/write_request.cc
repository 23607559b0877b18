#include "io/history/remote_write/write_request.h"

#include <algorithm>
#include <tuple>

#include <protozero/pbf_writer.hpp>
#include <snappy.h>

namespace paramedic::remote_write {

namespace {

constexpr protozero::pbf_tag_type kTimeseries = 1, kLabels = 1, kSamples = 2, kName = 1, kValue = 2, kSampleValue = 1,
                                  kSampleTimestamp = 2;

auto series_key(const Sample& s) { return std::tie(s.row->worker_id, s.series()); }

void add_labels(protozero::pbf_writer& series, const Sample& sample, const Labels& external) {
  std::vector<std::pair<std::string_view, std::string_view>> labels(external.begin(), external.end());
  const auto set = [&](std::string_view name, std::string_view value) {
    std::erase_if(labels, [&](const auto& label) { return label.first == name; });
    labels.emplace_back(name, value);
  };
  const Column& column = sample.series();
  set("__name__", column.metric);
  set("worker_id", sample.row->worker_id);
  if (!column.label.empty()) set(column.label, column.value);
  std::sort(labels.begin(), labels.end());
  for (const auto& [name, value] : labels) {
    protozero::pbf_writer label(series, kLabels);
    label.add_string(kName, name.data(), name.size());
    label.add_string(kValue, value.data(), value.size());
  }
}

}  // namespace

std::vector<Sample> samples_of(const std::vector<Row>& rows) {
  std::vector<Sample> out;
  for (const Row& row : rows)
    for (std::size_t i = 0; i < row.values.size(); ++i)
      if (!is_absent(row.values[i])) out.push_back({&row, std::uint32_t(i)});
  std::stable_sort(out.begin(), out.end(), [](const Sample& a, const Sample& b) { return a.at_ms() < b.at_ms(); });
  return out;
}

std::string encode_protobuf(std::span<const Sample> samples, const Labels& external) {
  std::vector<Sample> sorted(samples.begin(), samples.end());
  std::stable_sort(sorted.begin(), sorted.end(), [](const Sample& a, const Sample& b) {
    if (series_key(a) != series_key(b)) return series_key(a) < series_key(b);
    return a.at_ms() < b.at_ms();
  });
  std::string out;
  protozero::pbf_writer request(out);
  for (std::size_t i = 0; i < sorted.size();) {
    protozero::pbf_writer series(request, kTimeseries);
    add_labels(series, sorted[i], external);
    const std::size_t first = i;
    for (; i < sorted.size() && series_key(sorted[i]) == series_key(sorted[first]); ++i) {
      const bool repeated = i + 1 < sorted.size() && series_key(sorted[i + 1]) == series_key(sorted[first]) &&
                            sorted[i + 1].at_ms() == sorted[i].at_ms();
      if (repeated) continue;
      protozero::pbf_writer sample(series, kSamples);
      sample.add_double(kSampleValue, sorted[i].value());
      sample.add_int64(kSampleTimestamp, sorted[i].at_ms());
    }
  }
  return out;
}

std::string encode_write_request(std::span<const Sample> samples, const Labels& external) {
  const std::string plain = encode_protobuf(samples, external);
  std::string out;
  snappy::Compress(plain.data(), plain.size(), &out);
  return out;
}

}  // namespace paramedic::remote_write
