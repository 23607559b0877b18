#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <unistd.h>

#include "io/config/agent_config.h"
#include "io/config/check_config.h"
#include "io/config/monitor_config.h"
#include "io/config/yaml.h"

namespace paramedic::config {
namespace {

namespace fs = std::filesystem;
const fs::path kRoot = PARAMEDIC_SOURCE_DIR;

std::string text_of(const fs::path& path) {
  std::ifstream file(path);
  std::stringstream out;
  out << file.rdbuf();
  return out.str();
}

std::optional<Params> load(std::string_view text, std::string* why = nullptr) {
  Problems problems;
  auto tree = load_yaml(text, "t.yaml", problems);
  if (why) *why = format_problems(problems);
  EXPECT_EQ(tree.has_value(), problems.empty());
  return tree;
}
std::string refusal(std::string_view text) {
  std::string why;
  EXPECT_FALSE(load(text, &why)) << text;
  return why;
}
MonitorConfig monitor(std::string_view text) {
  Problems problems;
  const auto tree = load_yaml(text, "t.yaml", problems);
  auto config = parse_monitor_config(tree.value_or(Params::map()), problems);
  EXPECT_EQ(format_problems(problems), "");
  return config;
}
AgentConfig agent(std::string_view text) {
  Problems problems;
  const auto tree = load_yaml(text, "t.yaml", problems);
  auto config = parse_agent_config(tree.value_or(Params::map()), problems);
  EXPECT_EQ(format_problems(problems), "");
  return config;
}

TEST(LoadYaml, keeps_order_file_and_line) {
  const auto tree = load("# comment\nb: 1\na:\n  - x\n  - {y: ~, z: \"#1\"}\n");
  ASSERT_TRUE(tree);
  EXPECT_EQ(tree->members[0].first, "b");
  EXPECT_EQ(tree->find("b")->line, 2);
  EXPECT_EQ(tree->find("b")->file, "t.yaml");
  const Params& list = *tree->find("a");
  ASSERT_EQ(list.items.size(), 2u);
  EXPECT_EQ(list.items[0].line, 4);
  EXPECT_EQ(list.items[1].find("y")->kind, Params::Kind::null);
  EXPECT_EQ(list.items[1].find("z")->scalar, "#1");
}

TEST(LoadYaml, an_empty_text_is_an_empty_map) {
  for (const auto* text : {"", "# nothing\n", "---\n", "\xEF\xBB\xBF", "~"})
    EXPECT_TRUE(load(text)->members.empty()) << text;
}

TEST(LoadYaml, expands_aliases_within_bounds) {
  const auto tree = load("a: &x {k: v}\nb: *x\nc: &y 5\nd: *y\n");
  EXPECT_EQ(tree->find("b")->find("k")->scalar, "v");
  EXPECT_EQ(tree->find("d")->scalar, "5");
  EXPECT_NE(refusal("a: &x [*x]\n"), "");
}

TEST(LoadYaml, refuses_what_is_no_text) {
  EXPECT_NE(refusal("a: \xFF\n").find("t.yaml:1: holds bytes that are not UTF-8"), std::string::npos);
  EXPECT_NE(refusal("a: b\nc: \xC3").find("t.yaml:2:"), std::string::npos);
  EXPECT_NE(refusal(std::string_view("a: \0", 4)), "");
  EXPECT_NE(refusal(std::string(kMaxYamlBytes + 1, '#')), "");
  EXPECT_NE(refusal("a: [b"), "");
  EXPECT_NE(refusal("a: 'b"), "");
  EXPECT_NE(refusal("a: *nobody"), "");
  EXPECT_NE(refusal(std::string(20'000, '[')), "");
  EXPECT_NE(refusal(std::string(20'000, '{')), "");
}

TEST(LoadYaml, tells_all_duplicates_at_once) {
  const std::string why = refusal("a: 1\na: 2\nb:\n  c: 1\n  c: 2\n");
  EXPECT_NE(why.find("t.yaml:2: a: key given twice; first in line 1"), std::string::npos) << why;
  EXPECT_NE(why.find("t.yaml:5: b.c: key given twice; first in line 4"), std::string::npos) << why;
}

TEST(LoadYaml, survives_any_text) {
  ::setenv("RC_PARAMS", "seed=20261123", 0);
  EXPECT_TRUE(rc::check([] {
    const auto text =
        *rc::gen::container<std::string>(rc::gen::elementOf(std::string("ab:-{}[]&*!|>'\"%@`#,? \n\t0~<")));
    Problems problems;
    const auto tree = load_yaml(text, "t", problems);
    RC_ASSERT(tree.has_value() == problems.empty());
    if (!tree) return;
    // What is printed reads back as the same tree.
    const std::string printed = print_yaml(*tree);
    const auto again = load_yaml(printed, "t", problems);
    if (!again) RC_FAIL(format_problems(problems) + printed);
    RC_ASSERT(print_yaml(*again) == printed);
  }));
}

TEST(LoadYaml, a_missing_file_is_a_problem) {
  Problems problems;
  EXPECT_FALSE(load_yaml_file("/nonexistent/x.yaml", problems));
  EXPECT_NE(format_problems(problems).find("/nonexistent/x.yaml: cannot read this file: No such file"),
            std::string::npos);
  EXPECT_FALSE(load_yaml_file("/", problems));
  EXPECT_EQ(problems.size(), 2u);
}

TEST(PrintYaml, stars_hide_secrets) {
  const auto tree = load(
      "password: x\ntoken_file: /f\nenv: {DB_PASSWORD: hunter2, A: b c}\nlist: [1, null]\nsecret: {deep: x}\ne: {}\nf: "
      "[]\n");
  EXPECT_EQ(
      print_yaml(*tree),
      "password: '***'\ntoken_file: /f\nenv:\n  DB_PASSWORD: '***'\n  A: \"b c\"\nlist:\n  - 1\n  - null\nsecret:\n"
      "  deep: '***'\ne: {}\nf: []\n");
  EXPECT_TRUE(is_secret_key("SLACK_API_KEY"));
  EXPECT_TRUE(is_secret_key("ssh_key"));
  EXPECT_FALSE(is_secret_key("key"));
  EXPECT_FALSE(is_secret_key("token_file"));
  EXPECT_EQ(print_yaml(Params::map()), "{}\n");
}

TEST(MonitorConfig, runs_without_any_file) {
  const auto c = monitor("");
  EXPECT_EQ(c.listen.address, "127.0.0.1");
  EXPECT_EQ(c.listen.port, 8420);
  EXPECT_EQ(c.history.retention, 24h * 7);
  EXPECT_EQ(c.limits.max_workers, 20'000);
  EXPECT_TRUE(c.source_enabled(SourceKind::agent));
  EXPECT_TRUE(c.source_enabled(SourceKind::http));
  EXPECT_FALSE(c.source_enabled(SourceKind::demo));
  EXPECT_TRUE(c.pool("whatever").is_map());
}

TEST(MonitorConfig, reads_all_keys) {
  const auto c = monitor(
      "listen: '[::1]:0'\ndata_dir: /d\ntoken_file: /t\nallowed_hosts: [a.b]\ninterval: 10s\nlog_level: debug\n"
      "sources: {http: {enabled: false}}\nhistory: {retention: 1d, max_bytes: 2GiB}\nlimits: {max_workers: 5, "
      "new_ids_per_second: 6}\n"
      "http: {max_body: 2MiB, threads: 3}\naliases: {a: b}\nalerting: {x: y}\nshutdown_grace: 3s\n");
  EXPECT_EQ(c.listen.address, "::1");
  EXPECT_EQ(c.listen.port, 0);
  EXPECT_TRUE(c.listen.loopback());
  EXPECT_FALSE(c.source_enabled(SourceKind::http));
  EXPECT_EQ(c.history.resolution, 10s) << "follows the interval";
  EXPECT_EQ(c.history.max_bytes, 2u << 30);
  EXPECT_EQ(c.http.max_body_bytes, 2u << 20);
  EXPECT_EQ(c.aliases.at("a"), "b");
  EXPECT_EQ(c.alerting.find("x")->scalar, "y");
  EXPECT_FALSE((ListenConfig{"0.0.0.0", 1}.loopback()));
}

TEST(MonitorConfig, records_all_inputs_when_told) {
  EXPECT_EQ(monitor("").history.record, RecordKind::samples);
  EXPECT_EQ(monitor("").history.record_max_bytes, 1u << 30);
  const auto c = monitor("history: {record: full, record_max_bytes: 64MiB}");
  EXPECT_EQ(c.history.record, RecordKind::full);
  EXPECT_EQ(c.history.record_max_bytes, 64u << 20);
}

TEST(MonitorConfig, its_hash_tells_configurations_apart_and_not_their_looks) {
  const std::string hash = monitor("interval: 10s\npools: {a: {min_healthy: 2}}\n").hash;
  EXPECT_EQ(hash.size(), 16u);
  EXPECT_EQ(hash, monitor("# a comment\npools:\n  a:\n    min_healthy: 2\ninterval: 10s\n").hash);
  EXPECT_NE(hash, monitor("interval: 11s\npools: {a: {min_healthy: 2}}\n").hash);
  EXPECT_NE(hash, monitor("interval: 10s\npools: {b: {min_healthy: 2}}\n").hash);
  EXPECT_NE(hash, monitor("").hash);
}

TEST(MonitorConfig, reads_where_the_history_is) {
  EXPECT_EQ(monitor("").history.store, StoreKind::sqlite);
  const auto c =
      monitor("history:\n  store: redis\n  redis: {address: 'db:7', database: 3, name: east, timeout: 5s}\n");
  EXPECT_EQ(c.history.store, StoreKind::redis);
  EXPECT_EQ(c.history.redis.address, "db:7");
  EXPECT_EQ(c.history.redis.database, 3);
  EXPECT_EQ(c.history.redis.name, "east");
  EXPECT_EQ(c.history.redis.timeout, 5s);
  EXPECT_EQ(c.ledger.store, StoreKind::sqlite) << "one does not follow the other";
  EXPECT_EQ(c.ledger.redis.name, "default");
}

TEST(MonitorConfig, reads_where_the_ledger_is) {
  EXPECT_EQ(monitor("").ledger.store, StoreKind::sqlite);
  const auto c = monitor(
      "ledger:\n  store: redis\n  redis: {address: 'db:7', tls: true, ca_file: /ca, username: u, password_file: /p,"
      " database: 3, name: eu, timeout: 1s, spool_max: 2MiB}\n");
  EXPECT_EQ(c.ledger.store, StoreKind::redis);
  EXPECT_EQ(c.ledger.redis.address, "db:7");
  EXPECT_TRUE(c.ledger.redis.tls);
  EXPECT_EQ(c.ledger.redis.ca_file, "/ca");
  EXPECT_EQ(c.ledger.redis.username, "u");
  EXPECT_EQ(c.ledger.redis.password_file, "/p");
  EXPECT_EQ(c.ledger.redis.database, 3);
  EXPECT_EQ(c.ledger.redis.name, "eu");
  EXPECT_EQ(c.ledger.redis.timeout, 1s);
  EXPECT_EQ(c.ledger.redis.spool_max_bytes, 2u << 20);
}

TEST(MonitorConfig, lays_each_pool_over_the_defaults) {
  const auto c = monitor(
      "pools:\n  default: {min_healthy: 1, recovery: {mode: auto, drain: 30s}}\n  a: {recovery: {mode: off}}\n  b:\n");
  EXPECT_EQ(c.pool("a").find("min_healthy")->scalar, "1");
  EXPECT_EQ(c.pool("a").find("recovery")->find("mode")->scalar, "off");
  EXPECT_EQ(c.pool("a").find("recovery")->find("drain")->scalar, "30s");
  EXPECT_EQ(c.pool("b").find("recovery")->find("mode")->scalar, "auto");
  EXPECT_EQ(c.pool("c").find("recovery")->find("mode")->scalar, "auto");
  EXPECT_EQ(c.pools.size(), 3u);
}

TEST(MonitorConfig, an_executor_of_a_pool_replaces_the_default_one_as_a_whole) {
  const auto c = monitor(
      "executors: {command: {allow: [/bin/r]}}\npools:\n  default: {executor: {type: command, program: /bin/r}}\n"
      "  a: {executor: {type: webhook}}\n  b: {executor: ~}\n  c: {min_healthy: 2}\n");
  EXPECT_EQ(c.executors.find("command")->find("allow")->items.size(), 1u);
  EXPECT_EQ(c.pool("a").find("executor")->find("type")->scalar, "webhook");
  EXPECT_EQ(c.pool("a").find("executor")->find("program"), nullptr);
  EXPECT_EQ(c.pool("b").find("executor")->kind, Params::Kind::null);
  EXPECT_EQ(c.pool("c").find("executor")->find("program")->scalar, "/bin/r");
}

TEST(AgentConfig, numbers_its_workers) {
  const auto c = agent(
      "workers:\n  - {id: t-%i, count: 2, command: [run, '%i'], env: {N: 'x%i'}, stdout: /l/%i, drain_signal: SIGUSR1,"
      " resume_signal: '12', memory_limit_mb: 5, disk_quota_mb: 6, disk_quota_dir: /d/%i, labels: {b: c, a: d}, "
      "concurrency: 3}\n"
      "  - {id: single, command: [date, '+%i']}\n");
  ASSERT_EQ(c.workers.size(), 3u);
  EXPECT_EQ(c.workers[1].id, "t-2");
  EXPECT_EQ(c.workers[1].command, (std::vector<std::string>{"run", "2"}));
  EXPECT_EQ(c.workers[1].env.at("N"), "x2");
  EXPECT_EQ(c.workers[1].stdout_to, "/l/2");
  EXPECT_EQ(c.workers[1].disk_quota_dir, "/d/2");
  EXPECT_EQ(c.workers[1].drain_signal, SIGUSR1);
  EXPECT_EQ(c.workers[1].resume_signal, 12);
  EXPECT_EQ(c.workers[1].memory_limit_mb, 5u);
  EXPECT_EQ(c.workers[1].labels[0].first, "a");
  EXPECT_EQ(c.workers[2].command[1], "+%i") << "an id without %i numbers nothing";
  EXPECT_EQ(c.workers[2].no_restart_exit_codes, std::vector<int>{0});
  EXPECT_EQ(c.on_exit, OnExit::stop);
}

TEST(AgentConfig, reads_the_diagnostics_hook) {
  const auto c = agent(
      "workers:\n  - {id: t-%i, count: 2, command: [run], diagnostics: {command: [py-spy, dump, --pid, '{pid}', '%i'],"
      " signal: QUIT, timeout: 3s}}\n  - {id: u, command: [run]}\n");
  EXPECT_EQ(c.workers[1].diagnostics.command, (std::vector<std::string>{"py-spy", "dump", "--pid", "{pid}", "2"}));
  EXPECT_EQ(c.workers[1].diagnostics.signal, SIGQUIT);
  EXPECT_EQ(c.workers[1].diagnostics.timeout, Duration{3s});
  EXPECT_FALSE(c.workers[2].diagnostics.on());
  EXPECT_FALSE(c.workers[2].smoke.on());
  const auto smoke = agent(
      "workers:\n  - {id: m, command: [run], smoke: {command: [curl, -f, localhost], interval: 1m, model: clip}}\n");
  EXPECT_EQ(smoke.workers[0].smoke.interval, Duration{1min});
  EXPECT_EQ(smoke.workers[0].smoke.deadline, Duration{10s});
  EXPECT_EQ(smoke.workers[0].smoke.model, "clip");
}

TEST(Signals, are_read_by_name_and_number) {
  EXPECT_EQ(parse_signal("TERM"), SIGTERM);
  EXPECT_EQ(parse_signal("SIGTSTP"), SIGTSTP);
  EXPECT_EQ(parse_signal("15"), 15);
  for (const auto* text : {"", "0", "999", "term", "SIG", "15x"}) EXPECT_FALSE(parse_signal(text)) << text;
}

TEST(Examples, are_good_and_spell_out_the_defaults) {
  const auto good = check_config_file((kRoot / "examples/paramedic.yaml").string());
  EXPECT_EQ(format_problems(good.problems), "");
  EXPECT_EQ(good.kind, ConfigKind::monitor);
  const auto agents = check_config_file((kRoot / "examples/agent.yaml").string());
  EXPECT_EQ(format_problems(agents.problems), "");
  EXPECT_EQ(agents.kind, ConfigKind::agent);
  const auto written = monitor(text_of(kRoot / "examples/paramedic.yaml")), built_in = monitor("");
  EXPECT_EQ(written.listen.port, built_in.listen.port);
  EXPECT_EQ(written.data_dir, built_in.data_dir);
  EXPECT_EQ(written.interval, built_in.interval);
  EXPECT_EQ(written.history.retention, built_in.history.retention);
  EXPECT_EQ(written.history.record, built_in.history.record);
  EXPECT_EQ(written.history.record_max_bytes, built_in.history.record_max_bytes);
  EXPECT_EQ(written.limits.inbox_reports, built_in.limits.inbox_reports);
  EXPECT_EQ(written.limits.max_agents, built_in.limits.max_agents);
  EXPECT_EQ(written.http.max_connections, built_in.http.max_connections);
  EXPECT_EQ(written.http.max_bulk_bytes, built_in.http.max_bulk_bytes);
  EXPECT_EQ(written.http.idle_timeout, built_in.http.idle_timeout);
  EXPECT_EQ(written.shutdown_grace, built_in.shutdown_grace);
  EXPECT_EQ(written.ledger.store, built_in.ledger.store);
  EXPECT_EQ(written.ledger.redis.address, built_in.ledger.redis.address);
  EXPECT_EQ(written.ledger.redis.name, built_in.ledger.redis.name);
  EXPECT_EQ(written.ledger.redis.timeout, built_in.ledger.redis.timeout);
  EXPECT_EQ(written.ledger.redis.spool_max_bytes, built_in.ledger.redis.spool_max_bytes);
}

TEST(MonitorConfig, reads_receivers_of_remote_write) {
  const auto c = monitor(R"(
remote_write:
  - url: http://[::1]:9090/api/v1/write
  - name: mimir
    url: https://mimir.example.org/api/v1/push?x=1
    username: "1234"
    password_file: /run/secrets/mimir
    ca_file: /etc/ssl/our-ca.pem
    cert_file: /c.pem
    key_file: /k.pem
    headers: {X-Scope-OrgID: team-a}
    labels: {monitor: eu-1}
    timeout: 10s
    max_samples: 2000
    max_wait: 1s
    backoff_first: 500ms
    backoff_cap: 5m
    queue_size: 2GiB
    late_samples: send
)");
  ASSERT_EQ(c.remote_write.size(), 2u);
  EXPECT_EQ(c.remote_write[0].name, "1--9090");
  EXPECT_EQ(c.remote_write[0].timeout, 30s);
  EXPECT_EQ(c.remote_write[0].late_samples, LateSamples::drop);
  const RemoteWriteConfig& mimir = c.remote_write[1];
  EXPECT_EQ(mimir.name, "mimir");
  EXPECT_EQ(mimir.url, "https://mimir.example.org/api/v1/push?x=1");
  EXPECT_EQ(mimir.username, "1234");
  EXPECT_EQ(mimir.password_file, "/run/secrets/mimir");
  EXPECT_EQ(mimir.key_file, "/k.pem");
  EXPECT_EQ(mimir.headers.at("X-Scope-OrgID"), "team-a");
  EXPECT_EQ(mimir.labels.at("monitor"), "eu-1");
  EXPECT_EQ(mimir.max_samples, 2000);
  EXPECT_EQ(mimir.backoff_cap, 5min);
  EXPECT_EQ(mimir.queue_bytes, std::uint64_t(2) << 30);
  EXPECT_EQ(mimir.late_samples, LateSamples::send);
  EXPECT_EQ(monitor("remote_write: [{url: \"https://vm:8428/api/v1/write\"}]").remote_write[0].name, "vm-8428");
  EXPECT_TRUE(monitor("remote_write: ~").remote_write.empty());
  const auto in_clear = [](std::string url, std::string token) {
    return RemoteWriteConfig{.url = std::move(url), .bearer_token_file = std::move(token)}.credential_in_clear();
  };
  EXPECT_TRUE(in_clear("http://metrics.example.org/write", "/t"));
  EXPECT_FALSE(in_clear("https://metrics.example.org/write", "/t"));
  EXPECT_FALSE(in_clear("http://127.0.0.1:9090/write", "/t"));
  EXPECT_FALSE(in_clear("http://metrics.example.org/write", ""));
  EXPECT_TRUE(is_secret_key("X-Api-Key"));
}

// Each tests/config/*.bad.yaml is refused, with the words of its first line.
TEST(BadConfigs, each_is_refused_with_its_message) {
  int files = 0;
  for (const auto& entry : fs::directory_iterator(kRoot / "tests/config")) {
    const std::string name = entry.path().filename().string();
    if (!name.ends_with(".bad.yaml")) continue;
    ++files;
    const std::string text = text_of(entry.path());
    const std::string marker = "# expect: ";
    ASSERT_TRUE(text.starts_with(marker)) << name;
    const std::string expected = text.substr(marker.size(), text.find('\n') - marker.size());
    const auto checked = check_config(text, "tests/config/" + name);
    EXPECT_NE(format_problems(checked.problems).find(expected), std::string::npos)
        << name << " wants: " << expected << "\ngot: " << format_problems(checked.problems);
  }
  EXPECT_GE(files, 50);
}

TEST(CheckConfig, asks_core_about_its_parts_and_names_an_inherited_mistake_once) {
  const auto complain = [](const MonitorConfig& config, Problems& problems) {
    for (const auto& [name, pool] : config.pools) ParamsReader(&pool, "pools." + name, problems).finish();
    ParamsReader(&config.alerting, "alerting", problems).finish();
  };
  const auto checked =
      check_config("pools:\n  default: {wrong: 1}\n  a: {}\n  b: {also: 2}\nalerting: {odd: 3}\n", "t.yaml", complain);
  EXPECT_EQ(format_problems(checked.problems),
            "t.yaml:2: pools.a.wrong: unknown key; known here: \nt.yaml:4: pools.b.also: unknown key; known here: \n"
            "t.yaml:5: alerting.odd: unknown key; known here: \n");
  EXPECT_EQ(checked.effective.substr(0, 6), "pools:");
  EXPECT_FALSE(check_config_file("/nonexistent").problems.empty());
}

}  // namespace
}  // namespace paramedic::config
