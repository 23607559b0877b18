// redis_ping: Redis or Valkey takes a new connection, the login if there is one, and answers PING. A server that loads
// its data, wants another password or speaks something else has missed.
#include "base/endpoint.h"
#include "io/net/redis/redis_connect.h"
#include "io/probes/asio_run.h"
#include "io/probes/probe.h"

namespace paramedic::probes {

namespace {

namespace asio = boost::asio;

// Each try with a connection of its own: a server that is out of connections is down for new workers too.
asio::awaitable<Result<void>> ping(RedisOptions options, Endpoint address) {
  auto stream = co_await open_redis(std::move(options), std::move(address));
  if (!stream) co_return stream.error();
  (*stream)->close();
  co_return Result<void>{};
}

class RedisPing final : public Probe {
 public:
  RedisPing(RedisOptions options, Endpoint address)
      : options_(std::move(options)), address_(std::move(address)), target_(address_.text()) {}

  Result<void> run(Duration deadline) override {
    return run_.run([this] { return ping(options_, address_); }, deadline);
  }
  const std::string& target() const override { return target_; }
  void cancel() override { run_.cancel(); }

 private:
  const RedisOptions options_;
  const Endpoint address_;
  const std::string target_;
  AsioRun run_;
};

void read_login(ParamsReader& r, RedisOptions& out) {
  r.read("username", out.username);
  r.read("password_file", out.password_file);
  // Not that of the ledger: a broker is another server.
  out.password_variable.clear();
  r.read("password_variable", out.password_variable);
  if (!out.password_file.empty() && !out.password_variable.empty())
    r.problem("password_variable", "cannot stand beside password_file: one of them");
  if (!out.username.empty() && out.password_file.empty() && out.password_variable.empty())
    r.problem("username", "needs password_file or password_variable");
}

}  // namespace

std::unique_ptr<Probe> make_redis_ping(ParamsReader& r) {
  RedisOptions options;
  options.client_name = "paramedic-probe";
  options.reply_limits = {.reply_bytes = 4096, .items = 16};
  r.read("address", options.address);
  r.read("tls", options.tls);
  r.read("ca_file", options.ca_file);
  read_login(r, options);
  if (!options.ca_file.empty() && !options.tls) r.problem("ca_file", "needs tls: true");
  auto address = Endpoint::parse(options.address, kRedisPort);
  if (!address) {
    r.problem("address", address.error().message);
    return nullptr;
  }
  if (options.tls && address->unix_socket) r.problem("tls", "a unix socket needs no TLS; leave it out");
  return std::make_unique<RedisPing>(std::move(options), std::move(*address));
}

}  // namespace paramedic::probes
