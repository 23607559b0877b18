#include "app/agent/diagnosis.h"

#include <algorithm>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/agent/unique_fd.h"
#include "base/readable.h"

namespace paramedic::agent {
namespace {

// How long a runtime has to write its dump after the signal before anything else happens to it.
constexpr Duration kSignalTime = 1s;

std::string signal_name(int number) {
  const char* name = ::sigabbrev_np(number);
  return name ? fmt::format("SIG{}", name) : fmt::format("signal {}", number);
}

}  // namespace

Diagnosis::Diagnosis(boost::asio::io_context& io, DiagnosisPlan plan, const std::function<bool(int)>& signal, Done done)
    : io_(io), plan_(std::move(plan)), done_(std::move(done)), timer_(io), self_(std::make_shared<Diagnosis*>(this)) {
  if (plan_.hook.signal == 0) {
    run_program();
    return;
  }
  output_before_ = file_size_of(plan_.output_file);
  signalled_ = signal(plan_.hook.signal);
  timer_.expires_after(std::min(kSignalTime, plan_.limit));
  timer_.async_wait([weak = std::weak_ptr(self_)](const boost::system::error_code& failed) {
    const auto self = weak.lock();
    if (self && !failed) (*self)->after_signal();
  });
}

void Diagnosis::after_signal() {
  const std::string name = signal_name(plan_.hook.signal);
  const std::string said = signalled_ ? read_appended(plan_.output_file, output_before_, kMaxDiagnosisBytes / 2) : "";
  if (!signalled_)
    text_ = fmt::format("{} was not sent: the process is gone\n", name);
  else if (said.empty())
    text_ = fmt::format("{} was sent; what it says went where its output goes\n", name);
  else
    text_ = fmt::format("after {} its output says:\n{}\n", name, said);
  plan_.limit -= std::min(kSignalTime, plan_.limit);
  if (plan_.hook.command.empty() || plan_.limit <= Duration{0}) return finish();
  run_program();
}

void Diagnosis::run_program() {
  const auto done = [this](const HookResult& result) {
    std::string line = "$";
    for (const std::string& word : result.command) line += " " + word;
    text_ += fmt::format("{} ({})\n{}", line, result.how_it_ended(plan_.limit), result.output);
    finish();
  };
  program_ = std::make_unique<HookRun>(
      io_, HookCall{plan_.hook.command, plan_.subject, plan_.limit, kMaxDiagnosisBytes - 1024}, done);
}

// The last thing: `done` may destroy us.
void Diagnosis::finish() {
  const Done done = std::exchange(done_, nullptr);
  const std::string text = readable_trimmed(text_);
  done(text);
}

std::uint64_t file_size_of(const std::string& path) {
  struct ::stat found {};
  if (path.empty() || ::stat(path.c_str(), &found) != 0 || !S_ISREG(found.st_mode)) return 0;
  return std::uint64_t(found.st_size);
}

std::string read_appended(const std::string& path, std::uint64_t offset, std::size_t limit) {
  const std::uint64_t size = file_size_of(path);
  if (size < offset) offset = 0;  // it was rotated away meanwhile
  if (size == offset) return {};
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd) return {};
  const auto read_at = [&](std::uint64_t at, std::size_t bytes) {
    std::string out(bytes, '\0');
    const auto got = ::pread(fd.get(), out.data(), bytes, static_cast<::off_t>(at));
    out.resize(got > 0 ? std::size_t(got) : 0);
    return out;
  };
  const std::uint64_t there = size - offset;
  if (there <= limit) return read_at(offset, std::size_t(there));
  return fmt::format("{}\n… {} bytes left out …\n{}", read_at(offset, limit / 2), there - limit / 2 * 2,
                     read_at(size - limit / 2, limit / 2));
}

}  // namespace paramedic::agent
