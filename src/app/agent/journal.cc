#include "app/agent/journal.h"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>

#include "app/agent/journal_text.h"
#include "app/agent/kernel_file.h"

namespace paramedic::agent {
namespace {

constexpr std::size_t kMaxJournalBytes = 64 << 20;  // more is no journal of ours
constexpr std::size_t kCompactAbove = 1 << 20;

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const auto written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

void sync_folder_of(const std::string& path) {
  const UniqueFd folder(::open(path.substr(0, path.rfind('/')).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder) ::fsync(folder.get());
}

void apply(JournalState& state, const JournalHeader&) { (void)state; }
void apply(JournalState& state, const JournalWorker& worker) {
  state.clean = false;
  state.workers[worker.worker_id] = worker;
}
void apply(JournalState& state, const JournalStart& start) { state.starts[start.start.action_id] = start; }
void apply(JournalState& state, const JournalLadder& ladder) {
  JournalLadder& entry = state.ladders[ladder.ladder.action_id];
  std::string before = std::move(entry.diagnosis);
  entry = ladder;
  if (is_diagnosis(ladder.progress)) entry.diagnosis = ladder.progress.message;
  if (entry.diagnosis.empty()) entry.diagnosis = std::move(before);
}
void apply(JournalState& state, const JournalAck& ack) {
  state.starts.erase(ack.action_id);
  // Only an end can be acknowledged for good: earlier steps are followed by more.
  if (const auto it = state.ladders.find(ack.action_id); it != state.ladders.end() && it->second.progress.done) {
    it->second.acked = true;
    it->second.diagnosis.clear();
  }
}
void apply(JournalState& state, const JournalForget& forget) { state.workers.erase(forget.worker_id); }
void apply(JournalState& state, const JournalClean&) { state.clean = true; }

// Drops the oldest of those that `may_go` until `limit` are left.
template <class Map, class MayGo>
void keep_newest(Map& map, std::size_t limit, MayGo may_go) {
  while (map.size() > limit) {
    auto oldest = map.end();
    for (auto it = map.begin(); it != map.end(); ++it)
      if (may_go(it->second) && (oldest == map.end() || it->second.at < oldest->second.at)) oldest = it;
    if (oldest == map.end()) return;
    map.erase(oldest);
  }
}

}  // namespace

Result<Journal> Journal::open(const std::string& folder, Logger& logger) {
  Journal journal(folder + "/journal.jsonl", logger);
  if (auto loaded = journal.load(); !loaded) return loaded.error();
  journal.compact();
  if (!journal.fd_) return errno_error("cannot write " + journal.path_, errno);
  return journal;
}

Result<void> Journal::load() {
  struct ::stat info {};
  if (::stat(path_.c_str(), &info) != 0) {
    if (errno == ENOENT) return {};
    return errno_error("cannot read " + path_, errno);
  }
  if (static_cast<std::size_t>(info.st_size) > kMaxJournalBytes)
    return make_error(Errc::corrupt, path_ + " is larger than any journal; move it away to start without it");
  const auto text = read_whole(path_, kMaxJournalBytes);
  std::string_view rest = text;
  while (!rest.empty()) {
    const auto end = rest.find('\n');
    const auto line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (line.empty()) continue;
    const auto record = parse_journal_line(line);
    if (!record) {
      // A line without end was being written when the machine stopped: it never counted.
      if (end != std::string_view::npos) ++skipped_;
      continue;
    }
    if (const auto* header = std::get_if<JournalHeader>(&*record); header && header->version > kJournalVersion)
      return make_error(Errc::corrupt, path_ + " has version " + std::to_string(header->version) +
                                           ", this agent knows " + std::to_string(kJournalVersion) +
                                           "; use the newer agent or move the file away");
    std::visit([&](const auto& r) { apply(state_, r); }, *record);
  }
  opened_clean_ = state_.clean;
  if (skipped_ > 0)
    logger_->warning("journal_lines_skipped", {{"path", path_}, {"lines", skipped_}, {"reason", "unreadable"}});
  return {};
}

void Journal::append(const std::string& line) {
  if (bytes_ > compact_at_) compact();
  if (!fd_ || !write_all(fd_.get(), line + "\n")) return complain("write");
  bytes_ += line.size() + 1;
  degraded_ = false;
}

void Journal::complain(const char* what) {
  if (std::exchange(degraded_, true)) return;
  logger_->error("journal_degraded", {{"path", path_},
                                      {"operation", what},
                                      {"error", errno_error("", errno).message},
                                      {"consequence", "workers are started, but a killed agent would forget"}});
}

void Journal::put(const JournalWorker& worker) {
  apply(state_, worker);
  append(journal_line(worker));
}

void Journal::put(const JournalStart& start) {
  apply(state_, start);
  trim();
  append(journal_line(start));
}

void Journal::put(const JournalLadder& ladder) {
  apply(state_, ladder);
  trim();
  append(journal_line(ladder));
}

void Journal::acknowledge(const std::string& action_id) {
  const JournalAck ack{action_id};
  apply(state_, ack);
  append(journal_line(ack));
}

void Journal::mark_clean() {
  apply(state_, JournalClean{});
  append(journal_line(JournalClean{}));
  sync();
}

void Journal::forget_worker(const std::string& worker_id) {
  const JournalForget forget{worker_id};
  apply(state_, forget);
  append(journal_line(forget));
}

void Journal::sync() {
  if (fd_ && ::fdatasync(fd_.get()) != 0) complain("sync");
}

void Journal::trim() {
  keep_newest(state_.starts, kMaxJournalStarts, [](const JournalStart&) { return true; });
  keep_newest(state_.ladders, kMaxJournalLadders, [](const JournalLadder& ladder) { return ladder.progress.done; });
}

// Write, sync, rename: a crash at any instant leaves the old file or the new one.
void Journal::compact() {
  trim();
  std::string text = journal_line(JournalHeader{}) + "\n";
  for (const auto& [id, worker] : state_.workers) text += journal_line(worker) + "\n";
  for (const auto& [id, start] : state_.starts) text += journal_line(start) + "\n";
  for (const auto& [id, ladder] : state_.ladders) text += journal_line(ladder) + "\n";
  if (state_.clean) text += journal_line(JournalClean{}) + "\n";
  const auto fresh = path_ + ".new";
  UniqueFd fd(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600));
  if (!fd || !write_all(fd.get(), text) || ::fsync(fd.get()) != 0 || ::rename(fresh.c_str(), path_.c_str()) != 0) {
    complain("compact");
    compact_at_ = bytes_ + kCompactAbove;  // go on with the old file, try again later
    return;
  }
  sync_folder_of(path_);
  fd_ = std::move(fd);
  bytes_ = text.size();
  compact_at_ = bytes_ + kCompactAbove;
}

}  // namespace paramedic::agent
