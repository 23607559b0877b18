// For tests: a message bus of their own (dbus-daemon on a private address) and a mock of systemd on it, with units. The
// mock is as strict as the real one: signatures, known units, mode "replace"; and it tells of jobs only those who
// subscribed.
#pragma once
#ifdef PARAMEDIC_SYSTEMD
#include <atomic>
#include <csignal>
#include <map>
#include <set>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>

#include "io/restart/restart_test_support.h"

extern char** environ;

namespace paramedic::restart {

// dbus-daemon on a socket in a folder of its own; ended by its pid.
class PrivateBus {
 public:
  PrivateBus() {
    std::ofstream(folder_.path("bus.conf"))
        << "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\" "
           "\"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n<busconfig><type>custom</type><listen>"
        << address() << "</listen><auth>EXTERNAL</auth><policy context=\"default\"><allow own=\"*\"/>"
        << "<allow send_destination=\"*\" eavesdrop=\"false\"/><allow receive_sender=\"*\"/><allow user=\"*\"/>"
        << "</policy></busconfig>\n";
    const std::string config = "--config-file=" + folder_.path("bus.conf");
    const char* const argv[] = {"dbus-daemon", config.c_str(), "--nofork", "--nopidfile", nullptr};
    posix_spawn_file_actions_t quiet;  // it says that it may not raise its limit of open files
    ::posix_spawn_file_actions_init(&quiet);
    ::posix_spawn_file_actions_addopen(&quiet, 2, "/dev/null", O_WRONLY, 0);
    const int failed = ::posix_spawnp(&pid_, argv[0], &quiet, nullptr, const_cast<char**>(argv), environ);
    ::posix_spawn_file_actions_destroy(&quiet);
    if (failed) pid_ = -1;
    if (failed) return;
    for (int i = 0; i < 3000 && !runs(); ++i) std::this_thread::sleep_for(10ms);
  }
  ~PrivateBus() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  std::string address() const { return "unix:path=" + folder_.path("bus"); }
  // Its socket is there a moment before it listens.
  bool runs() const {
    sockaddr_un where{};
    where.sun_family = AF_UNIX;
    folder_.path("bus").copy(where.sun_path, sizeof where.sun_path - 1);
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const bool connected = ::connect(fd, reinterpret_cast<const sockaddr*>(&where), sizeof where) == 0;
    ::close(fd);
    return connected;
  }

