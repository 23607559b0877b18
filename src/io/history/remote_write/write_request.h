// Samples → the body of a remote-write 1.0 request: a protobuf WriteRequest, compressed as one snappy block.
//
//   WriteRequest { repeated TimeSeries timeseries = 1; }      Label  { string name = 1; string value = 2; }
//   TimeSeries { repeated Label labels = 1; repeated Sample samples = 2; }
//                                                             Sample { double value = 1; int64 timestamp = 2; }  // ms
//
// What receivers demand: labels sorted by name, __name__ among them, no empty name or value; a series stands once, its
// samples in time order. Source: prometheus.io/docs/specs/prw/remote_write_spec. Pure; any thread.
#pragma once
#include <map>
#include <span>
#include <string>
#include <vector>

#include "io/history/remote_write/series.h"

namespace paramedic::remote_write {

using Labels = std::map<std::string, std::string>;

// One sample; points into rows that outlive it.
struct Sample {
  const Row* row = nullptr;
  std::uint32_t column = 0;

  std::int64_t at_ms() const { return row->at_ms; }
  double value() const { return row->values[column]; }
  const Column& series() const { return (*row->columns)[column]; }
};

// All samples of the rows, oldest first, so that any front part holds the older samples of each series.
std::vector<Sample> samples_of(const std::vector<Row>& rows);

// `external`: labels that every series gets besides worker_id (and status); a label of the series itself wins. Of two
// samples of one series at one instant the later in the span is sent.
std::string encode_write_request(std::span<const Sample> samples, const Labels& external);
// The same before compression, for tests and for those who look at it.
std::string encode_protobuf(std::span<const Sample> samples, const Labels& external);

}  // namespace paramedic::remote_write
