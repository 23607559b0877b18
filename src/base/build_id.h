// Which build of a program runs: tells apart what the version does not. Any thread.
#pragma once
#include <string>

namespace paramedic {

// The linker's build id of this executable in hex, or "unknown" when it was linked without one. Two builds of the same
// sources with the same tools have the same.
std::string build_id();

}  // namespace paramedic
