#include "io/wire/ledger_json.h"

#include <gtest/gtest.h>

#include "io/wire/wire_test_values.h"

namespace paramedic::wire {
namespace {

TEST(LedgerJson, every_record_survives) {
  EXPECT_TRUE(testing::holds([] {
    const LedgerBody body = testing::some_ledger_body();
    const std::string text = ledger_json(body);
    const auto back = parse_ledger(ledger_kind(body), text);
    if (!back) RC_FAIL(back.error().message + " in " + text);
    RC_ASSERT(back->index() == body.index());
    RC_ASSERT(ledger_json(*back) == text);
  }));
}

TEST(LedgerJson, kinds_follow_the_order_of_the_variant) {
  static_assert(kEnumCount<LedgerKind> == std::variant_size_v<LedgerBody>);
  EXPECT_EQ(to_string(ledger_kind(ActionRecord{})), "action");
  EXPECT_EQ(to_string(ledger_kind(BigSwitchRecord{})), "big_switch");
  EXPECT_EQ(to_string(ledger_kind(Alert{})), "alert");
}

TEST(LedgerJson, reads_what_an_older_or_newer_version_wrote) {
  const auto r = parse_ledger(LedgerKind::worker, R"({"worker_id":"w","colour":"red"})");
  ASSERT_TRUE(r);
  EXPECT_EQ(std::get<WorkerRecord>(*r).worker_id, "w");
  EXPECT_EQ(std::get<WorkerRecord>(*r).state, WorkerState::running);
}

TEST(LedgerJson, names_what_is_damaged) {
  EXPECT_EQ(parse_ledger(LedgerKind::action, R"({"state":"bored"})").error().code, Errc::corrupt);
  EXPECT_NE(
      parse_ledger(LedgerKind::incident, R"({"timeline":[{"kind":"x"}]})").error().message.find("timeline[0].kind"),
      std::string::npos);
  EXPECT_FALSE(parse_ledger(LedgerKind::action, "{"));
  EXPECT_NE(parse_ledger(LedgerKind::input, R"({"at":"2026-11-25T00:00:00Z"})").error().message.find("kind"),
            std::string::npos);
  EXPECT_FALSE(parse_ledger(LedgerKind::input, R"({"kind":"command","verb":"explode"})"));
  const auto late = parse_ledger(LedgerKind::input, R"({"broker":"b","down":true,"kind":"broker"})");
  ASSERT_TRUE(late);
  EXPECT_TRUE(std::get<RecordedBroker>(std::get<InputRecord>(*late).what).down) << "wherever the kind stands";
  EXPECT_FALSE(parse_ledger(static_cast<LedgerKind>(99), "{}"));
}

}  // namespace
}  // namespace paramedic::wire
