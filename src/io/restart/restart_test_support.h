// For tests of io/restart: a folder with programs, configurations from text-like maps, a recorder of progress.
#pragma once
#include <algorithm>
#include <filesystem>
#include <fstream>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "io/restart/pool_executor.h"

namespace paramedic::restart {

inline Params list(const std::vector<std::string>& texts) {
  Params out{.kind = Params::Kind::list};
  for (const std::string& text : texts) out.items.push_back(Params::of(text));
  return out;
}

using Keys = std::vector<std::pair<std::string, Params>>;
inline Params map(const Keys& keys) {
  Params out = Params::map();
  for (const auto& [key, value] : keys) out.set(key, value);
  return out;
}

// The executor of pool "jobs" with these keys, allowed to use `allow`.
inline ExecutorSetup read_setup(const std::string& type, Keys keys, const std::vector<std::string>& allow,
                                Problems& problems) {
  keys.emplace_back("type", Params::of(type));
  const Params shared = map({{type, map({{"allow", list(allow)}})}});
  return read_executors(shared, {{"jobs", map({{"executor", map(keys)}})}}, problems)["jobs"];
}
inline std::string problems_of(const std::string& type, Keys keys, const std::vector<std::string>& allow = {}) {
  Problems problems;
  (void)read_setup(type, std::move(keys), allow, problems);
  std::string out;
  for (const Problem& problem : problems) out += problem.to_string() + "\n";
  return out;
}

inline Job job(const std::string& action_id = "act-1", const std::string& worker_id = "w-1") {
  Job out{.source = "executor/jobs", .pool = "jobs", .host = "h1"};
  out.ladder = {.action_id = action_id,
                .worker_id = worker_id,
                .expected_incarnation = "1",
                .kind = RemedyKind::restart,
                .term_grace = 30s,
                .reason = "silent for 72 s"};
  return out;
}

// A folder of its own; gone at the end.
class Folder {
 public:
  Folder() {
    char name[] = "/tmp/paramedic-restart-XXXXXX";
    path_ = ::mkdtemp(name);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string path(const std::string& name) const { return path_ + "/" + name; }
  std::string script(const std::string& text, const std::string& name = "restart.sh") const {
    std::ofstream(path(name)) << "#!/bin/sh\n" << text << "\n";
    ::chmod(path(name).c_str(), 0755);
    return path(name);
  }
  std::string read(const std::string& name) const {
    std::ifstream file(path(name));
    return {std::istreambuf_iterator<char>(file), {}};
  }

 private:
  std::string path_;
};

inline std::string http(const std::string& status, const std::string& headers, const std::string& body) {
  return "HTTP/1.1 " + status + "\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         headers + "\r\n" + body;
}
// Of a whole request; empty = it has none.
inline std::string header_of(const std::string& request, const std::string& name) {
  const auto at = request.find("\r\n" + name + ": ");
  if (at == request.npos) return "";
  const auto from = at + name.size() + 4;
  return request.substr(from, request.find("\r\n", from) - from);
}
inline std::string body_of(const std::string& request) { return request.substr(request.find("\r\n\r\n") + 4); }

// Where a HookServer listens: TCP, TCP with TLS, or a unix socket.
struct Listen {
  std::string unix_path;            // empty = 127.0.0.1
  std::string cert_file, key_file;  // PEM; empty = no TLS
};

// Answers each request with these bytes; without any, the connection stays open in silence.
class HookServer {
 public:
  using Answer = std::function<std::optional<std::string>(const std::string& request)>;

