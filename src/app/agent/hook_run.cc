#include "app/agent/hook_run.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include "app/agent/spawn.h"
#include "base/readable.h"
#include "base/text.h"

namespace paramedic::agent {
namespace {

namespace asio = boost::asio;
using Descriptor = asio::posix::stream_descriptor;

std::string filled_in(std::string word, const HookSubject& subject) {
  const std::pair<std::string_view, std::string> values[] = {{"{pid}", std::to_string(subject.pid)},
                                                             {"{worker_id}", subject.worker_id},
                                                             {"{incarnation}", subject.incarnation},
                                                             {"{action_id}", subject.action_id}};
  for (const auto& [name, value] : values)
    for (std::size_t at = 0; (at = word.find(name, at)) != std::string::npos; at += value.size())
      word.replace(at, name.size(), value);
  return word;
}

SpawnOptions options_of(const HookCall& call, int output) {
  SpawnOptions options;
  options.command = call.command;
  options.output_fd = output;
  options.env = {{"PARAMEDIC_WORKER_ID", call.subject.worker_id},
                 {"PARAMEDIC_WORKER_PID", std::to_string(call.subject.pid)},
                 {"PARAMEDIC_INCARNATION", call.subject.incarnation},
                 {"PARAMEDIC_ACTION_ID", call.subject.action_id}};
  return options;
}

}  // namespace

class HookRun::Impl : public std::enable_shared_from_this<HookRun::Impl> {
 public:
  Impl(asio::io_context& io, HookCall call, Done done)
      : call_(std::move(call)), output_(io), ended_(io), timer_(io), said_(call_.keep_bytes), done_(std::move(done)) {}

  void begin() {
    for (std::string& word : call_.command) word = filled_in(std::move(word), call_.subject);
    if (auto failed = spawn()) {
      result_.failure = std::move(*failed);
      return after(Duration{0}, [](Impl& self) { self.finish(); });
    }
    read_output();
    ended_.async_wait(Descriptor::wait_read, [weak = weak_from_this()](const boost::system::error_code& failed) {
      const auto self = weak.lock();
      if (self && !failed && self->done_) self->on_end();
    });
    after(call_.limit, [](Impl& self) {
      self.take_output();
      self.finish();
    });
  }

  // Nothing is told any more; the program ends.
  void abandon() {
    done_ = nullptr;
    end_program();
    timer_.cancel();
  }

 private:
  std::optional<std::string> spawn() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return std::strerror(errno);
    UniqueFd reading(ends[0]);
    const UniqueFd writing(ends[1]);
    auto spawned = spawn_process(options_of(call_, writing.get()));
    if (!spawned) return spawned.error().message;
    pid_ = spawned->pid;
    ::fcntl(reading.get(), F_SETFL, O_NONBLOCK);
    output_.assign(reading.release());
    ended_.assign(spawned->pidfd.release());
    return std::nullopt;
  }

  void after(Duration wait, void (*what)(Impl&)) {
    timer_.expires_after(wait);
    timer_.async_wait([weak = weak_from_this(), what](const boost::system::error_code& failed) {
      const auto self = weak.lock();
      if (self && !failed && self->done_) what(*self);
    });
  }

  void read_output() {
    output_.async_wait(Descriptor::wait_read, [weak = weak_from_this()](const boost::system::error_code& failed) {
      const auto self = weak.lock();
      if (self && !failed && self->done_ && self->take_output()) self->read_output();
    });
  }

  // False at its end. Bounded per turn: a program that floods must not keep the loop from its work.
  bool take_output() {
    char buffer[4096];
    for (int turn = 0; turn < 16; ++turn) {
      const auto got = ::read(output_.native_handle(), buffer, sizeof buffer);
      if (got < 0) return errno == EAGAIN || errno == EINTR;
      if (got == 0) return false;
      said_.append({buffer, std::size_t(got)});
    }
    return true;
  }

  void on_end() {
    result_.exit = reap(ended_.native_handle());
    reaped_ = result_.exit.has_value();
    take_output();  // what stands in the pipe; whoever else still holds it open is not waited for
    finish();
  }

  void end_program() {
    if (pid_ > 0) ::kill(-pid_, SIGKILL);  // the group: also what a program that has ended left behind
    // Takes microseconds, unless the kernel itself hangs in it; then the agent reaps it as it reaps orphans.
    for (int i = 0; pid_ > 0 && !reaped_ && i < 100; ++i) {
      reaped_ = reap(ended_.native_handle()).has_value();
      if (!reaped_) ::usleep(100);
    }
    pid_ = 0;
    boost::system::error_code ignored;
    output_.close(ignored);
    ended_.close(ignored);
  }

  void finish() {
    end_program();
    timer_.cancel();
    result_.command = call_.command;
    result_.output = readable_trimmed(said_.text());
    if (const Done done = std::exchange(done_, nullptr)) done(std::move(result_));
  }

  HookCall call_;
  Descriptor output_, ended_;
  asio::steady_timer timer_;
  HeadAndTail said_;
  Done done_;
  HookResult result_;
  int pid_ = 0;
  bool reaped_ = false;
};

HookRun::HookRun(asio::io_context& io, HookCall call, Done done)
    : impl_(std::make_shared<Impl>(io, std::move(call), std::move(done))) {
  impl_->begin();
}

HookRun::~HookRun() { impl_->abandon(); }

std::string HookResult::how_it_ended(Duration limit) const {
  if (!failure.empty()) return "was not run: " + failure;
  if (!exit) return fmt::format("did not end within {} and was killed", format_duration(limit));
  if (exit->signal) return fmt::format("ended by signal {}", *exit->signal);
  return fmt::format("exit {}", exit->code.value_or(0));
}

void HeadAndTail::append(std::string_view piece) {
  const std::size_t fits = std::min(piece.size(), half_ - head_.size());
  head_ += piece.substr(0, fits);
  tail_ += piece.substr(fits);
  if (tail_.size() <= half_) return;
  const std::size_t excess = tail_.size() - half_;
  dropped_ += excess;
  tail_.erase(0, excess);
}

std::string HeadAndTail::text() const {
  return dropped_ == 0 ? head_ + tail_ : fmt::format("{}\n… {} bytes left out …\n{}", head_, dropped_, tail_);
}

}  // namespace paramedic::agent
