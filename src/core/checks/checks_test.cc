#include "core/checks/checks.h"

#include <chrono>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include <gtest/gtest.h>

#include "core/checks/check.h"
#include "model/snapshot_builder.h"

namespace paramedic {
namespace {

using FS = FindingStatus;

std::string read(const std::string& path) {
  std::ifstream in(std::string(PARAMEDIC_SOURCE_DIR) + "/" + path);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

std::vector<Finding> run(SnapshotBuilder b, const CheckSet& set = {}) {
  std::vector<Finding> out;
  std::uint64_t failed = 0;
  run_checks(set, b.build(), out, failed);
  EXPECT_EQ(failed, 0u);
  return out;
}

TEST(Checks, every_check_of_the_list_has_its_file_test_and_docs) {
  const std::string docs = read("docs/checks.md");
  for (const std::string_view name : check_names()) {
    const std::string base = "src/core/checks/" + std::string(name);
    EXPECT_FALSE(read(base + ".cc").empty()) << name;
    EXPECT_FALSE(read(base + "_test.cc").empty()) << name;
    EXPECT_NE(docs.find("## " + std::string(name)), std::string::npos) << name << " has no section in docs/checks.md";
  }
  EXPECT_EQ(check_names().size(), 6u);
}

TEST(Checks, every_key_has_its_docs_row) {
  const std::string docs = read("docs/checks.md");
  for (const std::string_view name : check_names()) {
    const std::string code = read("src/core/checks/" + std::string(name) + ".cc");
    for (std::size_t at = code.find("reader.read"); at != std::string::npos; at = code.find("reader.read", at + 1)) {
      const auto begin = code.find('"', at) + 1;
      const std::string key = code.substr(begin, code.find('"', begin) - begin);
      EXPECT_NE(docs.find("`" + key + "`"), std::string::npos) << name << "." << key;
    }
  }
}

TEST(Checks, one_finding_per_check_in_list_order) {
  const auto findings = run(snapshot().heard(0s).memory(0s, 10).taken(1s));
  ASSERT_EQ(findings.size(), 6u);
  for (std::size_t i = 0; i < 6; ++i) EXPECT_EQ(findings[i].check, check_names()[i]);
  EXPECT_EQ(findings[0].status, FS::healthy);
  EXPECT_EQ(findings[1].status, FS::healthy);
  EXPECT_EQ(findings[2].status, FS::not_applicable);
}

TEST(Checks, a_blind_source_makes_every_applicable_finding_unknown) {
  auto b = snapshot().heard(0s).memory(0s, 99).exited(0s, {.code = 1}).taken(300s);
  b.pool.source.id = "agent/a";
  b.pool.source.state = SourceState::disconnected;
  b.pool.source.blind = true;
  for (const Finding& f : run(b)) {
    EXPECT_TRUE(f.status == FS::unknown || f.status == FS::not_applicable) << f.check;
    EXPECT_TRUE(f.causes.empty());
  }
  EXPECT_EQ(run(b)[0].note, "source agent/a is disconnected");
  EXPECT_EQ(next_deadline({}, b.build()), std::nullopt);
}

TEST(Checks, none_applies_to_a_stopped_worker) {
  auto b = snapshot().heard(0s).memory(0s, 99).exited(0s, {.code = 0}).taken(300s);
  b.worker.state = WorkerState::stopped;
  for (const Finding& f : run(b)) EXPECT_EQ(f.status, FS::not_applicable);
  EXPECT_EQ(run(b)[0].note, "worker is stopped");
}

TEST(Checks, what_a_check_throws_is_an_error_finding_and_counted) {
  std::uint64_t failed = 0;
  const Finding f = guarded("heartbeat", failed, []() -> Finding { throw std::runtime_error("boom"); });
  EXPECT_EQ(f.status, FS::error);
  EXPECT_EQ(f.check, "heartbeat");
  EXPECT_NE(f.message().find("boom"), std::string::npos);
  EXPECT_EQ(guarded("x", failed, []() -> Finding { throw 3; }).status, FS::error);
  EXPECT_EQ(failed, 2u);
}

TEST(Checks, the_next_deadline_is_the_earliest_of_all) {
  auto b = snapshot().heard(0s).model(1s, "m", ModelState::loading, 0s).taken(1s);
  EXPECT_EQ(next_deadline({}, b.build()), SnapshotBuilder::at(45s) + 1ns);
  CheckSet set;
  set.model_loading.expected = 10s;
  EXPECT_EQ(next_deadline(set, b.build()), SnapshotBuilder::at(10s) + 1ns);
}

Params tree(std::initializer_list<std::pair<const char*, std::pair<const char*, const char*>>> rows) {
  Params out = Params::map();
  for (const auto& [check, row] : rows) {
    Params child = out.find(check) ? *out.find(check) : Params::map();
    child.set(row.first, Params::of(row.second));
    out.set(check, child);
  }
  return out;
}

TEST(CheckSet, reads_the_keys_of_every_check) {
  const Params p = tree({{"heartbeat", {"critical_after", "60s"}},
                         {"resources", {"cpu_warning_percent", "80"}},
                         {"task_performance", {"min_tasks", "10"}},
                         {"queue_connection", {"rtt_warning_ms", "5"}},
                         {"model_loading", {"deadline", "10m"}},
                         {"disk_space", {"free_enough", "1GiB"}}});
  Problems problems;
  ParamsReader reader(&p, "checks", problems);
  const CheckSet set = CheckSet::parse(reader);
  EXPECT_TRUE(problems.empty()) << problems[0].to_string();
  EXPECT_EQ(set.heartbeat.critical_after, Duration{60s});
  EXPECT_EQ(set.resources.cpu_warning_percent, 80);
  EXPECT_EQ(set.task_performance.min_tasks, 10);
  EXPECT_EQ(set.queue_connection.rtt_warning_ms, 5);
  EXPECT_EQ(set.model_loading.deadline, Duration{10min});
  EXPECT_EQ(set.disk_space.free_enough_bytes, 1ULL << 30);
}

TEST(CheckSet, refuses_what_makes_no_sense_and_names_the_key) {
  const std::pair<Params, std::string> rows[] = {
      {tree({{"hartbeat", {"critical_after", "60s"}}}), "checks.hartbeat"},
      {tree({{"heartbeat", {"critical_afer", "60s"}}}), "checks.heartbeat.critical_afer"},
      {tree({{"heartbeat", {"critical_after", "60"}}}), "checks.heartbeat.critical_after"},
      {tree({{"resources", {"cpu_warning_percent", "95"}}}), "checks.resources.cpu_warning_percent"},
      {tree({{"resources", {"memory_warning_percent", "96"}}}), "checks.resources.memory_warning_percent"},
      {tree({{"resources", {"cpu_window", "10m"}}}), "checks.resources.cpu_window"},
      {tree({{"task_performance", {"error_rate_warning_percent", "10"}}}),
       "checks.task_performance.error_rate_warning_percent"},
      {tree({{"task_performance", {"widen_to", "2m"}}}), "checks.task_performance.widen_to"},
      {tree({{"task_performance", {"min_tasks", "0"}}}), "checks.task_performance.min_tasks"},
      {tree({{"queue_connection", {"rtt_count", "6"}}}), "checks.queue_connection.rtt_count"},
      {tree({{"queue_connection", {"restart_disconnected_after", "10s"}}}),
       "checks.queue_connection.restart_disconnected_after"},
      {tree({{"model_loading", {"max_deadline", "10s"}}}), "checks.model_loading.max_deadline"},
      {tree({{"disk_space", {"used_warning_percent", "95"}}}), "checks.disk_space.used_warning_percent"},
      {tree({{"disk_space", {"inodes_warning_percent", "99"}}}), "checks.disk_space.inodes_warning_percent"},
  };
  for (const auto& [params, key] : rows) {
    Problems problems;
    ParamsReader reader(&params, "checks", problems);
    CheckSet::parse(reader);
    ASSERT_EQ(problems.size(), 1u) << key;
    EXPECT_NE(problems[0].to_string().find(key), std::string::npos) << problems[0].to_string();
  }
}

}  // namespace
}  // namespace paramedic
