#include "app/cli/replay_text.h"

#include <fmt/format.h>

#include "base/readable.h"
#include "base/text.h"
#include "io/wire/json_writer.h"

namespace paramedic::cli {

namespace {

using replay::Counts;
using replay::Difference;
using replay::EpisodeKind;
using replay::Evidence;
using replay::Line;
using replay::OldSide;
using replay::ReplayResult;
using replay::Wishes;

std::string_view or_dash(std::string_view text) { return text.empty() ? "-" : text; }

// "memory_high", or "busy (rule)" where the rule's name does not say it.
std::string name_of(const Line& line) {
  return line.reason.empty() || line.reason == line.name ? line.name : fmt::format("{} ({})", line.name, line.reason);
}

std::string held_for(double seconds) { return format_duration(std::chrono::seconds(std::int64_t(seconds + 0.5))); }

std::string shift_of(const Line& line) {
  std::string out;
  if (line.earlier > 0) out += fmt::format(" {} earlier", line.earlier);
  if (line.later > 0) out += fmt::format(" {} later", line.later);
  return out;
}

std::string table(const ReplayResult& result, EpisodeKind kind, const char* title) {
  std::string out;
  for (const Line& line : result.comparison.lines) {
    if (line.kind != kind) continue;
    if (out.empty())
      out = fmt::format("\n{:<38} {:<16} {:>6} {:>6}  {}\n", title, "POOL", "OLD", "NEW",
                        kind == EpisodeKind::restart ? "OF THE NEW" : "TIME OLD -> NEW");
    const Counts &a = line.old_side, &b = line.new_side;
    const std::string more =
        kind == EpisodeKind::restart
            ? fmt::format("{} cured, {} failed, {} outcome not known", b.succeeded, b.failed, b.outcome_unknown)
            : fmt::format("{} -> {}", held_for(a.seconds), held_for(b.seconds));
    out += fmt::format("{:<38} {:<16} {:>6} {:>6}  {}{}{}\n", readable(name_of(line)),
                       readable(std::string(or_dash(line.pool))), a.begun, b.begun, more,
                       shift_of(line).empty() ? "" : ";", shift_of(line));
  }
  return out;
}

std::string wishes_line(const char* side, const Wishes& w) {
  std::string out = fmt::format("{:<5} starts wanted {}, ordered {}; stops wanted {}, ordered {}", side,
                                w.starts_wanted, w.starts_done, w.stops_wanted, w.stops_ordered);
  for (const auto& [what, count] : w.held) out += fmt::format("; held {} {}", what, count);
  return out + "\n";
}

std::string line_of(const Difference& d) {
  std::string out = fmt::format("{}  {:<8} {:<8} {}", format_time(d.at), d.only_new ? "only new" : "only old",
                                to_string(d.kind), readable(d.name));
  if (!d.reason.empty() && d.reason != d.name) out += fmt::format(" ({})", d.reason);
  if (!d.worker_id.empty()) out += fmt::format(", worker {}", d.worker_id);
  if (!d.pool.empty()) out += fmt::format(", pool {}", readable(d.pool));
  if (d.worker_id.empty() && d.kind == EpisodeKind::alert) out += fmt::format(", {}", readable(d.key));
  if (d.kind == EpisodeKind::alert)
    out += d.ended_at ? fmt::format(", for {}", held_for(to_seconds(*d.ended_at - d.at))) : ", held to the end";
  if (!d.outcome_known) out += ", outcome not known";
  return out + "\n";
}

std::string evidence_text(const ReplayResult& r) {
  if (r.evidence == Evidence::history)
    return fmt::format("APPROXIMATE: from {} rows of the history of {} workers\n", r.rows, r.workers);
  return fmt::format("{} recorded inputs, {} of them reports, in {} run{} of the monitor: {}\n", r.inputs, r.reports,
                     r.runs, r.runs == 1 ? "" : "s",
                     r.exact ? "the engine is given exactly what it was given then" : "NOT EXACT, see the notes");
}

std::size_t shown(const ReplayResult& r, std::size_t most) {
  const std::size_t all = r.comparison.differences.size();
  return most == 0 ? all : std::min(most, all);
}

void write(wire::JsonWriter& w, const char* name, const Counts& c, EpisodeKind kind) {
  w.key(name).begin_object().field("begun", c.begun).field("ended", c.ended);
  if (kind == EpisodeKind::restart)
    w.field("succeeded", c.succeeded).field("failed", c.failed).field("outcome_unknown", c.outcome_unknown);
  else
    w.field("seconds", c.seconds);
  w.end_object();
}

void write(wire::JsonWriter& w, const Line& line) {
  w.begin_object().field("kind", to_string(line.kind)).field("name", line.name).field("reason", line.reason);
  w.field("pool", line.pool);
  write(w, "old", line.old_side, line.kind);
  write(w, "new", line.new_side, line.kind);
  w.field("only_old", line.only_old).field("only_new", line.only_new);
  w.field("earlier", line.earlier).field("later", line.later).end_object();
}

void write(wire::JsonWriter& w, const Difference& d) {
  w.begin_object().field("only", d.only_new ? "new" : "old").field("kind", to_string(d.kind)).field("name", d.name);
  w.field("reason", d.reason).field("pool", d.pool).field("worker_id", d.worker_id).field("key", d.key);
  w.key("at").value(d.at).key("ended_at").value(d.ended_at);
  w.field("outcome_known", d.outcome_known).end_object();
}

void write(wire::JsonWriter& w, const char* name, const Wishes& wishes) {
  w.key(name).begin_object();
  w.field("starts_wanted", wishes.starts_wanted).field("starts_ordered", wishes.starts_done);
  w.field("stops_wanted", wishes.stops_wanted).field("stops_ordered", wishes.stops_ordered);
  w.key("held").begin_object();
  for (const auto& [what, count] : wishes.held) w.field(what, count);
  w.end_object().end_object();
}

void write(wire::JsonWriter& w, const char* name, const std::vector<std::string>& texts) {
  w.key(name).begin_array();
  for (const std::string& text : texts) w.value(text);
  w.end_array();
}

}  // namespace

std::string replay_text(const ReplayResult& r, const ReplayNames& names) {
  std::string out;
  if (!r.spans.empty())
    out = fmt::format("replay of {} to {}\n", format_time(r.spans.front().from), format_time(r.spans.back().to));
  out += evidence_text(r);
  out += r.old_side == OldSide::ledger ? "old: what the monitor really did, by its ledger\n"
                                       : fmt::format("old: {}, replayed\n", names.old_file);
  out += fmt::format("new: {}, replayed{}\n", names.new_file,
                     r.new_is_recorded ? "; it is the configuration of the recording" : "");
  out += table(r, EpisodeKind::alert, "ALERTS") + table(r, EpisodeKind::restart, "RESTARTS") +
         table(r, EpisodeKind::incident, "INCIDENTS");
  out += "\nREMEDIES\n";
  out +=
      r.old_wishes ? wishes_line("old", *r.old_wishes) : "old   a ledger does not hold what was wanted or held back\n";
  out += wishes_line("new", r.new_wishes);
  if (r.brought_in > 0)
    out += fmt::format(
        "      {} restarts of the recording were not ordered by the new configuration; they are done all "
        "the same, as by a person\n",
        r.brought_in);
  const auto& differences = r.comparison.differences;
  out += fmt::format("\nDIFFERENCES: {}\n", differences.empty() ? "none" : std::to_string(differences.size()));
  for (std::size_t i = 0; i < shown(r, names.most); ++i) out += line_of(differences[i]);
  if (shown(r, names.most) < differences.size())
    out += fmt::format("and {} more; --all prints them\n", differences.size() - shown(r, names.most));
  if (r.episodes_left_out > 0) out += "more than 200000 alerts and restarts: the comparison is not complete\n";
  if (!r.missing.empty()) out += "\nMISSING from the history, so that this is approximate\n";
  for (const std::string& text : r.missing) out += "- " + text + "\n";
  if (!r.remarks.empty()) out += "\nNOTES\n";
  for (const std::string& text : r.remarks) out += "- " + text + "\n";
  if (r.remarks_left_out > 0) out += fmt::format("- and {} more\n", r.remarks_left_out);
  return out;
}

std::string replay_json(const ReplayResult& r, const ReplayNames& names) {
  std::string out;
  wire::JsonWriter w(out);
  w.begin_object().field("evidence", to_string(r.evidence)).field("approximate", r.evidence == Evidence::history);
  w.field("exact", r.exact).field("old_side", to_string(r.old_side)).field("new_is_recorded", r.new_is_recorded);
  w.field("config_hash", names.new_hash);
  w.key("spans").begin_array();
  for (const auto& span : r.spans) w.begin_object().key("from").value(span.from).key("to").value(span.to).end_object();
  w.end_array();
  w.field("runs", r.runs).field("steps", r.steps).field("inputs", r.inputs).field("reports", r.reports);
  w.field("rows", r.rows).field("brought_in", r.brought_in).field("same", r.comparison.same());
  w.field("complete", r.episodes_left_out == 0);
  w.key("lines").begin_array();
  for (const Line& line : r.comparison.lines) write(w, line);
  w.end_array();
  if (r.old_wishes)
    write(w, "old_remedies", *r.old_wishes);
  else
    w.key("old_remedies").null();
  write(w, "new_remedies", r.new_wishes);
  w.field("differences_total", r.comparison.differences.size());
  w.key("differences").begin_array();
  for (std::size_t i = 0; i < shown(r, names.most); ++i) write(w, r.comparison.differences[i]);
  w.end_array();
  write(w, "missing", r.missing);
  write(w, "remarks", r.remarks);
  w.field("remarks_left_out", r.remarks_left_out).end_object();
  return out + "\n";
}

}  // namespace paramedic::cli
