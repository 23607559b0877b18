// Inside io/wire only (it shows Boost.JSON): alerts, incidents and notifications out of stored JSON. The file is our
// own, so texts are bounded but not judged.
#pragma once
#include "io/wire/json_reader.h"
#include "model/notification.h"

namespace paramedic::wire {

inline constexpr std::size_t kMaxStoredText = 64 * 1024;
inline constexpr std::size_t kMaxStoredItems = 100'000;

bool read_stored_labels(Fields& f, std::string_view key, const json::value& v, Labels& out);
bool read_alert(Fields& f, const json::value& v, Alert& out);
bool read_incident(Fields& f, const json::value& v, Incident& out);
bool read_silence(Fields& f, const json::value& v, Silence& out);
bool read_acknowledgement(Fields& f, const json::value& v, Acknowledgement& out);
bool read_notification_group(Fields& f, const json::value& v, NotificationGroup& out);
bool read_notification_record(Fields& f, const json::value& v, NotificationRecord& out);

}  // namespace paramedic::wire
