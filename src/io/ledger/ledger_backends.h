// For tests: the stores on which the conformance suite of the ledger runs. Each test has its own directory and, on a
// shared server, its own name.
#pragma once
#include <memory>
#include <string>

#include "io/ledger/ledger.h"
#include "io/net/redis/redis_test_support.h"

namespace paramedic {

class LedgerBackend {
 public:
  virtual ~LedgerBackend() = default;
  virtual Result<std::unique_ptr<Ledger>> open(const std::string& dir) = 0;
  // Makes the body of the record of worker `key` unreadable. REQUIRES: no ledger is open.
  virtual void damage_worker_record(const std::string& dir, const std::string& key) = 0;
};

// "sqlite", "redis" or "redis_cluster"; servers are shared by the tests of one process.
std::unique_ptr<LedgerBackend> make_ledger_backend(const std::string& store);

}  // namespace paramedic
