// Inside io/notify: what a kind of channel is built from. A kind is one file with make_<name>(), which reads the keys
// of its own and returns a channel; finish() and the verdict over all problems are make_channel()'s.
#pragma once
#include <functional>
#include <memory>

#include "io/net/curl/curl_mail.h"
#include "io/notify/channel.h"
#include "io/outgoing/http_way.h"

namespace paramedic::notify {
enum class Region { us, eu };  // of a service with two
}
namespace paramedic {
PARAMEDIC_ENUM_NAMES(notify::Region, "us", "eu")
}

namespace paramedic::notify {

// The ways out, replaced by tests; both used as HttpWay.
class MailWay {
 public:
  virtual ~MailWay() = default;
  virtual Result<MailAnswer> send(const MailCall& call) = 0;
  virtual void cancel() = 0;
};
struct Ways {
  std::function<std::unique_ptr<HttpWay>(const CurlOptions&)> http;
  std::function<std::unique_ptr<MailWay>(const MailServer&)> mail;
};
Ways curl_ways();

// make_channel() over other ways out.
std::unique_ptr<Channel> make_channel_over(const Ways& ways, const ChannelConfig& config, Problems& problems);

// ---- channels over HTTP --------------------------------------------------------------------------------------------

// What is left of the time of one send.
class TimeLeft {
 public:
  explicit TimeLeft(Duration all) : end_(std::chrono::steady_clock::now() + all) {}
  // The share of one of `parts` calls still to make; at least a millisecond.
  Duration share(std::size_t parts = 1) const {
    const Duration left = end_ - std::chrono::steady_clock::now();
    return std::max<Duration>(left / std::int64_t(std::max<std::size_t>(parts, 1)), 1ms);
  }

 private:
  SteadyTime end_;
};

class HttpChannel : public Channel {
 public:
  const std::string& destination() const final { return destination_; }
  void cancel() override { way_->cancel(); }

 protected:
  HttpChannel(std::string destination, std::unique_ptr<HttpWay> way)
      : destination_(std::move(destination)), way_(std::move(way)) {}
  HttpWay& way() { return *way_; }
  // One call that takes the whole time of the send.
  Exchange post(HttpPost call, const SendContext& context) {
    return exchange(*way_, std::move(call), context.timeout, context.now);
  }

 private:
  const std::string destination_;
  const std::unique_ptr<HttpWay> way_;
};

// A send that could not begin: a secret that cannot be read. Permanent.
SendResult not_sent(const Error& error);

#define PARAMEDIC_CHANNEL(name) std::unique_ptr<Channel> make_##name(ParamsReader& r, const Ways& ways);
#include "io/notify/builtin_channels.def"
#undef PARAMEDIC_CHANNEL

}  // namespace paramedic::notify
