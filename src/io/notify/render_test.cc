#include "io/notify/notify_test_support.h"
#include "io/notify/template.h"

namespace paramedic::notify {
namespace {

using ::testing::ElementsAre;

TEST(TextFit, cuts_on_characters_and_says_so) {
  EXPECT_EQ(cut_bytes("abc", 3), "abc");
  EXPECT_EQ(cut_bytes("abcd", 3), "…") << "the ellipsis is three bytes";
  EXPECT_EQ(cut_bytes("ääää", 7), "ää…");
  EXPECT_EQ(cut_bytes("ab", 1), "");
  EXPECT_EQ(cut_units("abcd", 3), "ab…");
  EXPECT_EQ(cut_units("🔥🔥🔥", 6), "🔥🔥🔥") << "two units each";
  EXPECT_EQ(cut_units("🔥🔥🔥", 5), "🔥🔥…");
  EXPECT_EQ(utf16_units("a🔥ä"), 4u);
}

TEST(TextFit, bytes_that_are_no_text_become_replacements) {
  EXPECT_EQ(clean("a\xFF"
                  "b\x01"
                  "c\r\nd\re"),
            "a\xEF\xBF\xBD"
            "b c\nd\ne");
  EXPECT_EQ(clean("\xED\xA0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD") << "a surrogate";
  EXPECT_EQ(clean("\xF0\x9F\x94"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD") << "cut short";
  EXPECT_EQ(one_line("  a \n\t b  "), "a b");
}

TEST(TextFit, escapes_are_never_cut_in_two) {
  EXPECT_EQ(escaped("a<b & c>", escape_slack), "a&lt;b &amp; c&gt;");
  EXPECT_EQ(escaped("\"'", escape_html), "&quot;&#39;");
  EXPECT_EQ(escaped_cut("&&&&", escape_slack, 12), "&amp;&amp;…");
  EXPECT_EQ(escaped_cut("&&", escape_slack, 10), "&amp;&amp;");
  EXPECT_EQ(escaped("a_*b", escape_markdown), "a\\_\\*b");
}

TEST(Render, says_what_kind_of_message_it_is) {
  const auto headline = [](NotificationKind kind) { return describe(notification(kind), context()).headline; };
  EXPECT_EQ(headline(NotificationKind::firing), "[CRITICAL] Worker w-17 is silent");
  EXPECT_EQ(headline(NotificationKind::update), "[CRITICAL, update] Worker w-17 is silent");
  EXPECT_EQ(headline(NotificationKind::resolved), "[RESOLVED] Worker w-17 is silent");
  EXPECT_EQ(headline(NotificationKind::reminder), "[CRITICAL, still firing] Worker w-17 is silent");
  EXPECT_EQ(headline(NotificationKind::acknowledged), "[ACKNOWLEDGED by ann] Worker w-17 is silent");
  EXPECT_EQ(headline(NotificationKind::test), "[TEST] Worker w-17 is silent");
}

TEST(Render, tells_the_text_once_and_all_alerts) {
  Notification n = notification();
  EXPECT_THAT(describe(n, context()).lines, ElementsAre("no sign of life for 42 s", "last heard at 03:00"));
  n.alerts.push_back(n.alerts[0]);
  n.alerts[1].title = "Worker w-18 is silent";
  n.alerts[1].message = "no sign of life for 40 s";
  n.alert_count = 7;
  EXPECT_THAT(describe(n, context()).lines,
              ElementsAre("no sign of life for 42 s", "last heard at 03:00",
                          "- Worker w-18 is silent: no sign of life for 40 s", "and 5 more"));
}

TEST(Render, a_remedy_that_waits_has_a_link_to_say_yes_or_no) {
  Notification n = notification();
  ASSERT_FALSE(n.alerts.empty());
  Alert& asks = n.alerts[0];
  asks.reason = Reason::approval_wanted;
  asks.worker_id = "gpu/7";
  asks.annotations = {{"action_id", "act-1"}};
  SendContext c = context();
  c.external_url = "https://monitor.example/";
  EXPECT_EQ(describe(n, c).links.at(0).url, "https://monitor.example/#/approve/gpu%2F7/act-1");
  EXPECT_THAT(approval_urls(c, n), ElementsAre("https://monitor.example/#/approve/gpu%2F7/act-1"));
  asks.state = AlertState::resolved;
  EXPECT_TRUE(approval_urls(c, n).empty()) << "it waits no longer";
  asks.state = AlertState::firing;
  c.external_url.clear();
  EXPECT_TRUE(approval_urls(c, n).empty());
}

TEST(Render, links_lead_to_the_incident_and_to_no_other_scheme) {
  Notification n = notification();
  n.incident_id = "inc-a/b";
  EXPECT_EQ(incident_url(context(), n), "https://paramedic.example/#/incidents/inc-a%2Fb");
  n.incident_id.clear();
  EXPECT_EQ(incident_url(context(), n), "https://paramedic.example/");
  SendContext none;
  EXPECT_EQ(incident_url(none, n), "");
  n.alerts[0].annotations = {{"runbook_url", "javascript:alert(1)"}};
  EXPECT_EQ(runbook_url(n), "");
  n.alerts[0].annotations = {{"runbook_url", "https://x\" onclick=\"y"}};
  EXPECT_EQ(runbook_url(n), "");
}

TEST(Render, a_story_keeps_its_key_when_it_is_too_long) {
  Notification a = notification(), b = notification();
  EXPECT_EQ(story_key(a, 255), "ops/pool=thumbs");
  a.group_key = std::string(300, 'x') + "a";
  b.group_key = std::string(300, 'x') + "b";
  EXPECT_LE(story_key(a, 255).size(), 255u);
  EXPECT_EQ(story_key(a, 255), story_key(a, 255));
  EXPECT_NE(story_key(a, 255), story_key(b, 255));
  a.group_key.clear();
  EXPECT_FALSE(story_key(a, 255).empty());
}

TEST(Render, json_fits_and_stays_json) {
  for (const std::size_t max : {2000u, 20'000u, 200'000u}) {
    Notification n = huge_notification();
    n.group_key = "short";
    n.actor.clear();
    const std::string text = notification_json(n, max);
    EXPECT_LE(text.size(), max);
    boost::system::error_code failed;
    json::parse(text, failed);
    EXPECT_FALSE(failed);
  }
}

}  // namespace
}  // namespace paramedic::notify
