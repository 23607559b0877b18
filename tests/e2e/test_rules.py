"""Rules from outside: one fires and clears over the API, a reload changes it, `check-config` and `test-rules` speak of it."""
import signal
import textwrap

from product import monitor_config, run, wait_for, write_yaml


def hot(above=50, name="hot", **more):
    return {"name": name, "when": {"metric": "cpu_percent", "above": above}, "severity": "critical",
            "annotations": {"summary": "{{ worker }} burns {{ value }} %"}, **more}


def alerts(api):
    return {a["key"]: a for a in api.get("/alerts")["alerts"] if a["rule"]}


def report(api, cpu):
    api.report("w-1", pool="thumbs", resources={"cpu_percent": cpu})


def config_with(world, *rules, **alerting):
    return monitor_config(world.dir / "monitor", extra={"alerting": {"rules": list(rules), **alerting}})


def test_a_rule_fires_and_clears_and_a_reload_changes_it(world):
    process, api = world.serve(config_with(world, hot()))
    file = world.dir / "serve.yaml"
    report(api, 60)
    alert = wait_for("the alert", lambda: alerts(api).get("rule/hot/w-1"), 10)
    assert alert["title"] == "w-1 burns 60 %" and alert["severity"] == "critical" and alert["rule"] == "hot"
    started = alert["started_at"]

    # SIGHUP with another rule beside it: the alert goes on.
    write_yaml(file, config_with(world, hot(), hot(20, "warm")))
    process.popen.send_signal(signal.SIGHUP)
    both = wait_for("the new rule", lambda: (a := alerts(api)) and "rule/warm/w-1" in a and a, 10)
    assert both["rule/hot/w-1"]["started_at"] == started
    assert api.metric("paramedic_config_last_reload_successful") == 1
    taken = api.metric("paramedic_config_last_reload_success_timestamp_seconds")

    # A wrong file is refused as a whole, by signal and by command.
    write_yaml(file, config_with(world, {"name": "hot", "when": {"metric": "cpu_percent", "abov": 1}}))
    process.popen.send_signal(signal.SIGHUP)
    wait_for("the refusal", lambda: api.metric("paramedic_config_last_reload_successful") == 0, 10)
    refused = run(["reload", "--monitor", api.url])
    assert refused.returncode == 2 and "abov" in refused.stderr, refused
    assert api.metric("paramedic_config_last_reload_success_timestamp_seconds") == taken
    assert set(alerts(api)) == {"rule/hot/w-1", "rule/warm/w-1"}

    write_yaml(file, config_with(world, hot()))
    done = run(["reload", "--monitor", api.url])
    assert done.returncode == 0 and "is in force, 1 rules" in done.stdout, done
    wait_for("the removed rule's alert to end", lambda: set(alerts(api)) == {"rule/hot/w-1"}, 10)
    report(api, 10)
    wait_for("the end", lambda: not alerts(api), 10)
    assert process.stop() == 0


def test_firing_alerts_survive_a_restart(world):
    config = config_with(world, hot())
    process, api = world.serve(config)
    report(api, 60)
    before = wait_for("the alert", lambda: alerts(api).get("rule/hot/w-1"), 10)
    incident = before["incident_id"]
    assert process.stop() == 0
    process, api = world.serve(config, name="again")
    after = wait_for("the alert, still", lambda: alerts(api).get("rule/hot/w-1"), 10)
    assert (after["started_at"], after["incident_id"]) == (before["started_at"], incident)
    report(api, 60)
    report(api, 61)
    assert "alert_firing" not in process.log()  # it is not told again
    report(api, 10)
    wait_for("the end", lambda: not alerts(api), 10)


