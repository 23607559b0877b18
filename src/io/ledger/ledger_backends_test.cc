#include "io/ledger/ledger_backends.h"

#include <atomic>

#include <fmt/format.h>
#include <sqlite3.h>

#include "io/ledger/redis_ledger.h"

namespace paramedic {
namespace {

class SqliteBackend final : public LedgerBackend {
 public:
  Result<std::unique_ptr<Ledger>> open(const std::string& dir) override {
    return open_sqlite_ledger({.data_dir = dir, .reserve_bytes = 64 * 1024});
  }
  void damage_worker_record(const std::string& dir, const std::string& key) override {
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open((dir + "/ledger.db").c_str(), &db), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(db, ("UPDATE record SET body='{' WHERE kind=1 AND key='" + key + "'").c_str(), nullptr,
                           nullptr, nullptr),
              SQLITE_OK);
    sqlite3_close(db);
  }
};

class RedisBackend final : public LedgerBackend {
 public:
  explicit RedisBackend(RedisServer& server) : server_(server) {
    static std::atomic<int> count = 0;
    name_ = fmt::format("t{}", ++count);
  }
  Result<std::unique_ptr<Ledger>> open(const std::string& dir) override {
    RedisLedgerOptions options{.data_dir = dir, .name = name_};
    options.redis.address = server_.unix_socket();
    options.redis.timeout = options.start_wait = kPatience;
    options.tick = 10ms;
    return open_redis_ledger(std::move(options), *log_);
  }
  void damage_worker_record(const std::string&, const std::string& key) override {
    const std::string record = "{paramedic:" + name_ + "}:record";
    auto value = server_.call({"HGET", record, "01" + key});
    ASSERT_TRUE(value);
    value->text.back() = '{';
    EXPECT_TRUE(server_.call({"HSET", record, "01" + key, value->text}));
  }

 private:
  RedisServer& server_;
  std::string name_;
  std::unique_ptr<Logger> log_ = make_null_logger();
};

}  // namespace

std::unique_ptr<LedgerBackend> make_ledger_backend(const std::string& store) {
  if (store == "sqlite") return std::make_unique<SqliteBackend>();
  return std::make_unique<RedisBackend>(store == "redis" ? shared_redis() : shared_redis_cluster());
}

}  // namespace paramedic
