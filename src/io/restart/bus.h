// Inside io/restart: one connection to a D-Bus message bus, driven by its own poll loop, so that every wait has a
// deadline and ends within milliseconds of a cancel(). One thread calls everything but cancel(). Built on sd-bus, whose
// header stays in the .cc files.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

struct sd_bus_message;

namespace paramedic::restart {

struct BusError {
  enum class Kind { bus, timeout, cancelled, remote };
  Kind kind = Kind::bus;
  std::string name;     // of a remote one: "org.freedesktop.systemd1.NoSuchUnit"
  std::string message;  // untrusted when remote; one line
};

class Bus {
 public:
  // Called inside of run() and call() for each signal that listen() asked for; the message lives as long as the call.
  using OnSignal = std::function<void(sd_bus_message& signal)>;
  // Reads the answer of a call; false: it is not what was expected.
  using OnReply = std::function<bool(sd_bus_message& reply)>;

  Bus();
  ~Bus();
  Bus(const Bus&) = delete;
  Bus& operator=(const Bus&) = delete;

  // "system", "user", or an address ("unix:path=/run/dbus/system_bus_socket"). Returns before the bus has answered.
  std::optional<BusError> open(const std::string& where, SteadyTime end);
  // Signals `member` of that object from now on.
  std::optional<BusError> listen(const std::string& destination, const std::string& path, const std::string& interface,
                                 const std::string& member, OnSignal on_signal);
  // A method whose arguments are all strings.
  std::optional<BusError> call(const std::string& destination, const std::string& path, const std::string& interface,
                               const std::string& member, const std::vector<std::string>& arguments, OnReply on_reply);
  // Takes what comes until `done`.
  std::optional<BusError> run(const std::function<bool()>& done);
  void cancel();  // any thread; for good

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// The next arguments of a message: strings, paths, whole numbers ("sou"); false: it has others. Untrusted.
bool read_texts(sd_bus_message& message, std::string_view types, std::vector<std::string>& out);
// The string inside the variant that a property is answered as.
bool read_variant(sd_bus_message& message, std::string& out);

}  // namespace paramedic::restart
