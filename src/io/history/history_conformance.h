// For tests: the fixture of all tests of History, and that of the conformance suite (history_conformance_test.cc).
#pragma once
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <functional>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <unistd.h>

#include "io/history/history.h"

namespace paramedic {

namespace fs = std::filesystem;

// `open` creates or reopens the store that belongs to options.data_dir, an empty folder of the test's own at first.
struct HistoryStore {
  std::string name;
  std::function<Result<std::unique_ptr<History>>(const HistoryOptions&)> open;
};
inline void PrintTo(const HistoryStore& store, std::ostream* out) { *out << store.name; }

inline std::shared_ptr<const MetricNames> names(MetricNames list) {
  return std::make_shared<const MetricNames>(std::move(list));
}
template <class F>
bool holds(F property) {
  ::setenv("RC_PARAMS", "seed=20261123", 0);
  return rc::check(property);
}

// A folder of the test's own, and the store in it.
class HistoryFixture : public ::testing::Test {
 protected:
  HistoryFixture() {
    char path[] = "/tmp/paramedic_history_XXXXXX";
    dir_ = ::mkdtemp(path);
  }
  ~HistoryFixture() override {
    history_.reset();
    fs::remove_all(dir_);
  }
  virtual Result<std::unique_ptr<History>> open_store(const HistoryOptions& options) = 0;

  HistoryOptions options() const { return {.data_dir = dir_}; }
  void open(const HistoryOptions& o) {
    history_.reset();
    auto opened = open_store(o);
    ASSERT_TRUE(opened) << opened.error().message;
    history_ = std::move(*opened);
  }
  void open() { open(options()); }
  HistoryRow row(WallTime at, double cpu, std::string worker = "w") const {
    return {std::move(worker), at, Status::healthy, 1.0, {cpu_, {cpu}}};
  }
  void write(std::vector<HistoryRow> rows) {
    history_->append(std::move(rows));
    const auto done = history_->flush();
    ASSERT_TRUE(done) << done.error().message;
  }
  std::vector<HistoryRow> read(Duration from, Duration to, std::string worker = "w") {
    auto rows = history_->read({.worker_id = std::move(worker), .from = t0_ + from, .to = t0_ + to});
    EXPECT_TRUE(rows) << (rows ? "" : rows.error().message);
    return rows ? std::move(*rows) : std::vector<HistoryRow>{};
  }
  std::string cpus(const std::vector<HistoryRow>& rows) {
    std::string out;
    for (const auto& r : rows) out += std::to_string(int(r.metrics.find("cpu_percent").value_or(-1))) + " ";
    return out;
  }

  std::string dir_;
  ManualClock clock_;
  WallTime t0_ = clock_.now().wall;
  std::shared_ptr<const MetricNames> cpu_ = names({"cpu_percent"});
  std::unique_ptr<History> history_;
};

class HistoryConformance : public HistoryFixture, public ::testing::WithParamInterface<HistoryStore> {
 protected:
  Result<std::unique_ptr<History>> open_store(const HistoryOptions& options) override {
    return GetParam().open(options);
  }
};

}  // namespace paramedic
