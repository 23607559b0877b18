#include "io/net/redis/redis_connect.h"

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include <fmt/format.h>

#include "base/text.h"

namespace paramedic {

namespace asio = boost::asio;
using boost::system::error_code;

Result<std::string> read_redis_password(const RedisOptions& options) {
  if (options.password_file.empty()) {
    const char* given = options.password_variable.empty() ? nullptr : std::getenv(options.password_variable.c_str());
    return std::string(given ? given : "");
  }
  std::ifstream file(options.password_file, std::ios::binary);
  if (!file) {
    Error error = errno_error("cannot read password_file " + options.password_file, errno);
    error.code = Errc::invalid_argument;
    return error;
  }
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return text;
}

std::optional<Endpoint> redis_moved_to(const std::string& text, const Endpoint& present) {
  if (!text.starts_with("MOVED ")) return std::nullopt;
  const auto blank = text.rfind(' ');
  std::string target = text.substr(blank + 1);
  const auto colon = target.rfind(':');
  if (colon == 0) target.insert(0, present.host);
  if (colon != target.npos && colon > 0 && target.find(':') != colon && target[0] != '[')
    target = "[" + target.substr(0, colon) + "]" + target.substr(colon);
  auto parsed = Endpoint::parse(target, kRedisPort);
  return parsed ? std::optional(std::move(*parsed)) : std::nullopt;
}

namespace {

std::vector<RedisCommand> greeting(const RedisOptions& options, const std::string& password) {
  std::vector<RedisCommand> out;
  if (!password.empty()) {
    RedisCommand auth{"AUTH"};
    if (!options.username.empty()) auth.push_back(options.username);
    auth.push_back(password);
    out.push_back(std::move(auth));
  }
  if (options.database != 0) out.push_back({"SELECT", std::to_string(options.database)});
  out.push_back({"CLIENT", "SETNAME", options.client_name});
  out.push_back({"PING"});
  return out;
}

asio::awaitable<Result<void>> greet(RedisStream& stream, const RedisOptions& options, const std::string& address) {
  const auto password = read_redis_password(options);
  if (!password) co_return password.error();
  const auto commands = greeting(options, *password);
  std::string bytes;
  for (const RedisCommand& command : commands) {
    auto encoded = encode_redis(command);
    if (!encoded) co_return encoded.error();
    bytes += *encoded;
  }
  const auto [unsent, count] = co_await stream.write_all(asio::buffer(bytes));
  const auto broken = [&address](const error_code& failed) {
    return make_error(Errc::unavailable,
                      fmt::format("Redis at {} broke the connection: {}", address, failed.message()));
  };
  if (unsent) co_return broken(unsent);
  RedisReplyReader reader(options.reply_limits);
  std::string buffer(4096, '\0');
  for (std::size_t at = 0; at < commands.size();) {
    auto reply = reader.next();
    if (!reply) co_return with_context(reply.error(), address);
    if (!*reply) {
      const auto [unread, got] = co_await stream.read_some(asio::buffer(buffer));
      if (unread) co_return broken(unread);
      if (auto fed = reader.feed(std::string_view(buffer.data(), got)); !fed) co_return fed.error();
      continue;
    }
    const std::string& name = commands[at++].front();
    // A restricted user may not give the connection a name; nothing depends on it.
    if (!(*reply)->is_error() || name == "CLIENT") continue;
    co_return with_context(redis_error(**reply), fmt::format("{} at {}", name, address));
  }
  co_return Result<void>{};
}

}  // namespace

asio::awaitable<Result<std::unique_ptr<RedisStream>>> open_redis(RedisOptions options, Endpoint address) {
  RedisTls tls{options.tls, options.ca_file};
  const std::string shown = address.text();
  auto stream = co_await connect_redis(std::move(address), std::move(tls));
  if (!stream) co_return stream.error();
  const auto greeted = co_await greet(**stream, options, shown);
  if (!greeted) co_return greeted.error();
  co_return std::move(*stream);
}

}  // namespace paramedic
