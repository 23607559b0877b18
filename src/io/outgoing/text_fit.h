// Text made to fit what other sides accept. Pure; any thread. Everything returns valid UTF-8: other bytes become
// U+FFFD.
#pragma once
#include <string>
#include <string_view>

namespace paramedic::outgoing {

// Without control characters but line ends; CRLF and CR become LF.
std::string clean(std::string_view text);
// Runs of blanks and line ends as one blank, none at the ends.
std::string one_line(std::string_view text);
// At most `max` bytes, or UTF-16 units (what Slack, Discord and others count; never fewer than characters); "…" at a
// cut.
std::string cut_bytes(std::string text, std::size_t max);
std::string cut_units(std::string text, std::size_t max);
std::size_t utf16_units(std::string_view text);

// What a character of plain text becomes; empty = itself.
using Escape = std::string_view (*)(char c);
std::string_view escape_slack(char c);     // & < >
std::string_view escape_html(char c);      // & < > " '
std::string_view escape_markdown(char c);  // of Discord and Adaptive Cards
std::string escaped(std::string_view text, Escape escape);
// Escaped, at most `max` units long with its escapes, none of them cut in two.
std::string escaped_cut(std::string_view text, Escape escape, std::size_t max);

}  // namespace paramedic::outgoing
