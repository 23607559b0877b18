// What all kinds of channels share: the list, and a send that could not begin.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "io/notify/channel_kind.h"
#include "io/outgoing/answer.h"

namespace paramedic::notify {

namespace {

struct Kind {
  std::string_view name;
  std::unique_ptr<Channel> (*make)(ParamsReader& r, const Ways& ways);
};
constexpr auto kKinds = std::to_array<Kind>({
#define PARAMEDIC_CHANNEL(name) {#name, make_##name},
#include "io/notify/builtin_channels.def"
#undef PARAMEDIC_CHANNEL
});

// Keys of any channel that are not the channel's: pace, patience and failover are delivery's.
constexpr auto kDeliveryKeys =
    std::to_array<std::string_view>({"type", "rate_per_minute", "burst", "digest_above", "timeout", "give_up_after"});

class CurlMailWay final : public MailWay {
 public:
  explicit CurlMailWay(const MailServer& server) : client_(server) {}
  Result<MailAnswer> send(const MailCall& call) override { return client_.send(call); }
  void cancel() override { client_.cancel(); }

 private:
  CurlMail client_;
};

std::string names() {
  std::string out;
  for (const Kind& kind : kKinds) (out += out.empty() ? "" : ", ") += kind.name;
  return out;
}

}  // namespace

Ways curl_ways() {
  return {curl_http_way, [](const MailServer& server) { return std::make_unique<CurlMailWay>(server); }};
}

std::unique_ptr<Channel> make_channel(const ChannelConfig& config, Problems& problems) {
  return make_channel_over(curl_ways(), config, problems);
}

std::unique_ptr<Channel> make_channel_over(const Ways& ways, const ChannelConfig& config, Problems& problems) {
  const auto before = problems.size();
  ParamsReader r(config.params, "channels." + config.name, problems);
  for (const std::string_view key : kDeliveryKeys) (void)r.take(key);
  const auto kind = std::find_if(kKinds.begin(), kKinds.end(), [&](const Kind& k) { return k.name == config.kind; });
  if (kind == kKinds.end()) {
    r.problem("type", config.kind.empty() ? "is missing; one of: " + names()
                                          : fmt::format("'{}' must be one of: {}", config.kind, names()));
    return nullptr;
  }
  auto channel = kind->make(r, ways);
  r.finish();
  return problems.size() == before ? std::move(channel) : nullptr;
}

SendResult not_sent(const Error& error) {
  SendResult out;
  out.verdict = SendVerdict::permanent;
  out.answer = answer_text("not sent: " + error.message, {});
  return out;
}

}  // namespace paramedic::notify
