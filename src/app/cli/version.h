// The one place that knows the version of the program at run time.
#pragma once

namespace paramedic::cli {

inline constexpr char kVersion[] = PARAMEDIC_VERSION;

}  // namespace paramedic::cli