  explicit HookServer(Answer answer, const Listen& where = {})
      : answer_(std::move(answer)),
        fd_(::socket(where.unix_path.empty() ? AF_INET : AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (where.unix_path.empty())
      bind_tcp();
    else
      bind_unix(where.unix_path);
    EXPECT_EQ(::listen(fd_, 16), 0);
    if (!where.cert_file.empty()) use_tls(where);
    thread_ = std::thread([this] { serve(); });
  }
  ~HookServer() {
    ::shutdown(fd_, SHUT_RDWR);
    thread_.join();
    ::close(fd_);
    for (const Open& one : open_) end(one);
    SSL_CTX_free(tls_);
  }
  std::string url() const { return (tls_ ? "https://127.0.0.1:" : "http://127.0.0.1:") + std::to_string(port_); }
  int port() const { return port_; }
  std::vector<std::string> requests() {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  struct Open {
    int fd = -1;
    SSL* tls = nullptr;
  };

  void bind_tcp() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    socklen_t size = sizeof address;
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  }
  void bind_unix(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  void use_tls(const Listen& where) {
    ::signal(SIGPIPE, SIG_IGN);  // SSL_write() knows no MSG_NOSIGNAL
    tls_ = SSL_CTX_new(TLS_server_method());
    EXPECT_EQ(SSL_CTX_use_certificate_chain_file(tls_, where.cert_file.c_str()), 1);
    EXPECT_EQ(SSL_CTX_use_PrivateKey_file(tls_, where.key_file.c_str(), SSL_FILETYPE_PEM), 1);
  }
  void serve() {
    for (int client; (client = ::accept(fd_, nullptr, nullptr)) >= 0;) {
      Open one{client, tls_ ? SSL_new(tls_) : nullptr};
      if (one.tls) SSL_set_fd(one.tls, client);
      if (one.tls && SSL_accept(one.tls) != 1) {  // a client that does not trust us
        end(one);
        continue;
      }
      answer(one);
    }
  }
  void answer(const Open& one) {
    const std::string request = read_request(one);
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(request);
    }
    const auto bytes = answer_(request);
    if (bytes && one.tls) (void)SSL_write(one.tls, bytes->data(), int(bytes->size()));
    if (bytes && !one.tls) (void)!::send(one.fd, bytes->data(), bytes->size(), MSG_NOSIGNAL);
    if (bytes && one.tls) SSL_shutdown(one.tls);
    if (bytes)
      end(one);
    else
      open_.push_back(one);
  }
  static void end(const Open& one) {
    SSL_free(one.tls);
    ::close(one.fd);
  }
  static std::string read_request(const Open& one) {
    std::string got;
    char buffer[65536];
    while (!whole(got)) {
      const long count = one.tls ? SSL_read(one.tls, buffer, sizeof buffer) : ::recv(one.fd, buffer, sizeof buffer, 0);
      if (count <= 0) break;
      got.append(buffer, std::size_t(count));
    }
    return got;
  }
  static bool whole(const std::string& got) {
    const auto head = got.find("\r\n\r\n");
    if (head == got.npos) return false;
    const std::string length = header_of(got, "Content-Length");
    return got.size() >= head + 4 + std::size_t(length.empty() ? 0 : std::atol(length.c_str()));
  }

  const Answer answer_;
  const int fd_;
  int port_ = 0;
  SSL_CTX* tls_ = nullptr;
  std::vector<Open> open_;  // the thread's until it has ended
  std::mutex mutex_;        // guards requests_
  std::vector<std::string> requests_;
  std::thread thread_;
};

// What a PoolExecutor told, and the workers that it finds.
class Told {
 public:
  PoolExecutor::Ports ports() {
    return {[this](ProgressInput progress) { return take(std::move(progress)); },
            [this](const std::string& id) { return find(id); }};
  }
  // Waits until `count` jobs have ended.
  std::vector<ProgressInput> ends(std::size_t count) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, 60s, [&] { return ended().size() >= count; }))
      ADD_FAILURE() << "only " << ended().size() << " of " << count << " ended";
    return ended();
  }
  // Waits until `count` jobs were accepted.
  void begun(std::size_t count) {
    std::unique_lock lock(mutex_);
    const auto accepted = [&] {
      return std::size_t(std::count_if(told_.begin(), told_.end(), [](const ProgressInput& p) {
        return !p.done && p.step == LadderStep::accepted;
      }));
    };
    if (!changed_.wait_for(lock, 60s, [&] { return accepted() >= count; })) ADD_FAILURE() << "not begun";
  }
  std::vector<ProgressInput> all() {
    const std::lock_guard lock(mutex_);
    return told_;
  }
  void lives(const std::string& incarnation) {
    const std::lock_guard lock(mutex_);
    worker_ = KnownWorker{"h1", incarnation};
  }
  void forget() {
    const std::lock_guard lock(mutex_);
    worker_.reset();
  }
  void refuse_next(int count) {
    const std::lock_guard lock(mutex_);
    full_ = count;
  }

 private:
  bool take(ProgressInput progress) {
    const std::lock_guard lock(mutex_);
    if (full_ > 0) return --full_, false;
    told_.push_back(std::move(progress));
    changed_.notify_all();
    return true;
  }
  std::optional<KnownWorker> find(const std::string&) {
    const std::lock_guard lock(mutex_);
    return worker_;
  }
  std::vector<ProgressInput> ended() const {
    std::vector<ProgressInput> out;
    for (const ProgressInput& p : told_)
      if (p.done) out.push_back(p);
    return out;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<ProgressInput> told_;
  std::optional<KnownWorker> worker_ = KnownWorker{"h1", "1"};
  int full_ = 0;
};

}  // namespace paramedic::restart
