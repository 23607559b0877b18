// For tests only (library paramedic_sqlite_faults): a file layer below SQLite that fails when it is told to, and that
// can lose what was never synced. While it lives it is SQLite's default file system, so the code under test is exactly
// the code that runs in production. Deterministic: faults go by counted operations, losses by a hash of a seed.
// One at a time per process. Connections may be used from any thread; they are closed before it ends.
#pragma once
#include <cstdint>
#include <memory>
#include <string>

namespace paramedic::sqlite {

// What an operation is counted as. `change` counts write, sync, truncate and remove together.
enum class Operation { read, write, sync, truncate, open, remove, change };

enum class Harm {
  error,     // nothing is done, an I/O error is told
  half,      // of a write the first half reaches the file, then an I/O error
  power_off  // the operation is the last that is done (a sync is not), then everything fails until power_on()
};

struct FaultPlan {
  Operation operation = Operation::write;
  std::uint64_t nth = 1;  // from now on, counted from 1
  Harm harm = Harm::error;
  bool lasting = false;  // this one and every later one of its kind; else this one only
};

// What a power loss takes of the writes that were not synced. What was synced always stays.
enum class Loss {
  nothing,  // the process died, the machine did not
  all,
  torn  // of each 512 bytes either, as the seed has it
};

class FaultVfs {
 public:
  FaultVfs();
  ~FaultVfs();
  FaultVfs(const FaultVfs&) = delete;
  FaultVfs& operator=(const FaultVfs&) = delete;

  void arm(const FaultPlan& plan);
  // From now on files may grow by this many bytes in all, then "disk full"; what is cut off or removed gives room back.
  void fill(std::uint64_t room);
  // No more faults; room without end. Power stays off.
  void heal();
  bool struck() const;                             // a fault was met since arm() or fill()
  std::uint64_t count(Operation operation) const;  // since arm(), fill() or heal()
  // The files as a machine finds them that was switched off at the fault. REQUIRES: no connection is open.
  void power_on(Loss loss, std::uint64_t seed);

  class Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace paramedic::sqlite
