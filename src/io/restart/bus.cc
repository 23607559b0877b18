#include "io/restart/bus.h"

#ifdef PARAMEDIC_SYSTEMD
#include <algorithm>
#include <cstring>

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "base/readable.h"

namespace paramedic::restart {

namespace {

constexpr std::size_t kMaxText = 500;

std::string one_line_of(const char* text) {
  std::string out = readable_trimmed(std::string(text ? text : "").substr(0, kMaxText));
  std::replace(out.begin(), out.end(), '\n', ' ');
  return out;
}

BusError failed(std::string what, int negative_errno) {
  return {BusError::Kind::bus, "", fmt::format("{}: {}", what, std::strerror(-negative_errno))};
}

struct Reply {
  bool here = false, good = false;
  BusError error;
  const Bus::OnReply* on_reply = nullptr;
};

int take_reply(sd_bus_message* message, void* user, sd_bus_error*) {
  auto& reply = *static_cast<Reply*>(user);
  reply.here = true;
  if (const sd_bus_error* error = sd_bus_message_get_error(message)) {
    reply.error = {BusError::Kind::remote, one_line_of(error->name), one_line_of(error->message)};
    return 0;
  }
  reply.good = !*reply.on_reply || (*reply.on_reply)(*message);
  if (!reply.good) reply.error = {BusError::Kind::bus, "", "its answer is not what was expected"};
  return 0;
}

int take_signal(sd_bus_message* message, void* user, sd_bus_error*) {
  (*static_cast<Bus::OnSignal*>(user))(*message);
  return 0;
}

}  // namespace

struct Bus::Impl {
  std::optional<BusError> step(SteadyTime until);
  int wait(SteadyTime until) const;

  sd_bus* bus = nullptr;
  std::string where;
  SteadyTime end{};
  int wake = -1;                                    // eventfd, readable once cancelled
  std::vector<std::unique_ptr<OnSignal>> handlers;  // what sd-bus points to
};

Bus::Bus() : impl_(std::make_unique<Impl>()) { impl_->wake = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

Bus::~Bus() {
  if (impl_->bus) {
    sd_bus_close(impl_->bus);
    sd_bus_unref(impl_->bus);
  }
  if (impl_->wake >= 0) ::close(impl_->wake);
}

void Bus::cancel() {
  const std::uint64_t one = 1;
  (void)!::write(impl_->wake, &one, sizeof one);
}

std::optional<BusError> Bus::open(const std::string& where, SteadyTime end) {
  impl_->where = where;
  impl_->end = end;
  int done = 0;
  if (where == "system") {
    done = sd_bus_open_system(&impl_->bus);
  } else if (where == "user") {
    done = sd_bus_open_user(&impl_->bus);
  } else {
    done = sd_bus_new(&impl_->bus);
    if (done >= 0) done = sd_bus_set_address(impl_->bus, where.c_str());
    if (done >= 0) done = sd_bus_set_bus_client(impl_->bus, 1);
    if (done >= 0) done = sd_bus_start(impl_->bus);
  }
  if (done < 0) return failed(fmt::format("cannot reach the bus '{}'", where), done);
  return std::nullopt;
}

// < 0: errno; 0: cancelled; else something may be there.
int Bus::Impl::wait(SteadyTime until) const {
  std::uint64_t own = UINT64_MAX;  // of CLOCK_MONOTONIC, when the library itself must act
  (void)sd_bus_get_timeout(bus, &own);
  const auto now = std::chrono::steady_clock::now();
  auto pause = std::chrono::ceil<std::chrono::milliseconds>(std::max<Duration>(until - now, 0s)).count();
  const auto micros =
      std::uint64_t(std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count());
  if (own != UINT64_MAX)
    pause = std::min<std::int64_t>(pause, own > micros ? std::int64_t((own - micros) / 1000 + 1) : 0);
  const int events = sd_bus_get_events(bus);
  if (events < 0) return events;
  pollfd fds[] = {{sd_bus_get_fd(bus), short(events), 0}, {wake, POLLIN, 0}};
  if (::poll(fds, 2, int(std::min<std::int64_t>(pause, 1'000'000))) < 0 && errno != EINTR) return -errno;
  return (fds[1].revents & POLLIN) ? 0 : 1;
}

std::optional<BusError> Bus::Impl::step(SteadyTime until) {
  const int done = sd_bus_process(bus, nullptr);
  if (done < 0) return failed(fmt::format("the bus '{}' is gone", where), done);
  if (done > 0) return std::nullopt;
  if (std::chrono::steady_clock::now() >= until) return BusError{BusError::Kind::timeout, "", "no answer in time"};
  const int waited = wait(until);
  if (waited < 0) return failed(fmt::format("the bus '{}' is gone", where), waited);
  if (waited == 0) return BusError{BusError::Kind::cancelled, "", "cancelled"};
  return std::nullopt;
}

std::optional<BusError> Bus::run(const std::function<bool()>& done) {
  while (!done())
    if (auto error = impl_->step(impl_->end)) return error;
  return std::nullopt;
}

std::optional<BusError> Bus::listen(const std::string& destination, const std::string& path,
                                    const std::string& interface, const std::string& member, OnSignal on_signal) {
  impl_->handlers.push_back(std::make_unique<OnSignal>(std::move(on_signal)));
  const int done = sd_bus_match_signal_async(impl_->bus, nullptr, destination.c_str(), path.c_str(), interface.c_str(),
                                             member.c_str(), take_signal, nullptr, impl_->handlers.back().get());
  if (done < 0) return failed("cannot listen to " + member, done);
  return std::nullopt;
}

std::optional<BusError> Bus::call(const std::string& destination, const std::string& path, const std::string& interface,
                                  const std::string& member, const std::vector<std::string>& arguments,
                                  OnReply on_reply) {
  sd_bus_message* message = nullptr;
  int done = sd_bus_message_new_method_call(impl_->bus, &message, destination.c_str(), path.c_str(), interface.c_str(),
                                            member.c_str());
  for (const std::string& argument : arguments)
    if (done >= 0) done = sd_bus_message_append_basic(message, 's', argument.c_str());
  Reply reply;
  reply.on_reply = &on_reply;
  sd_bus_slot* slot = nullptr;
  // The library's own deadline would come first otherwise: ours is the one that is told.
  if (done >= 0) done = sd_bus_call_async(impl_->bus, &slot, message, take_reply, &reply, UINT64_MAX);
  sd_bus_message_unref(message);
  std::optional<BusError> error;
  if (done < 0) error = failed("cannot call " + member, done);
  if (!error) error = run([&reply] { return reply.here; });
  sd_bus_slot_unref(slot);  // no callback any more: `reply` ends here
  if (error) return error;
  return reply.good ? std::nullopt : std::optional(reply.error);
}

bool read_texts(sd_bus_message& message, std::string_view types, std::vector<std::string>& out) {
  for (const char type : types) {
    if (type == 'u') {
      std::uint32_t number = 0;
      if (sd_bus_message_read_basic(&message, 'u', &number) <= 0) return false;
      out.push_back(std::to_string(number));
      continue;
    }
    const char* text = nullptr;
    if (sd_bus_message_read_basic(&message, type, &text) <= 0 || !text) return false;
    out.emplace_back(text);
  }
  return true;
}

bool read_variant(sd_bus_message& message, std::string& out) {
  const char* text = nullptr;
  if (sd_bus_message_enter_container(&message, 'v', "s") <= 0) return false;
  if (sd_bus_message_read_basic(&message, 's', &text) <= 0 || !text) return false;
  out = text;
  return true;
}

}  // namespace paramedic::restart
#endif  // PARAMEDIC_SYSTEMD
