// Feeds arbitrary status, headers and bodies to every kind of channel, as lying receivers may answer.
#include <cstdint>
#include <cstdlib>

#include "io/notify/channel_kind.h"
#include "io/notify/render.h"
#include "io/outgoing/answer.h"

namespace {

using namespace paramedic;
using namespace paramedic::notify;

HttpResponse current;
MailAnswer current_mail;

class FuzzHttp final : public HttpWay {
  Result<HttpResponse> send(const HttpCall&) override { return current; }
  void cancel() override {}
};
class FuzzMail final : public MailWay {
  Result<MailAnswer> send(const MailCall&) override { return current_mail; }
  void cancel() override {}
};

struct Kind {
  std::string name;
  std::vector<std::pair<std::string, std::string>> keys;
};

std::vector<std::unique_ptr<Channel>> channels() {
  ::setenv("FUZZ_URL", "http://fuzz.example/hooks/SecretSecret", 1);
  ::setenv("FUZZ_KEY", "SecretSecret", 1);
  const std::vector<Kind> kinds = {
      {"slack", {{"url_variable", "FUZZ_URL"}}},
      {"slack", {{"token_variable", "FUZZ_KEY"}, {"channel", "C1"}}},
      {"pagerduty", {{"routing_key_variable", "FUZZ_KEY"}}},
      {"opsgenie", {{"api_key_variable", "FUZZ_KEY"}}},
      {"teams", {{"url_variable", "FUZZ_URL"}}},
      {"discord", {{"url_variable", "FUZZ_URL"}}},
      {"telegram", {{"token_variable", "FUZZ_KEY"}, {"chat_id", "1"}}},
      {"ntfy", {{"topic", "t"}, {"token_variable", "FUZZ_KEY"}}},
      {"webhook", {{"url_variable", "FUZZ_URL"}}},
      {"email",
       {{"server", "fuzz.example"}, {"from", "a@fuzz.example"}, {"username", "u"}, {"password_variable", "FUZZ_KEY"}}}};
  const Ways ways{[](const CurlOptions&) { return std::make_unique<FuzzHttp>(); },
                  [](const MailServer&) { return std::make_unique<FuzzMail>(); }};
  std::vector<std::unique_ptr<Channel>> out;
  for (const Kind& kind : kinds) {
    Params node = Params::map();
    for (const auto& [key, value] : kind.keys) node.set(key, Params::of(value));
    if (kind.name == "email") {
      Params to;
      to.kind = Params::Kind::list;
      to.items.push_back(Params::of("b@fuzz.example"));
      node.set("to", std::move(to));
    }
    Problems problems;
    ChannelConfig config;
    config.name = "fuzz";
    config.kind = kind.name;
    config.params = &node;
    out.push_back(make_channel_over(ways, config, problems));
    if (!out.back()) std::abort();
  }
  return out;
}

void check(const SendResult& result) {
  if (result.answer.size() > 500 || result.answer.find("SecretSecret") != std::string::npos) std::abort();
  if (clean(result.answer) != result.answer || result.remote_id.size() > 500) std::abort();
  if (result.retry_after && (*result.retry_after <= 0s || *result.retry_after > kMaxRetryAfter)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto kChannels = channels();
  static const int kStatuses[] = {200, 202, 204, 301, 400, 404, 429, 500};
  if (size < 2) return 0;
  const std::size_t header = std::min<std::size_t>(data[1], size - 2);
  const std::string text(reinterpret_cast<const char*>(data + 2), size - 2);
  current = HttpResponse();
  current.status = kStatuses[data[0] % 8];
  current.headers = {{"Retry-After", text.substr(0, header)}};
  current.body = text.substr(header);
  current_mail.code = data[0] * 3;
  current_mail.text = text;
  Notification notification;
  notification.id = notification.group_key = notification.title = text.substr(0, header);
  notification.text = text;
  notification.kind = data[0] & 8 ? NotificationKind::resolved : NotificationKind::firing;
  SendContext context;
  context.remote_id = data[0] & 16 ? text.substr(0, header) : "";
  for (const auto& channel : kChannels) {
    SendResult result = channel->send(notification, context);
    if (result.remote_id == context.remote_id) result.remote_id.clear();  // ours, handed back
    check(result);
  }
  return 0;
}
