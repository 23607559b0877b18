#include <thread>

#include "io/notify/alertmanager_alerts.h"
#include "io/notify/notify_test_support.h"

namespace paramedic::notify {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Keys one() { return {{"urls", list({"http://127.0.0.1:9093/"})}}; }

// What Alertmanager refuses (interop.md 2.5).
void check_post(const HttpCall& call) {
  EXPECT_THAT(call.url, ::testing::EndsWith("/api/v2/alerts"));
  EXPECT_EQ(header_of(call, "Content-Type"), "application/json") << "anything else is a 415";
  const json::value body = body_of(call);
  ASSERT_TRUE(body.is_array());
  const auto check_names = [](const json::value& texts) {
    for (const auto& text : texts.as_object())
      EXPECT_THAT(std::string(text.key()), ::testing::MatchesRegex("[a-zA-Z_][a-zA-Z0-9_]*"));
  };
  for (const auto& alert : body.as_array()) {
    EXPECT_FALSE(alert.at("labels").as_object().empty());
    check_names(alert.at("labels"));
    check_names(alert.at("annotations"));
    for (const auto& label : alert.at("labels").as_object()) EXPECT_FALSE(label.value().as_string().empty());
    EXPECT_LT(text_at(alert, "/startsAt"), text_at(alert, "/endsAt")) << "RFC 3339 in UTC compares as text";
  }
}
bool ended(const json::value& alert) { return text_at(alert, "/endsAt") == "2026-11-29T03:00:00.000Z"; }

TEST(Alertmanager, posts_alerts_that_fire_and_ends_them) {
  Script script;
  script.answers = {answer(200)};
  const auto alertmanager = channel(script, "alertmanager", one());
  EXPECT_EQ(alertmanager->send(notification(), context()).verdict, SendVerdict::delivered);
  alertmanager->send(notification(NotificationKind::resolved), context());
  ASSERT_EQ(script.calls.size(), 2u);
  for (const HttpCall& call : script.calls) check_post(call);
  EXPECT_EQ(script.calls[0].url, "http://127.0.0.1:9093/api/v2/alerts");
  const json::value fires = body_of(script.calls[0]), ends = body_of(script.calls[1]);
  EXPECT_EQ(text_at(fires, "/0/labels/alertname"), "WorkerSilent");
  EXPECT_EQ(text_at(fires, "/0/labels/worker"), "w-17");
  EXPECT_EQ(text_at(fires, "/0/labels/severity"), "critical");
  EXPECT_EQ(text_at(fires, "/0/generatorURL"), "https://paramedic.example/#/incidents/inc-1");
  EXPECT_EQ(text_at(fires, "/0/endsAt"), "2026-11-29T08:00:00.000Z") << "holds without us until the next reminder";
  EXPECT_EQ(fires.at(0).at("labels"), ends.at(0).at("labels")) << "its identity";
  EXPECT_EQ(fires.at(0).at("annotations"), ends.at(0).at("annotations")) << "each post replaces them";
  EXPECT_TRUE(ended(ends.at(0)));
}

TEST(Alertmanager, names_and_values_fit_whatever_is_told) {
  Script script;
  script.answers = {answer(200)};
  const auto alertmanager = channel(script, "alertmanager", one());
  alertmanager->send(huge_notification(), context());
  alertmanager->send(huge_notification(NotificationKind::resolved), context());
  for (const HttpCall& call : script.calls) check_post(call);
}

TEST(Alertmanager, an_alert_that_left_the_group_or_changed_its_severity_ends) {
  Script script;
  script.answers = {answer(200)};
  const auto alertmanager = channel(script, "alertmanager", one());
  Notification two = notification();
  two.alerts.push_back(two.alerts[0]);
  two.alerts[1].worker_id = "w-18";
  two.alert_count = 2;
  alertmanager->send(two, context());
  Notification changed = notification(NotificationKind::update);
  changed.alerts[0].severity = Severity::warning;
  alertmanager->send(changed, context());
  const json::value body = body_of(script.calls[1]);
  ASSERT_EQ(body.as_array().size(), 3u);
  EXPECT_FALSE(ended(body.at(0)));
  EXPECT_EQ(text_at(body, "/0/labels/severity"), "warning");
  EXPECT_TRUE(ended(body.at(1)) && ended(body.at(2)));
  // A message that names only some of its alerts says nothing about the others.
  changed.kind = NotificationKind::reminder;
  changed.alerts[0].worker_id = "w-19";
  changed.alert_count = 500;
  alertmanager->send(changed, context());
  const json::value last = body_of(script.calls[2]);
  for (const auto& alert : last.as_array()) EXPECT_FALSE(ended(alert));
}

TEST(Alertmanager, every_member_gets_it_and_one_is_enough) {
  Script script;
  script.answers = {Error{Errc::unavailable, "refused"}, answer(200), answer(503)};
  const auto alertmanager =
      channel(script, "alertmanager", {{"urls", list({"http://a:9093", "http://b:9093", "http://c:9093"})}});
  EXPECT_EQ(alertmanager->destination(), "a:9093,b:9093,c:9093");
  const SendResult result = alertmanager->send(notification(), context());
  EXPECT_EQ(script.calls.size(), 3u);
  EXPECT_EQ(result.verdict, SendVerdict::delivered);
  EXPECT_THAT(result.answer, ::testing::AllOf(HasSubstr("1 of 3"), HasSubstr("a:9093"), HasSubstr("c:9093: HTTP 503")));
}

TEST(Alertmanager, answers_are_judged) {
  const std::vector<std::pair<std::vector<int>, SendVerdict>> cases = {{{200, 200}, SendVerdict::delivered},
                                                                       {{400, 400}, SendVerdict::permanent},
                                                                       {{400, 500}, SendVerdict::retry},
                                                                       {{429, 429}, SendVerdict::retry}};
  for (const auto& [statuses, verdict] : cases) {
    Script script;
    for (const int status : statuses) script.answers.push_back(answer(status, "x", {{"Retry-After", "3"}}));
    const SendResult result =
        channel(script, "alertmanager", {{"urls", list({"http://a", "http://b"})}})->send(notification(), context());
    EXPECT_EQ(result.verdict, verdict) << result.answer;
    EXPECT_EQ(result.retry_after.has_value(), verdict == SendVerdict::retry);
  }
}

TEST(Alertmanager, what_fires_is_posted_again_until_it_ends) {
  Script script;
  script.answers = {answer(200)};
  Keys keys = one();
  keys.emplace_back("repost", "1s");
  const auto alertmanager = channel(script, "alertmanager", keys);
  alertmanager->send(notification(), context());
  for (int i = 0; i < 2000 && script.count() < 2; ++i) std::this_thread::sleep_for(5ms);
  ASSERT_GE(script.count(), 2u) << "by itself, after a second";
  alertmanager->send(notification(NotificationKind::resolved), context());
  const std::size_t after = script.count();
  alertmanager->cancel();
  const std::lock_guard lock(script.mutex);
  check_post(script.calls[1]);
  EXPECT_EQ(body_of(script.calls[1]).at(0).at("labels"), body_of(script.calls[0]).at(0).at("labels"));
  EXPECT_TRUE(ended(body_of(script.calls[after - 1]).at(0)));
  EXPECT_GE(script.cancels, 2) << "both ways out";
}

TEST(Alertmanager, what_fired_in_an_earlier_life_or_before_a_reload_is_posted_again_and_ended) {
  Script script;
  script.answers = {answer(200)};
  Keys keys = one();
  keys.emplace_back("repost", "1s");
  const auto first = channel(script, "alertmanager", keys), second = channel(script, "alertmanager", keys);
  first->restore(notification(), context());
  for (int i = 0; i < 2000 && script.count() < 1; ++i) std::this_thread::sleep_for(5ms);
  first->cancel();
  ASSERT_GE(script.count(), 1u) << "by itself, after a second";
  EXPECT_EQ(text_at(body_of(script.calls[0]), "/0/labels/worker"), "w-17");
  // The successor knows it too: what the story leaves out now, ends.
  second->inherit(*first);
  Notification other = notification(NotificationKind::update);
  other.alerts.at(0).worker_id = "w-18";
  other.alerts.at(0).key = "worker/w-18/heartbeat/silent";
  for (auto& label : other.alerts.at(0).labels)
    if (label.second == "w-17") label.second = "w-18";
  const std::size_t before = script.count();
  second->send(other, context());
  second->cancel();
  const std::lock_guard lock(script.mutex);
  bool ends = false;
  for (std::size_t i = before; i < script.calls.size(); ++i) {
    const json::value body = body_of(script.calls[i]);
    for (const auto& alert : body.as_array()) ends |= text_at(alert, "/labels/worker") == "w-17" && ended(alert);
  }
  EXPECT_TRUE(ends);
}

TEST(Alertmanager, a_test_and_a_storm_are_alerts_of_their_own) {
  Script script;
  script.answers = {answer(200)};
  const auto alertmanager = channel(script, "alertmanager", one());
  alertmanager->send(notification(NotificationKind::test), context());
  EXPECT_EQ(text_at(body_of(script.calls[0]), "/0/labels/alertname"), "ParamedicTest");
  EXPECT_EQ(text_at(body_of(script.calls[0]), "/0/endsAt"), "2026-11-29T03:01:00.000Z") << "it ends by itself";
  Notification storm = notification(NotificationKind::storm);
  storm.alerts.clear();
  alertmanager->send(storm, context());
  EXPECT_EQ(text_at(body_of(script.calls[1]), "/0/labels/alertname"), "ParamedicStory");
  EXPECT_EQ(text_at(body_of(script.calls[1]), "/0/labels/pool"), "thumbs");
}

TEST(Alertmanager, memory_is_bounded) {
  AlertmanagerMemory memory;
  AlertmanagerAlert alert;
  for (std::size_t i = 0; i < AlertmanagerMemory::kMax + 100; ++i) {
    alert.labels["n"] = std::to_string(i);
    memory.keep("story " + std::to_string(i), {alert});
  }
  EXPECT_EQ(memory.all().size(), AlertmanagerMemory::kMax);
  for (std::size_t i = 0; i < AlertmanagerMemory::kMax; ++i) memory.forget("story " + std::to_string(i));
  EXPECT_TRUE(memory.empty());
}

TEST(Alertmanager, keys_that_do_not_fit_are_named) {
  EXPECT_THAT(refused("alertmanager", {}), HasSubstr("urls"));
  EXPECT_THAT(refused("alertmanager", {{"urls", list({"nonsense"})}}), HasSubstr("http or https"));
  Keys bad = one();
  bad.emplace_back("labels", Params::map().set("bad-label", Params::of("x")));
  bad.emplace_back("expire_after", "5m");
  bad.emplace_back("repost", "10m");
  EXPECT_THAT(refused("alertmanager", bad), ::testing::AllOf(HasSubstr("'bad-label'"), HasSubstr("half of")));
}

}  // namespace
}  // namespace paramedic::notify
