// Files compiled into the program by paramedic_embed() of cmake/web.cmake: the API description, the dashboard.
// Plain values with static lifetime; any thread. Includes nothing of io, so that generated sources compile in a moment.
#pragma once
#include <span>
#include <string_view>

namespace paramedic::api {

struct EmbeddedFile {
  std::string_view path;          // as in the URL: "/index.html"
  std::string_view content_type;  // "text/html; charset=utf-8"
  std::string_view body;
  std::string_view etag;  // quoted: "\"0123456789abcdef\""
};

}  // namespace paramedic::api

namespace paramedic::embedded {

// docs/openapi.yaml as /openapi.json; link the target paramedic_openapi.
std::span<const api::EmbeddedFile> openapi_files();
// docs/alerts/NAME.md under the same path; link the target paramedic_alert_pages.
std::span<const api::EmbeddedFile> alert_pages();
// web/dist; link the target paramedic_dashboard.
std::span<const api::EmbeddedFile> dashboard_files();

}  // namespace paramedic::embedded
