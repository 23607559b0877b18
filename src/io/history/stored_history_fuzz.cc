// libFuzzer target: a whole history on a store that answers what it likes, as a lying Redis may: names, log entries and
// chunks that fit nothing. It starts or refuses, is written, cared for and read, and stays within memory.
// Input: records of a byte (what), a byte (length of a number's text), two bytes (length of a value), then both texts.
#include <cstdint>
#include <cstdlib>
#include <map>

#include "base/checksum.h"
#include "io/history/columnar_history.h"
#include "io/history/redis_fields.h"

namespace paramedic::history {
namespace {

class LyingStore final : public ChunkStore {
 public:
  explicit LyingStore(std::string_view input) {
    for (std::size_t at = 0; at + 4 <= input.size();) {
      const auto byte = [&](std::size_t i) { return std::size_t(static_cast<unsigned char>(input[at + i])); };
      const std::size_t what = byte(0) % 8, number = byte(1) % 80, value = byte(2) | byte(3) << 8;
      at += 4;
      const std::string_view field = input.substr(std::min(at, input.size()), number);
      const std::string_view text = input.substr(std::min(at + number, input.size()), value);
      at += number + value;
      take(what, std::string(field), std::string(text));
    }
  }
  Result<void> names(NameTable table, const EachName& each) override {
    for (const auto& [no, text] : parse_numbered(tables_[std::size_t(table)]))
      if (auto done = each(no, text); !done) return done;
    return {};
  }
  Result<void> folded(const EachNumber& each) override {
    for (const auto& [no, text] : parse_numbered(folded_))
      if (const auto log = parse_number(text)) each(no, *log);
    return {};
  }
  Result<void> log(const EachLog& each) override {
    for (const auto& [id, bytes] : log_) each(id, bytes);
    return {};
  }
  Result<std::optional<std::int64_t>> meta(std::string_view) override { return std::optional<std::int64_t>(); }
  Result<void> bounds(std::optional<std::int64_t> worker, const EachBound& each) override {
    for (const auto& [head, data] : chunks_) each(worker.value_or(1), head.kind, head.t0, head.t1);
    return {};
  }
  Result<std::vector<ChunkHead>> heads(std::int64_t, std::int64_t from, std::int64_t to) override {
    std::vector<ChunkHead> out;
    for (const auto& [head, data] : chunks_)
      if (head.t0 >= from && head.t0 < to) out.push_back(head);
    return out;
  }
  Result<void> raw_chunks(std::int64_t, std::int64_t from, std::int64_t to, const EachChunk& each) override {
    for (const auto& [head, data] : chunks_)
      if (head.t0 >= from && head.t0 < to && head.kind <= Kind::day)
        if (auto done = each(head, data); !done) return done;
    return {};
  }
  Result<void> states(const EachState& each) override {
    for (const auto& [at, bytes] : states_) each("worker/w", at, bytes);
    return {};
  }
  Result<std::unique_ptr<Snapshot>> snapshot() override {
    return std::unique_ptr<Snapshot>(std::make_unique<View>(*this));
  }
  Result<void> begin() override { return {}; }
  Result<void> commit() override { return {}; }
  void rollback() override {}
  Result<void> put_name(NameTable, std::int64_t, std::string_view) override { return {}; }
  Result<void> erase_name(NameTable, std::int64_t, std::string_view) override { return {}; }
  Result<void> set_folded(std::int64_t, std::int64_t) override { return {}; }
  Result<void> put_log(std::int64_t, std::string_view) override { return {}; }
  Result<void> erase_log(std::int64_t) override { return {}; }
  Result<void> put_chunk(std::int64_t, ChunkHead, std::string_view) override { return {}; }
  Result<void> erase_chunk(std::int64_t, const ChunkHead&) override { return {}; }
  Result<void> set_kind(std::int64_t, const ChunkHead&, Kind) override { return {}; }
  Result<void> put_state(std::string_view, std::int64_t, std::string_view) override { return {}; }
  Result<void> erase_state(std::string_view) override { return {}; }
  Result<void> set_meta(std::string_view, std::int64_t) override { return {}; }
  Result<std::uint64_t> bytes_in_use() override { return 1u << 30; }
  std::uint64_t bytes() const override { return 0; }
  const std::string& where() const override { return where_; }

 private:
  class View final : public Snapshot {
   public:
    explicit View(const LyingStore& store) : store_(store) {}
    Result<void> chunks(std::int64_t, Kind first, Kind last, std::int64_t from, std::int64_t to,
                        const EachChunk& each) override {
      for (const auto& [head, data] : store_.chunks_)
        if (head.kind >= first && head.kind <= last && head.t0 <= to && head.t1 >= from)
          if (auto done = each(head, data); !done) return done;
      return {};
    }
    Result<void> end() override { return {}; }

   private:
    const LyingStore& store_;
  };

  // A liar knows the checksums too.
  void take(std::size_t what, std::string field, std::string text) {
    const auto pair = [&](RedisReply& list) {
      list.items.push_back({.kind = RedisReply::Kind::text, .text = std::move(field)});
      list.items.push_back({.kind = RedisReply::Kind::text, .text = std::move(text)});
    };
    if (what < 4) return pair(tables_[what]);
    if (what == 4) return pair(folded_);
    put_checksum(text);
    if (what == 5) {
      if (const auto id = parse_number(field)) log_[*id] = std::move(text);
    } else if (what == 6) {
      if (const auto at = redis_number(field)) states_.emplace_back(*at, std::move(text));
    } else if (const auto head = parse_chunk_field(field)) {
      chunks_.emplace_back(*head, std::move(text));
    }
  }

  RedisReply tables_[4], folded_;
  std::map<std::int64_t, std::string> log_;
  std::vector<std::pair<ChunkHead, std::string>> chunks_;
  std::vector<std::pair<std::int64_t, std::string>> states_;
  std::string where_ = "here";
};

}  // namespace
}  // namespace paramedic::history

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace paramedic;
  using namespace paramedic::history;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  HistoryOptions options{.data_dir = "", .max_bytes = 1, .max_names = 1000};
  ColumnarHistory history(options, std::make_unique<LyingStore>(input));
  if (!history.start()) return 0;
  ManualClock clock;
  const WallTime now = clock.now().wall;
  history.append({{"w", now, Status::healthy, 1.0, {std::make_shared<const MetricNames>(MetricNames{"a"}), {1}}}});
  (void)history.flush();
  (void)history.retain(clock.now());
  (void)history.retain(clock.advance(1h));
  for (const Duration step : {Duration{0}, Duration{1h}})
    (void)history.read({.worker_id = "w", .from = now - 24h * 100, .to = now + 24h * 100, .step = step, .p95 = true});
  (void)history.read_tasks({.worker_id = "w", .from = now - 24h, .to = now});
  (void)history.read({.worker_id = "w", .from = WallTime::min(), .to = WallTime::max()});
  (void)history.read_states([](std::string_view, WallTime, std::string_view) {});
  (void)history.stats();
  return 0;
}