def test_built_in_alerts_link_their_page_which_the_monitor_serves(world):
    _, api = world.serve(config_with(world, shipped_rules={"never_heard": {"enabled": False}}))
    api.report("w-2", pool="thumbs", disks=[{"mount": "/", "used_percent": 99, "free_bytes": 10}])
    api.report("w-2", pool="thumbs", disks=[{"mount": "/", "used_percent": 99, "free_bytes": 10}])

    def full():
        api.report("w-2", pool="thumbs", period_seconds=1, disks=[{"mount": "/", "used_percent": 99, "free_bytes": 10}])
        return next((a for a in alerts(api).values() if a["rule"] == "disk_usage_high"), None)

    alert = wait_for("the full disk", full, 30, step=0.5)
    page = alert["annotations"]["runbook_url"]
    assert page == "/docs/alerts/disk_usage_high.md"
    answer = api.request("GET", page, 200, validate=False)
    assert answer.headers["Content-Type"].startswith("text/plain") and "## What to do" in answer.text


def test_check_config_explains_rules_and_what_they_would_match_now(world):
    _, api = world.serve()
    report(api, 60)
    wait_for("the worker", lambda: "w-1" in api.workers(), 10)
    rules = [hot(), hot(90, "hotter"), {"name": "odd", "when": {"anomaly": "cpu_percent", "above": 4}},
             {"name": "most", "for_each": "pool", "when": {"share": {"of": {"metric": "cpu_percent", "above": 50}, "above": 30}}},
             {"name": "quiet", "when": {"check": "heartbeat", "finding": "healthy"}}]
    file = write_yaml(world.dir / "candidate.yaml", {"alerting": {"rules": rules}})
    alone = run(["check-config", file])
    assert alone.returncode == 0 and "hot: for each worker, when cpu_percent is above 50: critical" in alone.stdout, alone
    now = run(["check-config", file, "--monitor", api.url])
    assert now.returncode == 0, now
    said, rule = {}, None
    for line in now.stdout.splitlines():
        if line.startswith("  ") and not line.startswith("    "):
            rule = line.strip().split(":")[0]
        elif line.startswith("    "):
            said.setdefault(rule, []).append(line.strip())
    assert said == {"hot": ["matches 1 now: w-1"], "hotter": ["matches nothing now"],
                    "odd": ["matches nothing now", "no data for 1: w-1"], "most": ["matches 1 now: thumbs"],
                    "quiet": ["matches 1 now: w-1"]}, now.stdout
    assert run(["check-config", file, "--monitor", "http://127.0.0.1:9"]).returncode == 6


RULES = """
rules:
  - name: hot
    when: {metric: cpu_percent, above: 90, clear: 80}
    for: 1m
    labels: {team: media}
    annotations: {summary: "{{ worker }}: {{ value }} %"}
"""
TESTS = """
rule_files: [rules.yaml]
interval: 30s
tests:
  - name: it waits, fires and clears
    workers:
      - id: w-1
        pool: thumbs
        metrics: {cpu_percent: "50x2 95x4 85x2 70"}
    expect:
      - {at: 1m30s, alerts: []}
      - at: 2m
        alerts:
          - {rule: hot, subject: w-1, labels: {team: media}, annotations: {summary: "w-1: SUMMARY %"}}
      - {at: 3m30s, rule: hot, alerts: [{subject: w-1}]}
      - {at: 4m, alerts: []}
"""


def test_test_rules_passes_fails_with_a_diff_and_refuses(world):
    (world.dir / "rules.yaml").write_text(textwrap.dedent(RULES))
    tests = world.dir / "tests.yaml"
    tests.write_text(TESTS.replace("SUMMARY", "95"))
    good = run(["test-rules", str(tests)])
    assert good.returncode == 0 and "1 of 1 tests passed, 4 expectations" in good.stdout, good
    tests.write_text(TESTS.replace("SUMMARY", "99"))
    bad = run(["test-rules", str(tests)])
    assert bad.returncode == 1, bad
    assert "expected 'w-1: 99 %'" in bad.stdout and "got      'w-1: 95 %'" in bad.stdout and "at 2m" in bad.stdout, bad.stdout
    tests.write_text(TESTS + "      - {at: 5m, alrts: []}\n")
    wrong = run(["test-rules", str(tests)])
    assert wrong.returncode == 2 and "alrts" in wrong.stderr, wrong
