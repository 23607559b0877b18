// Texts of annotations with placeholders: "CPU of {{ worker }} is {{ value }} % (limit {{ limit }})". Parsed once;
// rendering cannot fail and expands nothing twice, so that a label of a worker cannot smuggle placeholders in.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/enum_names.h"
#include "base/result.h"
#include "model/report.h"

namespace paramedic {

inline constexpr std::size_t kMaxTemplateBytes = 2000;
inline constexpr std::size_t kMaxRenderedBytes = 4000;  // the rest is cut

enum class Placeholder {
  rule,
  severity,
  subject,
  worker,
  pool,
  host,
  version,
  source,
  value,
  limit,
  count,
  total,
  since,
  runbook,
  label,
};
// As written; of label with its name: {{ label.zone }}.
PARAMEDIC_ENUM_NAMES(Placeholder, "rule", "severity", "subject", "worker", "pool", "host", "version", "source", "value",
                     "limit", "count", "total", "since", "runbook", "label")

// The texts that take the placeholders' places; what does not apply is empty.
struct TemplateValues {
  std::string rule, severity, subject, worker, pool, host, version, source, value, limit, count, total, since, runbook;
  const Labels* labels = nullptr;
};

class Template {
 public:
  Template() = default;
  // Errors: an unknown placeholder, an unclosed one, too long.
  static Result<Template> parse(std::string_view text);
  std::string render(const TemplateValues& values) const;
  const std::string& text() const { return text_; }

 private:
  struct Part {
    std::string literal;  // before the placeholder
    bool last = false;    // no placeholder follows
    Placeholder what = Placeholder::rule;
    std::string label;
  };
  std::string text_;
  std::vector<Part> parts_;
};

}  // namespace paramedic
