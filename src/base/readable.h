// Untrusted text of many lines for people: what a program said, a stack dump, an answer of a service.
#pragma once
#include <string>

namespace paramedic {

// Control characters other than newline and tab, which would command a terminal, become blanks. Any thread.
std::string readable(std::string text);
// … and without blank lines and blanks at its end.
std::string readable_trimmed(std::string text);

}  // namespace paramedic
