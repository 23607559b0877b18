// Inside io/restart: what a template of the configuration may say of a job ("{worker_id}"), and which targets an
// executor may touch. The values come from reports, which a worker writes itself: none of them is trusted. Pure; any
// thread.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/params.h"
#include "base/result.h"
#include "io/restart/executor.h"

namespace paramedic::restart {

struct JobValue {
  std::string_view placeholder, variable;  // "{worker_id}", "PARAMEDIC_WORKER_ID"
  std::string (*of)(const Job& job);
};
std::span<const JobValue> job_values();

bool has_control_character(std::string_view text);

// Adds a Problem for a placeholder that does not exist.
void check_template(ParamsReader& r, std::string_view key, std::string_view text);
// The placeholders replaced, whatever the values are; what is none stays as it is.
std::string fill_template(std::string_view text, const Job& job);

// The characters that names of one kind of target consist of.
struct NameRule {
  std::string_view what;        // "container": for messages
  std::string_view characters;  // beside letters and digits: "_.-"
  std::size_t max = 255;        // bytes
  bool lower = false;           // no upper case letters
  std::string_view letters;     // for messages: "letters, digits, '_', '.', '-'"
};
// The target that a template names for this job. Error invalid_argument: a name that this kind of target cannot have,
// "..", or one that begins like an option. What is left of it is safe in a path, but percent-encode it all the same.
Result<std::string> target_name(const NameRule& rule, std::string_view text, const Job& job);

// "job-1" allows itself, "job-*" all that begin so, "*" everything.
bool is_allowed(const std::vector<std::string>& allow, std::string_view name);
// Adds a Problem for an empty list and for a pattern with '*' anywhere but at its end. `kind`: "docker".
void check_allow(ParamsReader& r, std::string_view key, std::string_view kind, const std::vector<std::string>& allow);

}  // namespace paramedic::restart