 private:
  const Folder folder_;
  pid_t pid_ = -1;
};

class FakeSystemd {
 public:
  explicit FakeSystemd(const std::string& address) {
    EXPECT_GE(sd_bus_new(&bus_), 0);
    EXPECT_GE(sd_bus_set_address(bus_, address.c_str()), 0);
    EXPECT_GE(sd_bus_set_bus_client(bus_, 1), 0);
    EXPECT_GE(sd_bus_start(bus_), 0);
    static const sd_bus_vtable kManager[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("Subscribe", "", "", on_subscribe, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("RestartUnit", "ss", "o", on_restart, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("StartUnit", "ss", "o", on_start, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("GetUnit", "s", "o", on_get_unit, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_SIGNAL("JobRemoved", "uoss", 0),
        SD_BUS_VTABLE_END};
    static const sd_bus_vtable kUnit[] = {SD_BUS_VTABLE_START(0), SD_BUS_PROPERTY("Result", "s", on_result, 0, 0),
                                          SD_BUS_VTABLE_END};
    EXPECT_GE(sd_bus_add_object_vtable(bus_, nullptr, "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager",
                                       kManager, this),
              0);
    EXPECT_GE(sd_bus_add_object_vtable(bus_, nullptr, "/org/freedesktop/systemd1/unit/u",
                                       "org.freedesktop.systemd1.Service", kUnit, this),
              0);
    EXPECT_GE(sd_bus_request_name(bus_, "org.freedesktop.systemd1", 0), 0);
    thread_ = std::thread([this] { serve(); });
  }
  ~FakeSystemd() {
    stopping_ = true;
    thread_.join();
    sd_bus_close(bus_);
    sd_bus_unref(bus_);
  }

  // Before the first call.
  std::set<std::string> units = {"w-1.service"};
  std::string result = "done";  // of jobs; empty = they never end
  std::string unit_result = "exit-code";
  std::string denied;          // name of an error that every change is refused with
  std::string unknown_words;   // of a unit that is not there, instead of systemd's
  bool removed_first = false;  // JobRemoved goes out before the answer that names the job

  std::vector<std::string> changes() {  // in order: "restart w-1.service"
    const std::lock_guard lock(mutex_);
    return changes_;
  }

 private:
  void serve() {
    while (!stopping_) {
      const int done = sd_bus_process(bus_, nullptr);
      if (done < 0) return;
      if (done > 0) continue;
      pollfd fd{sd_bus_get_fd(bus_), short(sd_bus_get_events(bus_)), 0};
      (void)::poll(&fd, 1, 20);
    }
  }
  static FakeSystemd& self(void* user) { return *static_cast<FakeSystemd*>(user); }

  static int on_subscribe(sd_bus_message* call, void* user, sd_bus_error* error) {
    const std::string who = sd_bus_message_get_sender(call);
    if (!self(user).subscribers_.insert(who).second)
      return sd_bus_error_set(error, "org.freedesktop.systemd1.AlreadySubscribed", "Client is already subscribed.");
    return sd_bus_reply_method_return(call, "");
  }
  static int on_restart(sd_bus_message* call, void* user, sd_bus_error* error) {
    return self(user).change("restart", call, error);
  }
  static int on_start(sd_bus_message* call, void* user, sd_bus_error* error) {
    return self(user).change("start", call, error);
  }
  static int on_get_unit(sd_bus_message* call, void*, sd_bus_error*) {
    return sd_bus_reply_method_return(call, "o", "/org/freedesktop/systemd1/unit/u");
  }
  static int on_result(sd_bus*, const char*, const char*, const char*, sd_bus_message* reply, void* user,
                       sd_bus_error*) {
    return sd_bus_message_append(reply, "s", self(user).unit_result.c_str());
  }

  int change(const std::string& what, sd_bus_message* call, sd_bus_error* error) {
    const char *unit = nullptr, *mode = nullptr;
    if (const int read = sd_bus_message_read(call, "ss", &unit, &mode); read < 0) return read;
    if (!denied.empty()) return sd_bus_error_set(error, denied.c_str(), "Access denied");
    if (std::string(mode) != "replace")
      return sd_bus_error_set(error, "org.freedesktop.DBus.Error.InvalidArgs", "Job mode is invalid");
    if (!units.contains(unit))
      return sd_bus_error_set(
          error, "org.freedesktop.systemd1.NoSuchUnit",
          (unknown_words.empty() ? "Unit " + std::string(unit) + " not found." : unknown_words).c_str());
    {
      const std::lock_guard lock(mutex_);
      changes_.push_back(what + " " + unit);
    }
    const std::string path = "/org/freedesktop/systemd1/job/" + std::to_string(++job_);
    if (removed_first) removed(path, unit);
    if (const int answered = sd_bus_reply_method_return(call, "o", path.c_str()); answered < 0) return answered;
    if (!removed_first) removed(path, unit);
    return 1;
  }
  void removed(const std::string& path, const char* unit) {
    if (result.empty() || subscribers_.empty()) return;
    // Of other jobs it is told too.
    (void)sd_bus_emit_signal(bus_, "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager", "JobRemoved",
                             "uoss", 1u, "/org/freedesktop/systemd1/job/other", "other.service", "failed");
    (void)sd_bus_emit_signal(bus_, "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager", "JobRemoved",
                             "uoss", job_, path.c_str(), unit, result.c_str());
  }

  sd_bus* bus_ = nullptr;
  std::set<std::string> subscribers_;
  std::uint32_t job_ = 100;
  std::mutex mutex_;  // guards changes_
  std::vector<std::string> changes_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;  // uses the rest until it is joined
};

}  // namespace paramedic::restart
#endif  // PARAMEDIC_SYSTEMD
