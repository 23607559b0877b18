#include "app/agent/proc_parse.h"

#include <charconv>

namespace paramedic::agent {
namespace {

constexpr std::string_view kBlanks = " \t\n";

std::string_view next_word(std::string_view& text) {
  const auto from = text.find_first_not_of(kBlanks);
  if (from == std::string_view::npos) {
    text = {};
    return {};
  }
  const auto to = std::min(text.find_first_of(kBlanks, from), text.size());
  const auto word = text.substr(from, to - from);
  text.remove_prefix(to);
  return word;
}

template <class T>
std::optional<T> number(std::string_view word) {
  T value{};
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc{} || end != word.data() + word.size()) return std::nullopt;
  return value;
}

template <class T>
T number_or_zero(std::string_view word) {
  return number<T>(word).value_or(T{});
}

std::string_view next_line(std::string_view& text) {
  const auto end = std::min(text.find('\n'), text.size());
  const auto line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

bool lists_controller(std::string_view list, std::string_view controller) {
  while (!list.empty()) {
    const auto end = std::min(list.find(','), list.size());
    if (list.substr(0, end) == controller) return true;
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return false;
}

}  // namespace

std::optional<ProcStat> parse_stat(std::string_view text) {
  const auto name_end = text.rfind(')');
  if (name_end == std::string_view::npos) return std::nullopt;
  text.remove_prefix(name_end + 1);
  ProcStat stat;
  for (int field = 3; field <= 24; ++field) {
    const auto word = next_word(text);
    if (word.empty()) return std::nullopt;
    switch (field) {
      case 3:
        stat.state = word[0];
        break;
      case 4:
        stat.ppid = number_or_zero<int>(word);
        break;
      case 5:
        stat.pgrp = number_or_zero<int>(word);
        break;
      case 14:
      case 15:
        stat.cpu_ticks += number_or_zero<std::uint64_t>(word);
        break;
      case 16:
      case 17:
        stat.children_cpu_ticks += number_or_zero<std::uint64_t>(word);
        break;
      case 20:
        stat.threads = number_or_zero<int>(word);
        break;
      case 22:
        stat.start_ticks = number_or_zero<std::uint64_t>(word);
        break;
      case 24:
        stat.rss_pages = number_or_zero<std::uint64_t>(word);
        break;
      default:
        break;
    }
  }
  return stat;
}

void parse_pids(std::string_view text, std::vector<int>& out) {
  for (auto word = next_word(text); !word.empty(); word = next_word(text)) {
    const auto pid = number<int>(word);
    if (!pid || *pid <= 0) return;
    out.push_back(*pid);
  }
}

std::optional<std::string> cgroup_path(std::string_view cgroup_file, std::string_view controller) {
  while (!cgroup_file.empty()) {
    const auto line = next_line(cgroup_file);
    const auto first = line.find(':');
    const auto second = first == std::string_view::npos ? first : line.find(':', first + 1);
    if (second == std::string_view::npos) continue;
    const auto controllers = line.substr(first + 1, second - first - 1);
    const bool wanted = controller.empty() ? controllers.empty() : lists_controller(controllers, controller);
    if (wanted) return std::string(line.substr(second + 1));
  }
  return std::nullopt;
}

std::optional<std::uint64_t> parse_count(std::string_view text) {
  const auto word = next_word(text);
  return next_word(text).empty() ? number<std::uint64_t>(word) : std::nullopt;
}

std::optional<std::uint64_t> find_count(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    auto line = next_line(text);
    auto word = next_word(line);
    if (!word.empty() && word.back() == ':') word.remove_suffix(1);
    if (word == key) return number<std::uint64_t>(next_word(line));
  }
  return std::nullopt;
}

std::optional<double> parse_cpu_max(std::string_view text) {
  const auto quota = number<std::int64_t>(next_word(text));
  const auto period = number<std::int64_t>(next_word(text));
  if (!quota || !period || *quota <= 0 || *period <= 0) return std::nullopt;
  return static_cast<double>(*quota) / static_cast<double>(*period);
}

}  // namespace paramedic::agent
