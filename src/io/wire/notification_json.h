// Notifications, silences and acknowledgements as JSON: the same form in the API, in the ledger and on the standard
// input of an `exec` channel (docs/api.md). Pure writers, any thread.
#pragma once
#include "io/wire/json_writer.h"
#include "model/notification.h"

namespace paramedic::wire {

void write_matcher(JsonWriter& w, const Matcher& matcher);
void write_silence(JsonWriter& w, const Silence& silence);
void write_acknowledgement(JsonWriter& w, const Acknowledgement& acknowledgement);
// {id, group_key, channel, route, kind, severity, incident_id, title, text, group_labels, common_labels, alerts,
//  alert_count, firing_count, worker_count, needs_acknowledgement, escalation_step, actor, at, sequence, members}
void write_notification(JsonWriter& w, const Notification& notification);
// {notification, state, attempts, tried_at, ended_at, answer, merged_into, failed_over_to, remote_id}
void write_notification_record(JsonWriter& w, const NotificationRecord& record);
// For the ledger alone: what was told of one story.
void write_notification_group(JsonWriter& w, const NotificationGroup& group);

}  // namespace paramedic::wire
