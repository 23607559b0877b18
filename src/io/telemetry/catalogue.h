// The families of the metrics page: name, type, help, unit. Internal to io/telemetry.
#pragma once
#include "io/telemetry/metrics_writer.h"

namespace paramedic::telemetry::families {

using enum MetricType;

#define PARAMEDIC_FAMILY(id, ...) inline constexpr MetricFamily id{__VA_ARGS__};
#include "io/telemetry/families.def"
#undef PARAMEDIC_FAMILY

}  // namespace paramedic::telemetry::families
