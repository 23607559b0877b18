#include <gtest/gtest.h>

#include "core/checks/checks.h"
#include "model/snapshot_builder.h"

namespace paramedic {
namespace {

using FS = FindingStatus;

Finding run(SnapshotBuilder b, const ModelLoadingConfig& c = {}) { return check_model_loading(b.build(), c); }
SnapshotBuilder loading(Duration age) { return snapshot().model(age, "m", ModelState::loading, 0s).taken(age); }

TEST(ModelLoadingCheck, loading_on_both_sides_of_its_limits) {
  EXPECT_EQ(run(loading(120s)).status, FS::healthy);
  EXPECT_EQ(run(loading(121s)).status, FS::warning);
  EXPECT_EQ(run(loading(121s)).causes[0].reason, Reason::model_slow);
  EXPECT_EQ(run(loading(121s)).causes[0].remedy, RemedyKind::none);
  EXPECT_EQ(run(loading(300s)).status, FS::warning);
  const Finding late = run(loading(301s));
  EXPECT_EQ(late.status, FS::critical);
  EXPECT_EQ(late.causes[0].reason, Reason::model_deadline);
  EXPECT_EQ(late.causes[0].remedy, RemedyKind::restart);
  EXPECT_EQ(late.causes[0].evidence, Evidence::timed);
}

TEST(ModelLoadingCheck, expected_is_configured_or_twice_the_median) {
  auto b = loading(20s);
  b.loads.push_back({"m", 3, 10});
  EXPECT_EQ(run(b).status, FS::healthy);
  b = loading(21s);
  b.loads.push_back({"m", 3, 10});
  EXPECT_EQ(run(b).status, FS::warning);
  ModelLoadingConfig c;
  c.expected = 60s;
  EXPECT_EQ(run(b, c).status, FS::healthy);
  EXPECT_EQ(run(loading(61s), c).status, FS::warning);
}

TEST(ModelLoadingCheck, progress_extends_the_deadline_to_thirty_minutes) {
  const auto with_progress = [](Duration age, Duration progress) {
    auto b = loading(age);
    b.worker.models[0].progress_at = SnapshotBuilder::at(progress);
    return run(b).status;
  };
  EXPECT_EQ(with_progress(700s, 400s), FS::warning);
  EXPECT_EQ(with_progress(701s, 400s), FS::critical);
  EXPECT_EQ(with_progress(30min, 30min), FS::warning);
  EXPECT_EQ(with_progress(30min + 1s, 30min), FS::critical);
}

TEST(ModelLoadingCheck, failed_and_broken_models) {
  const Finding failed = run(snapshot().model(0s, "m", ModelState::failed, 0s).model(0s, "n", ModelState::ready, 0s));
  EXPECT_EQ(failed.status, FS::critical);
  EXPECT_EQ(failed.causes[0].reason, Reason::model_failed);
  EXPECT_EQ(failed.causes[0].remedy, RemedyKind::restart);
  EXPECT_EQ(failed.causes[0].subject, "m");
  auto smoke = snapshot().model(0s, "m", ModelState::ready, 0s);
  EXPECT_EQ(run(smoke).status, FS::healthy);
  smoke.worker.models[0].smoke_ok = true;
  EXPECT_EQ(run(smoke).status, FS::healthy);
  smoke.worker.models[0].smoke_ok = false;
  EXPECT_EQ(run(smoke).causes[0].reason, Reason::smoke_failed);
  EXPECT_EQ(run(snapshot().model(0s, "m", ModelState::unloaded, 0s).taken(60s)).status, FS::healthy);
}

TEST(ModelLoadingCheck, missing_data_is_unknown) {
  EXPECT_EQ(run(snapshot()).status, FS::not_applicable);
  auto declared = snapshot();
  declared.worker.capabilities.models = true;
  EXPECT_EQ(run(declared).status, FS::unknown);
  EXPECT_EQ(run(snapshot().model(0s, "m", ModelState::ready, 0s).taken(91s)).status, FS::unknown);
  EXPECT_EQ(run(snapshot().model(0s, "m", ModelState::failed, 0s).exited(0s, {})).status, FS::unknown);
}

TEST(ModelLoadingCheck, deadlines_are_the_next_limits) {
  EXPECT_EQ(deadline_model_loading(loading(1s).build(), {}), SnapshotBuilder::at(120s) + 1ns);
  EXPECT_EQ(deadline_model_loading(loading(121s).build(), {}), SnapshotBuilder::at(300s) + 1ns);
  EXPECT_EQ(deadline_model_loading(loading(301s).build(), {}), std::nullopt);
}

}  // namespace
}  // namespace paramedic
