// The byte stream to a Redis server: TCP, unix socket, or TLS over either. Internal to the Redis client. One thread:
// the executor's.
#pragma once
#include <memory>
#include <string>
#include <tuple>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>

#include "base/endpoint.h"
#include "base/result.h"

namespace paramedic {

struct RedisTls {
  bool on = false;
  std::string ca_file;  // empty = the system's certificates
};

class RedisStream {
 public:
  using Moved = std::tuple<boost::system::error_code, std::size_t>;
  virtual ~RedisStream() = default;
  virtual boost::asio::awaitable<Moved> read_some(boost::asio::mutable_buffer into) = 0;
  virtual boost::asio::awaitable<Moved> write_all(boost::asio::const_buffer bytes) = 0;
  virtual void close() = 0;
};

// Errors: unavailable (nobody listens, name unknown), unauthorized (its certificate is not trusted), invalid_argument
// (CA file). Each names the address. Honours cancellation.
boost::asio::awaitable<Result<std::unique_ptr<RedisStream>>> connect_redis(Endpoint address, RedisTls tls);

}  // namespace paramedic
