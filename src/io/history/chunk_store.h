// Inside io/history only: what ColumnarHistory needs of a place that keeps its names, log and chunks: SQLite or Redis.
// Knows bytes and numbers, nothing of rows. Layouts: docs/formats/history.md, history-redis.md.
// Threads: all members belong to the writer's thread but snapshot(), bytes(), where(), fenced() and
// weaker_durability(), which any thread may call.
#pragma once
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace paramedic::history {

// Fresh and day chunks are raw rows.
enum class Kind : std::int64_t { fresh = 0, day = 1, ten_minutes = 2, hours = 3 };

inline constexpr std::int64_t kMinute = 60'000, kHour = 60 * kMinute, kDay = 24 * kHour;  // milliseconds
inline constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

struct ChunkHead {
  std::int64_t id = 0;  // rises with each chunk written; put_chunk() gives it
  Kind kind = Kind::fresh;
  std::int64_t t0 = 0, t1 = 0;  // of its first and last row, Unix milliseconds
  std::int64_t rows = 0;
  std::int64_t bytes = 0;  // where the store counts them itself
};

enum class NameTable { worker, schema, metric, task_type };

// A row of format 1 (docs/formats/history.md), which only SQLite knew.
struct OldRow {
  std::int64_t worker = 0, at = 0, state = 0, schema = 0;
  std::optional<std::int64_t> score;
  std::string_view values;
};

class ChunkStore {
 public:
  using EachName = std::function<Result<void>(std::int64_t no, std::string_view text)>;
  using EachNumber = std::function<void(std::int64_t worker, std::int64_t number)>;
  using EachLog = std::function<void(std::int64_t id, std::string_view bytes)>;
  using EachChunk = std::function<Result<void>(const ChunkHead&, std::string_view data)>;
  using EachState = std::function<void(std::string_view name, std::int64_t at, std::string_view bytes)>;
  using EachBound = std::function<void(std::int64_t worker, Kind, std::int64_t t0, std::int64_t t1)>;

  // A view that no write changes while it is held. One thread at a time.
  class Snapshot {
   public:
    virtual ~Snapshot() = default;
    // Chunks of kinds first…last that overlap [from, to], in the order of their ids. Error: conflict = the view is too
    // old; take another one.
    virtual Result<void> chunks(std::int64_t worker, Kind first, Kind last, std::int64_t from, std::int64_t to,
                                const EachChunk& each) = 0;
    virtual Result<void> end() = 0;  // without it, the view met an error
  };

  virtual ~ChunkStore() = default;

  // What is stored: all of it at the start, and for care.
  virtual Result<void> names(NameTable table, const EachName& each) = 0;
  virtual Result<void> folded(const EachNumber& each) = 0;
  virtual Result<void> log(const EachLog& each) = 0;  // in the order of ids
  virtual Result<std::optional<std::int64_t>> meta(std::string_view key) = 0;
  // First and last instants of chunks by kind, of one worker or of all; one kind may come several times.
  virtual Result<void> bounds(std::optional<std::int64_t> worker, const EachBound& each) = 0;
  // Of chunks whose first row is in [from, to), by t0.
  virtual Result<std::vector<ChunkHead>> heads(std::int64_t worker, std::int64_t from, std::int64_t to) = 0;
  // Raw chunks whose first row is in [from, to), by id.
  virtual Result<void> raw_chunks(std::int64_t worker, std::int64_t from, std::int64_t to, const EachChunk& each) = 0;
  virtual Result<std::unique_ptr<Snapshot>> snapshot() = 0;
  // States of the analysis (SavedState), in no order.
  virtual Result<void> states(const EachState& each) = 0;

  // Error: unavailable = so little space is left that new rows have to wait. What frees space may go on.
  virtual Result<void> room() { return {}; }

  // Between begin() and commit(): all or nothing. A commit that fails with a lost reply may have been performed; to
  // repeat it does no harm.
  virtual Result<void> begin() = 0;
  virtual Result<void> commit() = 0;
  virtual void rollback() = 0;  // nothing when none is begun
  virtual Result<void> put_name(NameTable table, std::int64_t no, std::string_view text) = 0;
  virtual Result<void> erase_name(NameTable table, std::int64_t no, std::string_view text) = 0;
  virtual Result<void> set_folded(std::int64_t worker, std::int64_t log) = 0;
  virtual Result<void> put_log(std::int64_t id, std::string_view bytes) = 0;
  virtual Result<void> erase_log(std::int64_t before) = 0;
  virtual Result<void> put_chunk(std::int64_t worker, ChunkHead head, std::string_view data) = 0;
  virtual Result<void> erase_chunk(std::int64_t worker, const ChunkHead& head) = 0;
  virtual Result<void> set_kind(std::int64_t worker, const ChunkHead& head, Kind kind) = 0;
  virtual Result<void> put_state(std::string_view name, std::int64_t at, std::string_view bytes) = 0;
  virtual Result<void> erase_state(std::string_view name) = 0;
  virtual Result<void> set_meta(std::string_view key, std::int64_t value) = 0;

  // The running transaction is as large as it should become.
  virtual bool full() const { return false; }
  // Each second, also when there is nothing to write.
  virtual Result<void> idle() { return {}; }
  // Once true after the store lost what it had acknowledged: all that memory knows must be written again.
  virtual bool take_lost() { return false; }
  virtual Result<std::uint64_t> bytes_in_use() = 0;  // for the cap
  virtual Result<void> give_back_space() { return {}; }
  virtual std::uint64_t bytes() const = 0;       // as shown to people
  virtual const std::string& where() const = 0;  // in messages

  // Of a shared store; any thread.
  virtual bool fenced() const { return false; }                 // another monitor took it over, for good
  virtual std::string weaker_durability() const { return {}; }  // what it does not promise, in words

  // Rows of format 1, moved once. Returns the id up to which rows were given, 0 when there are none.
  virtual Result<std::int64_t> old_rows(std::size_t, const std::function<void(const OldRow&)>&) { return 0; }
  virtual Result<void> erase_old_rows(std::int64_t) { return {}; }  // inside a transaction, up to this id
  virtual Result<void> end_old_rows() { return {}; }
};

// Rolls back in its destructor unless commit() succeeded.
class Writing {
 public:
  explicit Writing(ChunkStore& store) : store_(store), begun_(store.begin()) {}
  Writing(const Writing&) = delete;
  ~Writing() { store_.rollback(); }
  const Result<void>& begun() const { return begun_; }
  Result<void> commit() { return store_.commit(); }

 private:
  ChunkStore& store_;
  Result<void> begun_;
};

}  // namespace paramedic::history
