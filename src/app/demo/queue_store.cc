#include "app/demo/queue_store.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>
#include <zlib.h>

namespace paramedic::demo {

namespace {

constexpr std::string_view kFormat = "paramedic-demo-queue";
constexpr std::uint64_t kCompactAbove = 1 << 20;
constexpr std::size_t kMaxLogBytes = 64 << 20;

std::uint32_t checksum(std::string_view text) {
  return std::uint32_t(::crc32(0, reinterpret_cast<const Bytef*>(text.data()), uInt(text.size())));
}

std::string sealed(std::string text) { return fmt::format("{} {:08x}\n", text, checksum(text)); }

std::string put_record(const QueueTask& t) {
  return sealed(fmt::format("P {} {} {} {} {} {}", t.id, t.queue, t.type, t.bytes, t.put_ms, t.attempts));
}

std::vector<std::string_view> words(std::string_view line) {
  std::vector<std::string_view> out;
  while (!line.empty() && out.size() < 16) {
    const auto end = std::min(line.find(' '), line.size());
    if (end > 0) out.push_back(line.substr(0, end));
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return out;
}

template <class T>
bool number(std::string_view text, T& out, int base = 10) {
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), out, base);
  return failed == std::errc{} && end == text.data() + text.size();
}

std::int64_t milliseconds(WallTime t) {
  return std::chrono::floor<std::chrono::milliseconds>(t.time_since_epoch()).count();
}

}  // namespace

