#include "app/demo/work.h"

#include <algorithm>
#include <array>
#include <memory>
#include <thread>

#include <fmt/format.h>
#include <openssl/evp.h>
#include <zlib.h>

#include "app/demo/unix_socket.h"

namespace paramedic::demo {

namespace {

constexpr std::string_view kMagic = "PMDEMO1\n";
constexpr std::size_t kMaxModel = 64 << 20;
constexpr int kParts = 16;
constexpr std::uint64_t kResultSlots = 16;

// xorshift64*: fast and repeatable.
struct Random {
  std::uint64_t state;
  std::uint64_t next() {
    state ^= state >> 12, state ^= state << 25, state ^= state >> 27;
    return state * 0x2545F4914F6CDD1DULL;
  }
};

class Digest {
 public:
  Digest() { EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr); }
  void add(std::string_view data) { EVP_DigestUpdate(context_.get(), data.data(), data.size()); }
  std::string hex() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> raw{};
    unsigned size = 0;
    EVP_DigestFinal_ex(context_.get(), raw.data(), &size);
    std::string out;
    for (unsigned i = 0; i < size; ++i) out += fmt::format("{:02x}", raw[i]);
    return out;
  }

 private:
  struct Free {
    void operator()(EVP_MD_CTX* c) const { EVP_MD_CTX_free(c); }
  };
  std::unique_ptr<EVP_MD_CTX, Free> context_{EVP_MD_CTX_new()};
};

}  // namespace

std::string make_data(std::uint64_t seed, std::size_t size) {
  static constexpr std::array<std::string_view, 16> kWords = {
      "resize ", "thumb ",  "pixel ", "queue ", "worker ", "digest ", "begin ", "end\n",
      "image ",  "10.0.0.", "ok ",    "200 ",   "GET ",    "/v1/",    "cache ", "miss "};
  Random random{seed * 0x9E3779B97F4A7C15ULL + 1};
  std::string out;
  out.reserve(size + 64);
  while (out.size() < size) {
    std::uint64_t bits = random.next();
    for (int i = 0; i < 8; ++i, bits >>= 4) out += kWords[bits & 15];
    out.append(reinterpret_cast<const char*>(&bits), 4);  // something that does not pack
  }
  out.resize(size);
  return out;
}

std::string sha256_hex(std::string_view data) {
  Digest digest;
  digest.add(data);
  return digest.hex();
}

Result<std::string> pack(std::string_view data) {
  uLongf size = ::compressBound(uLong(data.size()));
  std::string out(size, '\0');
  const int done = ::compress2(reinterpret_cast<Bytef*>(out.data()), &size, reinterpret_cast<const Bytef*>(data.data()),
                               uLong(data.size()), 6);
  if (done != Z_OK) return make_error(Errc::internal, fmt::format("zlib cannot pack: code {}", done));
  out.resize(size);
  return out;
}

Result<std::string> unpack(std::string_view packed, std::size_t limit) {
  uLongf size = uLongf(limit);
  std::string out(limit, '\0');
  const int done = ::uncompress(reinterpret_cast<Bytef*>(out.data()), &size,
                                reinterpret_cast<const Bytef*>(packed.data()), uLong(packed.size()));
  if (done != Z_OK) return make_error(Errc::corrupt, fmt::format("zlib cannot unpack: code {}", done));
  out.resize(size);
  return out;
}

Result<WorkResult> do_task(const std::filesystem::path& dir, std::uint64_t id, std::string_view type,
                           std::size_t bytes) {
  const std::string data = make_data(id, bytes);
  WorkResult result{.digest = sha256_hex(data)};
  const auto packed = pack(data);
  if (!packed) return packed.error();
  result.packed_bytes = packed->size();
  const auto path = dir / fmt::format("result-{}", id % kResultSlots);
  if (auto written = write_file(path, fmt::format("{} {} {}\n{}", id, type, result.digest, *packed)); !written)
    return written.error();
  return result;
}

Result<void> write_model(const std::filesystem::path& path, std::size_t bytes, std::uint64_t seed) {
  const std::string weights = make_data(seed, bytes);
  return write_file(path, fmt::format("{}{}\n{}", kMagic, sha256_hex(weights), weights));
}

Result<void> load_model(const ModelLoad& load, const std::function<void(double)>& progress) {
  auto text = read_file(load.path, kMaxModel);
  if (!text) return text.error();
  const std::size_t head = kMagic.size() + 65;
  if (text->size() <= head || text->compare(0, kMagic.size(), kMagic) != 0)
    return make_error(Errc::corrupt, load.path.string() + " is no model of the demo");
  if (load.damage) (*text)[head + text->size() / 2] ^= 1;
  const std::string_view wanted = std::string_view(*text).substr(kMagic.size(), 64);
  const std::string_view weights = std::string_view(*text).substr(head);
  Digest digest;
  const std::size_t part = weights.size() / kParts + 1;
  for (int i = 0; i < kParts; ++i) {
    digest.add(weights.substr(std::min(weights.size(), std::size_t(i) * part), part));
    std::this_thread::sleep_for(load.pace / kParts);
    progress(double(i + 1) / kParts);
  }
  if (digest.hex() == wanted) return {};
  return make_error(Errc::corrupt,
                    "the digest of model " + load.path.filename().string() + " is wrong; fetch it again");
}

}  // namespace paramedic::demo