bool valid_queue_name(std::string_view name) {
  return !name.empty() && name.size() <= 32 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

Result<std::unique_ptr<QueueStore>> QueueStore::open(const std::filesystem::path& dir) {
  std::error_code failed;
  std::filesystem::create_directories(dir, failed);
  if (failed) return errno_error("cannot create " + dir.string(), failed.value());
  auto store = std::unique_ptr<QueueStore>(new QueueStore(dir));
  if (auto locked = store->lock(); !locked) return locked.error();
  if (auto read = store->replay(); !read) return read.error();
  if (auto written = store->rewrite(); !written) return written.error();
  return store;
}

Result<void> QueueStore::lock() {
  const auto path = dir_ / "queue.lock";
  lock_.reset(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock_) return errno_error("cannot open " + path.string(), errno);
  if (::flock(lock_.get(), LOCK_EX | LOCK_NB) == 0) return {};
  return make_error(Errc::conflict, "another demo broker uses " + dir_.string() + "; end it or choose another folder");
}

Result<void> QueueStore::replay() {
  const auto path = dir_ / "queue.log";
  if (!std::filesystem::exists(path)) return {};
  auto text = read_file(path, kMaxLogBytes);
  if (!text) return text.error();
  std::map<std::uint64_t, QueueTask> tasks;
  std::string_view rest = *text;
  for (auto end = rest.find('\n'); end != rest.npos; end = rest.find('\n')) {
    if (!apply(rest.substr(0, end), tasks)) break;  // torn or damaged: what follows cannot be trusted
    rest.remove_prefix(end + 1);
  }
  for (auto& [id, task] : tasks) {
    next_id_ = std::max(next_id_, id + 1);
    auto& waiting = queues_[task.queue].waiting;
    if (waiting.size() < kMaxWaiting) waiting.push_back(std::move(task));
  }
  return {};
}

bool QueueStore::apply(std::string_view line, std::map<std::uint64_t, QueueTask>& tasks) {
  const auto space = line.rfind(' ');
  std::uint32_t sum = 0;
  if (space == line.npos || !number(line.substr(space + 1), sum, 16) || sum != checksum(line.substr(0, space)))
    return false;
  const auto part = words(line.substr(0, space));
  if (part.size() == 4 && part[0] == "H") return part[1] == kFormat && part[2] == "1" && number(part[3], next_id_);
  std::uint64_t id = 0;
  if (part.size() < 2 || !number(part[1], id)) return false;
  next_id_ = std::max(next_id_, id + 1);
  if (part[0] == "D") return tasks.erase(id), true;
  QueueTask task{.id = id};
  if (part.size() != 7 || part[0] != "P" || !valid_queue_name(part[2]) || !valid_queue_name(part[3])) return false;
  if (!number(part[4], task.bytes) || !number(part[5], task.put_ms) || !number(part[6], task.attempts)) return false;
  task.queue = part[2];
  task.type = part[3];
  tasks[id] = std::move(task);
  return true;
}

// Writes the live tasks into a fresh log that replaces the old one.
Result<void> QueueStore::rewrite() {
  std::string text = sealed(fmt::format("H {} 1 {}", kFormat, next_id_));
  for (const auto& [id, held] : held_) text += put_record(held.task);
  for (const auto& [name, queue] : queues_)
    for (const auto& task : queue.waiting) text += put_record(task);
  const auto path = dir_ / "queue.log";
  if (auto written = write_file(path, text); !written) return written.error();
  log_.reset(::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  if (!log_) return errno_error("cannot open " + path.string(), errno);
  log_bytes_ = rewritten_bytes_ = text.size();
  return {};
}

Result<void> QueueStore::append(const std::string& record) {
  const ssize_t count = ::write(log_.get(), record.data(), record.size());
  degraded_ = count != ssize_t(record.size());
  if (degraded_) {
    const int why = count < 0 ? errno : ENOSPC;
    // A half record would make everything after it unreadable.
    if (count > 0 && ::ftruncate(log_.get(), off_t(log_bytes_)) != 0)
      return errno_error("cannot mend the queue log", errno);
    return errno_error("cannot write the queue log in " + dir_.string(), why);
  }
  log_bytes_ += record.size();
  return {};
}

Result<std::uint64_t> QueueStore::put(std::string_view queue, std::string_view type, std::uint64_t bytes,
                                      WallTime now) {
  if (!valid_queue_name(queue) || !valid_queue_name(type))
    return make_error(Errc::invalid_argument, "queue and type must match [a-z0-9_-]{1,32}");
  if (bytes > kMaxTaskBytes)
    return make_error(Errc::invalid_argument, fmt::format("a task has at most {} bytes", kMaxTaskBytes));
  auto at = queues_.find(queue);
  if (at == queues_.end()) {
    if (queues_.size() >= kMaxQueues) return make_error(Errc::too_many, fmt::format("at most {} queues", kMaxQueues));
    at = queues_.try_emplace(std::string(queue)).first;
  }
  if (at->second.waiting.size() >= kMaxWaiting)
    return make_error(Errc::too_many, fmt::format("queue {} is full ({} tasks); take some first", queue, kMaxWaiting));
  QueueTask task{.id = next_id_,
                 .queue = std::string(queue),
                 .type = std::string(type),
                 .bytes = bytes,
                 .put_ms = milliseconds(now)};
  if (auto written = append(put_record(task)); !written) return written.error();
  at->second.waiting.push_back(std::move(task));
  return next_id_++;
}

std::optional<QueueTask> QueueStore::take(std::string_view queue, int owner) {
  const auto at = queues_.find(queue);
  if (at == queues_.end() || at->second.waiting.empty()) return std::nullopt;
  QueueTask task = std::move(at->second.waiting.front());
  at->second.waiting.pop_front();
  ++at->second.counts.taken;
  held_[task.id] = Held{task, owner};
  return task;
}

Result<void> QueueStore::ack(std::uint64_t id, int owner) {
  const auto at = held_.find(id);
  if (at == held_.end() || at->second.owner != owner)
    return make_error(Errc::not_found, fmt::format("task {} is not yours", id));
  ++queues_[at->second.task.queue].counts.acked;
  held_.erase(at);
  if (log_bytes_ > kCompactAbove && log_bytes_ > 4 * rewritten_bytes_) return rewrite();
  return append(sealed(fmt::format("D {}", id)));
}

Result<void> QueueStore::nack(std::uint64_t id, int owner) {
  const auto at = held_.find(id);
  if (at == held_.end() || at->second.owner != owner)
    return make_error(Errc::not_found, fmt::format("task {} is not yours", id));
  Held held = std::move(at->second);
  held_.erase(at);
  Queue& queue = queues_[held.task.queue];
  if (++held.task.attempts >= kMaxAttempts) {
    ++queue.counts.given_up;
    return append(sealed(fmt::format("D {}", id)));
  }
  queue.waiting.push_front(held.task);
  return append(put_record(held.task));
}

void QueueStore::release(int owner) {
  for (auto at = held_.end(); at != held_.begin();) {
    --at;
    if (at->second.owner != owner) continue;
    queues_[at->second.task.queue].waiting.push_front(std::move(at->second.task));
    at = held_.erase(at);
  }
}

QueueStats QueueStore::stats(std::string_view queue, WallTime now) const {
  const auto at = queues_.find(queue);
  if (at == queues_.end()) return {};
  QueueStats out = at->second.counts;
  out.ready = at->second.waiting.size();
  out.unacked = std::size_t(
      std::count_if(held_.begin(), held_.end(), [&](const auto& h) { return h.second.task.queue == queue; }));
  if (out.ready > 0)
    out.oldest =
        std::chrono::milliseconds(std::max<std::int64_t>(0, milliseconds(now) - at->second.waiting.front().put_ms));
  return out;
}

}  // namespace paramedic::demo
